"""Airflow hooks: the one way from a task to a cloud or a cluster.

`cloud_dns.CloudDNSHook` is public: zones, an owner's records, IAM, with plain keywords and JSON. It is made of
`_connection` (credentials, endpoints, patience), `_zones`, `_names` (what a `Holder` may do to an owner's names) and
`_iam`; `_validation` checks what a caller asks for before anything is sent. `compute`, `gke` and `pods` find workers.

A hook turns arguments into the values of the core and calls `mldns.providers`; it knows no operator and no template.
"""
