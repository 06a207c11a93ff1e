"""The only file that Airflow's plugin loader executes; `.airflowignore` keeps it from running the package file by file,
which would put each into `sys.modules` under its bare name, where a `dns.py` would replace dnspython."""

from mldns.ui.plugin import MldnsPlugin

__all__ = ["MldnsPlugin"]
