"""DAGs around `training_dns`, for test_training_groups.py: each shows one way to write it down."""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Param, task, task_group

from mldns.task_groups import training_dns

JOB: dict[str, Any] = {"zone": "ml", "job": "bert", "port": 29500}
SHOW = 'echo "$MASTER_ADDR|$MASTER_PORT|$WORLD_SIZE|$NNODES|$MLDNS_HANDOFF"'


@task
def discover(region: int) -> list[str]:
    return [f"10.{region}.0.{host}" for host in (7, 8)]


form = {"command": Param(SHOW), "resolvers": Param([], type="array")}
with (
    DAG("group_mapped_workers", schedule=None, params=form),
    training_dns(
        **JOB,
        workers=discover.expand(region=[0, 1]),
        reverse_zone="reverse",
        gate_timeout=4,
        gate={"resolvers": "{{ params.resolvers | tojson }}", "passes": 2},
    ) as dns,
):
    BashOperator(task_id="train", bash_command="{{ params.command }}", env=dns.env, append_env=True)

with (
    DAG("group_native", schedule=None, render_template_as_native_obj=True),
    training_dns(**JOB, workers=["10.0.0.7"]) as dns,
):
    train = BashOperator.partial(task_id="train", env=dns.env, append_env=True)
    train.expand(bash_command=[f"{SHOW} # rank {rank}" for rank in (0, 1)])

with DAG("group_of_groups", schedule=None):

    @task_group
    def one(job: str) -> None:
        with training_dns(zone="ml", job=job, workers=discover(0)) as dns:
            BashOperator(task_id="train", bash_command='echo "$MASTER_ADDR"', env=dns.env, append_env=True)

    one.expand(job=["a", "b"])
