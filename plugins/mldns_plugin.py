"""The only file that Airflow's plugin loader executes; `.airflowignore` keeps it from running the package file by file,
which would put each into `sys.modules` under its bare name, where a `dns.py` would replace dnspython."""

from importlib.metadata import entry_points
from pathlib import Path

_HERE = Path(__file__).parent
# An installed mldns registers the plugin itself, and Airflow reports a second one as an error. What a build left beside
# this file (`mldns.egg-info`) registers nothing: Airflow looks for installed plugins before it looks here.
_FOUND = entry_points(group="airflow.plugins", name="mldns")
if all(found.dist is not None and Path(str(found.dist.locate_file(""))) == _HERE for found in _FOUND):
    from mldns.ui.plugin import MldnsPlugin  # noqa: F401
