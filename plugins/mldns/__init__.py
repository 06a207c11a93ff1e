"""DNS for distributed training, run by Airflow: plan, write, prove, hand over, release.

The packages, from the ground up. Each imports only what stands above it here; `make lint` holds that.

==============  =====================================================================================================
records         names, resource record sets, TXT strings, addresses
inventory       who is rank i at which address, in every form that people write; the records that a job wants
plan            the difference between a zone and what is wanted, and the batches that it is sent in
ownership       whose name it is: manifest, claims, leases, compare and swap
iam             members of roles, and the notes of which job granted what
gate            the proof that every name resolves: whom to ask, what to expect, what each answer means
handoff         what a trainer gets: the hand-off, and how each launcher reads it
cli             `python -m mldns`: check, render and launch, on hosts that have dnspython alone
events          the asset events that tasks emit, and which of them to trust
providers       the protocol between mldns and a cloud, and what holds for every cloud; `providers.gcp`, `providers.aws`
reconcile       the scheduled check: what is live, what drifted, what needs attention
hooks           Airflow connections turned into providers: the only way from a task to a cloud
tasks           what every task shares: base class, lease, links, events
operators       Airflow's operators; beside them `sensors`, `triggers`, `notifiers` and `task_groups`
ui              the page in Airflow's UI
dags            the DAGs that a deployment names in its own folder
==============  =====================================================================================================

`records` to `events` are pure but for the sockets of `gate` and the files of `cli`: no Airflow, no cloud, no HTTP.
"""

__version__ = "0.1.0"
