"""What every task of mldns shares: how it reaches a cloud, under whose lease it works, and what it leaves in Airflow.

`base` is the operators' base class and `job` that of all that name a job's workers, `lease` says who holds the names
and whether that run is at work, `links` are the buttons on a task's page, `outlets` emits asset events and `event_log`
reads them back. `turns` decides whose turn a waiting claim is, and `guard` looks once more before a training starts.
Nothing here knows a cloud but through a hook.
"""
