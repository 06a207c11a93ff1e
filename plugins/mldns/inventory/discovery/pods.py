"""Kubernetes' answers as hosts: which pod of an index lives, and which number its controller gave it.

Pods are JSON objects as the API spells them. A pod counts from the moment it has an address, ready or not: it may well
be waiting, in an init container, for the very names that are to be made of it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from mldns import arguments
from mldns.exceptions import InvalidInput
from mldns.inventory.discovery.census import Census
from mldns.inventory.discovery.ranking import Host, natural_key

Resource = Mapping[str, Any]

COMPLETION_INDEX: Final = "batch.kubernetes.io/job-completion-index"
JOB_NAME: Final = "batch.kubernetes.io/job-name"
# JobSet numbers its jobs over all of its replicated jobs, and within one.
JOB_INDEXES: Final = ("jobset.sigs.k8s.io/job-global-index", "jobset.sigs.k8s.io/job-index")
RESTART_ATTEMPT: Final = "jobset.sigs.k8s.io/restart-attempt"
# The leader of a group is worker 0. Its pod also belongs to a StatefulSet, which numbers the groups.
LEADER_WORKER_SET: Final = ("leaderworkerset.sigs.k8s.io/group-index", "leaderworkerset.sigs.k8s.io/worker-index")
# A StatefulSet's, and a PyTorchJob's or another job's of Kubeflow.
POD_INDEXES: Final = ("apps.kubernetes.io/pod-index", "training.kubeflow.org/replica-index")
LEADERS: Final = {
    "training.kubeflow.org/replica-type": frozenset({"master", "chief", "launcher"}),
    "ray.io/node-type": frozenset({"head"}),
}
_ORDINAL = re.compile(r"-(\d+)$")
_OVER = frozenset({"Succeeded", "Failed"})


def census(pods: Iterable[Resource], *, source: str, expected: int, family: str = "ipv4") -> Census:
    """Count the living pods, one for each index. Those without an address are pending; what has ended is passed over.

    :param pods: as the Kubernetes API gives them.
    :param source: what was asked, for messages.
    :param expected: how many workers there should be.
    :param family: of the address that a worker has: `ipv4` or `ipv6`.
    """
    living: dict[tuple[Any, ...], list[Resource]] = {}
    over = []
    for pod in pods:
        ended = _ended(pod)
        if ended:
            over.append(f"{_name(pod)} ({ended})")
        else:
            living.setdefault(_identity(pod), []).append(pod)
    ready, pending = [], []
    for alike in living.values():
        pod, *older = sorted(alike, key=_preference, reverse=True)
        over += [f"{_name(other)} (replaced by {_name(pod)})" for other in older]
        address = _address(pod, family)
        if address:
            ready.append(_host(pod, address))
        else:
            pending.append(f"{_name(pod)} ({_why_no_address(pod, family)})")
    return Census(
        source=source,
        ready=tuple(ready),
        pending=tuple(sorted(pending, key=natural_key)),
        left_out=tuple(sorted(over, key=natural_key)),
        expected=expected,
    )


def _identity(pod: Resource) -> tuple[Any, ...]:
    """What two pods share of which one replaces the other: an index of a job. A StatefulSet's pod keeps its name."""
    if COMPLETION_INDEX in _facts(pod):
        return _owner(pod), _index(pod)
    return (_name(pod),)


def _owner(pod: Resource) -> str:
    """The job behind a pod. A job made anew keeps its name, but its pods are others: hence the name, not the uid."""
    facts = _facts(pod)
    named: Resource = next((ref for ref in _metadata(pod).get("ownerReferences", ()) if ref.get("controller")), {})
    return str(facts.get(JOB_NAME) or facts.get("job-name") or named.get("name", ""))


def _index(pod: Resource) -> tuple[int, ...] | None:
    facts = _facts(pod)
    if COMPLETION_INDEX in facts:
        outer = next((facts[label] for label in JOB_INDEXES if label in facts), None)
        inner = _number(pod, facts[COMPLETION_INDEX])
        return (inner,) if outer is None else (_number(pod, outer), inner)
    if all(label in facts for label in LEADER_WORKER_SET):
        return tuple(_number(pod, facts[label]) for label in LEADER_WORKER_SET)
    for label in POD_INDEXES:
        if label in facts:
            return (_number(pod, facts[label]),)
    kinds = {ref.get("kind") for ref in _metadata(pod).get("ownerReferences", ()) if ref.get("controller")}
    ordinal = _ORDINAL.search(_name(pod))
    return (int(ordinal.group(1)),) if "StatefulSet" in kinds and ordinal else None


def _number(pod: Resource, text: str) -> int:
    return arguments.whole(text, f"pod {_name(pod)!r}: index")


def _ended(pod: Resource) -> str:
    """Why a pod is none any more; empty while it lives."""
    if _metadata(pod).get("deletionTimestamp"):
        return "terminating"
    if _holds(pod, "DisruptionTarget"):
        return "being evicted"
    if _status(pod).get("reason") == "NodeLost":
        return "node lost"
    phase = str(_status(pod).get("phase", ""))
    return phase if phase in _OVER else ""


def _preference(pod: Resource) -> tuple[int, bool, str]:
    """Of two pods of one index: the JobSet's latest attempt, the one that is ready, the younger.

    A pod whose node is lost still says Running for minutes, and is not ready: the younger one replaces it.
    """
    attempt = _number(pod, _facts(pod).get(RESTART_ATTEMPT, "0"))
    return attempt, _holds(pod, "Ready"), str(_metadata(pod).get("creationTimestamp", ""))


def _holds(pod: Resource, condition: str) -> bool:
    found = _status(pod).get("conditions") or ()
    return any(item.get("type") == condition and item.get("status") == "True" for item in found)


def _address(pod: Resource, family: str) -> str:
    version = 4 if family == "ipv4" else 6
    return next((text for text in _addresses(pod) if ipaddress.ip_address(text).version == version), "")


def _addresses(pod: Resource) -> Sequence[str]:
    status = _status(pod)
    several = [str(entry.get("ip")) for entry in status.get("podIPs", ()) if entry.get("ip")]
    return several or ([str(status["podIP"])] if status.get("podIP") else [])


def _why_no_address(pod: Resource, family: str) -> str:
    if have := _addresses(pod):
        raise InvalidInput(f"pod {_name(pod)!r} has no {family} address, but {', '.join(have)}: say family=")
    phase = str(_status(pod).get("phase", "Unknown"))
    unmet = [c for c in _status(pod).get("conditions", ()) if c.get("status") == "False" and c.get("reason")]
    scheduling = next((str(c["reason"]) for c in unmet if c.get("type") == "PodScheduled"), "")
    return f"{phase}, {scheduling}" if scheduling else f"{phase}, no address"


def _host(pod: Resource, address: str) -> Host:
    place = str(_metadata(pod).get("namespace", ""))
    facts = _facts(pod)
    leads = any(facts.get(label, "").lower() in values for label, values in LEADERS.items())
    return Host(name=_name(pod), address=address, place=place, facts=facts, index=_index(pod), leads=leads)


def _facts(pod: Resource) -> Mapping[str, str]:
    return {**(_metadata(pod).get("annotations") or {}), **(_metadata(pod).get("labels") or {})}


def _name(pod: Resource) -> str:
    return str(_metadata(pod).get("name", ""))


def _metadata(pod: Resource) -> Mapping[str, Any]:
    return pod.get("metadata") or {}


def _status(pod: Resource) -> Mapping[str, Any]:
    return pod.get("status") or {}
