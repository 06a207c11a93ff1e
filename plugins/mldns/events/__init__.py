"""Asset events: what mldns leaves in Airflow's event log about zones and jobs, and which of it is trusted later.

`assets` names the assets and builds the extras of job events; `written_records` packs the records of an upsert into an
event and reads them back; `trust` decides which events may say what a job's records are. Pure: emitting an event
(`mldns.tasks.outlets`) and reading the log (`mldns.tasks.event_log`) is done by tasks. Nothing here knows Airflow.
"""
