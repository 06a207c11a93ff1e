"""Airflow's sensors: `resolution.DNSResolutionSensor`, the gate before a training.

A sensor reads templates, calls the hook and `mldns.gate`, and returns JSON. What an answer means is decided in the
gate; here is only when to ask, for how long, and how the task waits.
"""
