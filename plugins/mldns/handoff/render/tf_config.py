"""TF_CONFIG: every address of the cluster, for TensorFlow, in each of its processes."""

from __future__ import annotations

from typing import Any

from mldns.exceptions import InvalidInput
from mldns.handoff.reader import HandOff, JobHost
from mldns.handoff.render.forms import as_json

MAX_VARIABLE = 128 * 1024
"""Bytes of `NAME=value` and the zero behind it that Linux passes to a program (MAX_ARG_STRLEN)."""

_EVALUATOR = "evaluator"


def tf_config(handoff: HandOff, host: JobHost | None = None) -> dict[str, Any]:
    """Return the cluster, every host on the hand-off's port, and the task where the host is said.

    An evaluator is no part of the cluster that the others train in: it stands in its own TF_CONFIG alone.
    """
    cluster: dict[str, list[str]] = {}
    for member in handoff.hosts:
        if member.role != _EVALUATOR or (host is not None and host.role == _EVALUATOR):
            cluster.setdefault(member.role, []).append(f"{member.name}:{handoff.port}")
    if host is None:
        return {"cluster": cluster}
    return {"cluster": cluster, "task": {"type": host.role, "index": host.rank}}


def variables(value: dict[str, Any]) -> dict[str, str]:
    """TF_CONFIG as a variable.

    :raises InvalidInput: it is larger than a variable can be: no program would start with it.
    """
    text = as_json(value).strip()
    size = len("TF_CONFIG=") + len(text.encode()) + 1
    if size > MAX_VARIABLE:
        hosts = sum(map(len, value["cluster"].values()))
        raise InvalidInput(
            f"TF_CONFIG of {hosts:,} hosts takes {size:,} bytes, a variable holds {MAX_VARIABLE:,}: write it to a file "
            "(--format json --output tf_config.json), and in the program, before TensorFlow reads it: "
            'os.environ["TF_CONFIG"] = open("tf_config.json").read()'
        )
    return {"TF_CONFIG": text}
