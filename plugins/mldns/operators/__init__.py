"""Airflow operators: read templates, call a hook, log the plan, return small plain JSON.

Public are `cloud_dns`, the operators on zones, names and IAM, and `discovery`, which finds workers: DAGs import these.
The other modules hold one group of them each, `_job` and `_inventory` what a group shares.

An operator reaches a cloud through a hook only, and hands it two values: who asks (`mldns.ownership.claims.Holder`) and
what is wanted (`mldns.inventory.job_records.DesiredRecords`). Its `__init__` keeps arguments as they come: templates
are not rendered yet. A keyword that a class fills in itself would hide a DAG's `default_args`: give it a default in the
signature (`mldns.tasks.base`).
"""
