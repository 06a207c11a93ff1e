"""Airflow's triggers: `resolution.DNSResolutionTrigger`, the gate while it waits without a worker slot.

A trigger runs in the triggerer's one event loop, so nothing here may block; its arguments are kept in Airflow's
database, so they are small plain JSON without secrets, and it has no credentials of a cloud.
"""
