"""The check of a zone against the manifests in it, and what it may put right.

`check.ZoneCheck` is the way in: it reads the zone (`drift`), writes where that is wanted (`repair`), renews leases
(`renewal`), asks the zone's servers (`answers`) and returns `findings`, which `snapshot` turns into one event: a row
for each job (`job_rows`), and what else somebody should look at (`attention`). It reaches a cloud through
`check.ZoneAccess` and asks Airflow through functions that it is given, so it knows no hook, no SDK and no Airflow.
"""
