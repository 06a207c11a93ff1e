"""The only file that Airflow's plugin loader executes; `.airflowignore` keeps it from running the package file by file,
which would put each into `sys.modules` under its bare name, where a `dns.py` would replace dnspython."""

from importlib.metadata import entry_points

# An installed mldns registers the plugin itself, and Airflow reports a second one as an error.
if not entry_points(group="airflow.plugins", name="mldns"):
    from mldns.ui.plugin import MldnsPlugin  # noqa: F401
