"""Which of the hosts that were found is rank 0, and which rank 9,999: a rule that gives the same answer every time.

Two runs over the same hosts must agree, or a retry renames a training at work. So ranks come from what does not
change: a label, the position that a Job or StatefulSet gave, the name, or the address; never from the order of a list.
"""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mldns import arguments
from mldns.exceptions import InvalidInput
from mldns.inventory.workers import Worker, parse_workers
from mldns.messages import shorten

RULES: Final = ("name", "address", "index")
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Host:
    """A machine or pod that can be a worker.

    :param place: its zone or namespace, for messages.
    :param facts: its labels, and beneath them its metadata or annotations.
    :param index: where its controller put it, such as `(3,)` or, job and pod, `(1, 3)`; None where nothing says.
    :param leads: whether its controller made it rank 0: a head, leader, launcher or master.
    """

    name: str
    address: str
    place: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    index: tuple[int, ...] | None = None
    leads: bool = False


@dataclass(frozen=True, slots=True)
class Ranking:
    """How hosts become workers. Ranks are counted a role at a time.

    :param by: `name` (worker-2 before worker-10), `address`, or `index`.
    :param first_index: the number of the first host, by `index`.
    :param rank_label: the label that holds each host's rank; overrides `by` and who leads.
    :param role: of every host, unless `role_label` names the label that holds it.
    :param slots: processes on every host, unless `slots_label` names the label that holds them.
    """

    by: str = "name"
    first_index: int = 0
    rank_label: str = ""
    role: str = "worker"
    role_label: str = ""
    slots: int | str = 1
    slots_label: str = ""

    def __post_init__(self) -> None:
        if self.by not in RULES:
            raise InvalidInput(f"rank_by {self.by!r} is not known: it is one of {', '.join(RULES)}")

    def __str__(self) -> str:
        """For the log: by what."""
        return f"label {self.rank_label!r}" if self.rank_label else self.by

    def workers(self, hosts: Iterable[Host], *, allow_addresses: Collection[str] = ()) -> tuple[Worker, ...]:
        """Return the hosts as workers, by role and rank.

        :param hosts: in any order.
        :param allow_addresses: networks to let through although other hosts cannot reach them.
        :raises InvalidInput: a label is missing or no number, ranks or positions have gaps, two hosts share an address.
        """
        roles: dict[str, list[Host]] = defaultdict(list)
        for host in hosts:
            roles[_fact(host, self.role_label, "role_label") if self.role_label else self.role].append(host)
        rows = [row for role, members in roles.items() for row in self._rows(role, members)]
        return parse_workers(rows, allow_addresses=allow_addresses)

    def _rows(self, role: str, hosts: Sequence[Host]) -> Iterable[dict[str, Any]]:
        for rank, host in self._ranked(hosts):
            slots = _fact(host, self.slots_label, "slots_label") if self.slots_label else self.slots
            yield {"rank": rank, "address": host.address, "hostname": host.name, "role": role, "slots": slots}

    def _ranked(self, hosts: Sequence[Host]) -> Iterable[tuple[int, Host]]:
        if self.rank_label:
            return _by_label(hosts, self.rank_label)
        leaders = [host for host in hosts if host.leads]
        if len(leaders) > 1:
            raise InvalidInput(
                f"{shorten([host.name for host in leaders])} all lead: two jobs match; narrow the labels"
            )
        return enumerate((*leaders, *self._in_order([host for host in hosts if not host.leads])))

    def _in_order(self, hosts: Sequence[Host]) -> Sequence[Host]:
        if self.by == "index":
            return _by_index(hosts, self.first_index)
        if self.by == "address":
            return sorted(hosts, key=_address_key)
        return sorted(hosts, key=lambda host: (natural_key(host.name), host.place))


def natural_key(name: str) -> tuple[tuple[str | int, ...], str]:
    """Sorts numbers within names as numbers; the name itself tells `w-1` from `w-01`."""
    # Text and digits take turns, beginning with text, so that no number is ever compared with a text.
    return tuple(int(part) if part.isdigit() else part for part in _DIGITS.split(name)), name


def _address_key(host: Host) -> tuple[int, int]:
    try:
        address = ipaddress.ip_address(host.address)
    except ValueError:
        raise InvalidInput(f"{host.name} has address {host.address!r}, which is none") from None
    return address.version, int(address)


def _fact(host: Host, label: str, argument: str) -> str:
    value = host.facts.get(label, "")
    if not value:
        known = shorten(sorted(host.facts)) or "none"
        raise InvalidInput(f"{host.name} has no label {label!r}, which {argument} names; it has {known}")
    return value


def _by_label(hosts: Sequence[Host], label: str) -> list[tuple[int, Host]]:
    holders: dict[int, list[str]] = defaultdict(list)
    ranked = []
    for host in hosts:
        rank = arguments.whole(_fact(host, label, "rank_label"), f"{host.name}: rank, its label {label!r},")
        holders[rank].append(host.name)
        ranked.append((rank, host))
    for rank, names in sorted(holders.items()):
        if len(names) > 1:
            raise InvalidInput(f"label {label!r} gives rank {rank} to {shorten(sorted(names))}: one rank is one host")
    return ranked


def _by_index(hosts: Sequence[Host], first: int) -> list[Host]:
    """By position, which must have no gap: else the ranks behind it would shift when the missing one comes."""
    positions = _positions(hosts)
    members: dict[tuple[int, ...], set[int]] = defaultdict(set)
    for index in positions:
        members[index[:-1]].add(index[-1])
    for outer, found in sorted(members.items()):
        if min(found) < first:
            raise InvalidInput(f"index {_dotted((*outer, min(found)))} lies before first_index {first}")
        if missing := [number for number in range(first, max(found)) if number not in found]:
            way_out = "" if first in found else f"; numbers that begin at {min(found)} need first_index={min(found)}"
            raise InvalidInput(
                f"nothing has index {_dotted((*outer, missing[0]))}, but {_dotted((*outer, max(found)))}{way_out}"
            )
    jobs = {outer[0] for outer in members if outer}
    if gaps := [number for number in range(min(jobs, default=0), max(jobs, default=0)) if number not in jobs]:
        raise InvalidInput(f"job {gaps[0]} has no pods, but job {max(jobs)} has")
    return [positions[index] for index in sorted(positions)]


def _positions(hosts: Sequence[Host]) -> dict[tuple[int, ...], Host]:
    positions: dict[tuple[int, ...], Host] = {}
    for host in hosts:
        if host.index is None:
            raise InvalidInput(
                f"{host.name} has no index: Indexed Jobs, JobSets, StatefulSets, LeaderWorkerSets and PyTorchJobs "
                "number their pods; "
                "rank_by='name', rank_by='address' or rank_label= does without"
            )
        other = positions.setdefault(host.index, host)
        if other is not host:
            raise InvalidInput(
                f"{other.name} and {host.name} both have index {_dotted(host.index)}: two jobs match; narrow the labels"
            )
    return positions


def _dotted(index: Sequence[int]) -> str:
    return ".".join(map(str, index))
