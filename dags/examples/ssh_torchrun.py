"""
### torchrun over SSH, one task a host

`SSHOperator(environment=…)` is dropped silently where the server's `AcceptEnv` does not name the variables, so the
hand-off goes into the command. Every rank must be started before any of them gets on: the pool or the DAG must allow as
many tasks at once. Needs apache-airflow-providers-ssh; on the hosts `mldns`.
"""

from __future__ import annotations

from importlib.util import find_spec

from airflow.sdk import DAG

from mldns.task_groups import HANDOFF_VARIABLE, training_dns

HOSTS = ["10.0.0.7", "10.0.0.8", "10.0.0.9"]

if find_spec("airflow.providers.ssh"):
    from airflow.providers.ssh.operators.ssh import SSHOperator

    with (
        DAG("example_ssh_torchrun", schedule=None, doc_md=__doc__, tags=["mldns", "example"]),
        # The hosts are up and listen for SSH; the rendezvous port answers only once rank 0 trains.
        training_dns(zone="ml", job="bert", workers=HOSTS, reverse_zone="reverse") as dns,
    ):
        SSHOperator.partial(
            task_id="train",
            ssh_conn_id="trainers",
            # Jinja's tojson writes ' as \u0027, so that quotes hold whatever is in it. Hosts are in order of rank.
            command=(
                f"{HANDOFF_VARIABLE}='{dns.env[HANDOFF_VARIABLE]}' MLDNS_RANK={{{{ ti.map_index }}}} "
                "python -m mldns launch torchrun -- train.py --epochs 3"
            ),
            cmd_timeout=None,
            get_pty=True,  # so that the training ends with the task
        ).expand(remote_host=HOSTS)
