"""Who the workers are, and what a job wants in DNS for them. Pure.

`job_records.DesiredRecords` is the way in: built once from a task's arguments and handed to whoever plans, writes,
checks or hands off. `workers` reads every form of an inventory, `compact` writes it small; `discovery` makes one of
what a cloud or a cluster lists.

It asks nobody: hooks and operators do. It knows no zone's content and no claim.
"""
