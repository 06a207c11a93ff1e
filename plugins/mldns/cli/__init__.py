"""`python -m mldns`: what a launcher or an init container needs of a job, from its hand-off.

`check` asks as the workers ask, until all is right or time is up; `render` prints what a launcher starts from,
`launch` becomes it. A command reads its options and its input whole before it asks anybody or writes anything; what is
wrong is one line and exit code 2. It needs Python and dnspython, `render` Python alone: nothing here may import Airflow
or a cloud.
"""
