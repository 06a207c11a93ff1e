"""The gate: whether every name of a job answers with exactly its record, at every server that counts.

`spec.GateSpec` says what is to be proven, its `survey` what to ask now and how far it has come, `exchange.run_round`
asks, `report.Report` says what came of it.

Pure: servers, expectations, required, matrix, survey, report, checkpoint, spec; time comes in as a number. Sockets are
in udp_client, exchange and ports alone; DNS messages, and with them dnspython, in messages. Nothing here may know
Airflow or a cloud: the sensor, its trigger and `mldns check` all use it.
"""
