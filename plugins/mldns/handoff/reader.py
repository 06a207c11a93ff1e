"""The hand-off as its reader has it: checked, and unfolded into hosts again. The other side of `mldns.handoff.writer`.

The order of the hosts is the order of ranks over the whole job: first the master's role, then the others by name; in
each by rank. So the master is host 0 and has process 0, and worker-3 of a job of workers alone is host 3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import Any

from mldns import arguments
from mldns.exceptions import InvalidInput
from mldns.gate.servers import ServerRole, parse_server
from mldns.handoff import address_digest, run_lengths
from mldns.handoff.writer import VERSION, inventory_digest
from mldns.inventory.workers import Worker, parse_port
from mldns.messages import clipped, quoted
from mldns.records.names import absolute, role_label, slug

MAX_HOSTS = 1_000_000
"""More are taken for a slip: nobody should wait for a number with too many zeros to be unfolded."""

_SLOTS = re.compile(r"[1-9][0-9]{0,8}")
# These two stand unquoted in what is rendered.
_ZONE = re.compile(r"[A-Za-z0-9_.-]{1,254}")  # at AWS a zone is called as it serves
_DIGEST = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class JobHost:
    """One host of a training, without its address, which DNS has.

    :param name: absolute, without the trailing dot: what launchers, ssh and `/etc/hosts` are used to.
    :param index: among all hosts of the job, from 0: torchrun's node rank.
    :param slots: processes on it; None where the hand-off does not tell.
    :param first_process: the rank of its first process among all processes; None where unknown.
    """

    role: str
    rank: int
    name: str
    index: int
    slots: int | None
    first_process: int | None


@dataclass(frozen=True)
class HandOff:
    """A hand-off; names are without their trailing dot.

    :param roles: number of hosts by role, in the order of the hosts.
    :param slots: processes of each host by role; None where the hand-off does not tell.
    :param record_type: what all the names hold, `A` or `AAAA`; None where they differ or the hand-off does not tell.
    :param run: digest of the lease that holds the names, the same for a host replaced meanwhile; None where not told.
    :param addresses: `address_digest.summarise` of what DNS must answer; None in a hand-off of an older release.
    """

    job: str
    zone: str
    dns_name: str
    visibility: str
    ttl: int
    name_servers: tuple[str, ...]
    resolvers: tuple[str, ...]
    pattern: str
    roles: dict[str, int]
    slots: dict[str, tuple[int, ...]] | None
    record_type: str | None
    world_size: int
    master: str
    master_alias: str
    port: int
    digest: str
    run: str | None
    addresses: Mapping[str, Any] | None

    @property
    def count(self) -> int:
        return sum(self.roles.values())

    @property
    def domain(self) -> str:
        """What all the job's names end in."""
        return f"{self.job}.{self.dns_name}"

    @property
    def common_slots(self) -> int | None:
        """The slots that all hosts have; None where they differ or are not told."""
        found = None if self.slots is None else {number for slots in self.slots.values() for number in slots}
        return found.pop() if found and len(found) == 1 else None

    @cached_property
    def hosts(self) -> tuple[JobHost, ...]:
        """All hosts in order."""
        roles = [(role, rank) for role, count in self.roles.items() for rank in range(count)]
        slots: list[int | None] = [None] * len(roles)
        firsts: list[int | None] = [None] * len(roles)
        if self.slots is not None:
            known = [number for role in self.roles for number in self.slots[role]]
            slots, firsts = [*known], [*accumulate(known, initial=0)]
        return tuple(
            JobHost(role, rank, self.name_of(role, rank), index, slots[index], firsts[index])
            for index, (role, rank) in enumerate(roles)
        )

    def name_of(self, role: str, rank: int) -> str:
        """Return the name of a rank, whether the job has it or not.

        :param role: a role's label, such as `worker`.
        :param rank: counted within the role, from 0.
        :return: without a final dot.
        """
        return self.pattern.replace("{role}", role).replace("{rank}", str(rank))

    def host(self, rank: int, role: str | None = None) -> JobHost:
        """Return one host by the number in its name.

        :param rank: counted within the role, from 0.
        :param role: may be left out where there is one alone.
        :raises InvalidInput: the job has no such host, or several roles and none is said.
        """
        if role is None and len(self.roles) > 1:
            raise InvalidInput(f"job {self.job!r} has the roles {', '.join(self.roles)}: say which one the rank is of")
        role = next(iter(self.roles)) if role is None else role
        if role not in self.roles:
            raise InvalidInput(f"job {self.job!r} has no role {role!r}: it has {', '.join(self.roles)}")
        if not 0 <= rank < self.roles[role]:
            raise InvalidInput(
                f"job {self.job!r} has no {role} rank {rank}: it has ranks 0 to {self.roles[role] - 1} of it"
            )
        before = 0
        for other, count in self.roles.items():
            if other == role:
                break
            before += count
        return self.hosts[before + rank]

    def with_workers(self, workers: Sequence[Worker]) -> HandOff:
        """The same hand-off with the slots of its inventory.

        :raises InvalidInput: the workers are not the inventory that this hand-off was made of.
        """
        if inventory_digest(workers) != self.digest:
            raise InvalidInput(
                f"these workers are not those of the hand-off of job {self.job!r}: "
                f"digest {inventory_digest(workers)}, not {self.digest}; give the list that the names were written from"
            )
        slots = {role: tuple(worker.slots for worker in workers if worker.role == role) for role in self.roles}
        return replace(self, slots=slots)


def read(text: str | Mapping[str, Any]) -> HandOff:
    """Return the hand-off of its JSON text, or of the value itself.

    :raises InvalidInput: no JSON, no hand-off, of a newer version, of no workers, or with a value that cannot be.
    """
    value = _parsed(text)
    version = value.get("version")
    if isinstance(version, int) and version > VERSION:
        raise InvalidInput(f"the hand-off has version {version}, this mldns reads up to {VERSION}: take a newer mldns")
    if isinstance(version, bool) or version != VERSION:
        raise InvalidInput("this is no hand-off of mldns: it has no 'version'")
    if not value.get("count"):
        raise InvalidInput(f"the hand-off of job {value.get('job')!r} has no workers: it names the zone alone")
    return _checked(value)


def _parsed(text: str | Mapping[str, Any]) -> Mapping[str, Any]:
    value = arguments.read_json(text, "the hand-off") if isinstance(text, str) else text
    if not isinstance(value, Mapping):
        raise InvalidInput(f"the hand-off must be a JSON object, not {type(value).__name__}")
    return value


def _checked(value: Mapping[str, Any]) -> HandOff:
    job, dns_name = slug(_text(value, "job")), _name(value, "dns_name")
    pattern, master = _pattern(value, job, dns_name), _name(value, "master")
    roles = _roles(value, pattern, master)
    slots, world_size = _slots(value, roles), _whole(value, "world_size")
    if slots is not None and sum(map(sum, slots.values())) != world_size:
        raise InvalidInput(f"hand-off: world_size {world_size} is not the sum of the slots")
    record_type, addresses = value.get("record_type"), value.get("addresses")
    if record_type not in (None, "A", "AAAA"):
        raise InvalidInput(f"hand-off: record_type is {quoted(record_type)}, neither A nor AAAA")
    return HandOff(
        job=job,
        zone=_spelled(value, "zone", _ZONE),
        dns_name=dns_name,
        visibility=_visibility(value),
        ttl=_whole(value, "ttl"),
        name_servers=_servers(value, "name_servers", ServerRole.AUTHORITATIVE),
        resolvers=_servers(value, "resolvers", ServerRole.RESOLVER),
        pattern=pattern,
        roles=roles,
        slots=slots,
        record_type=record_type,
        world_size=world_size,
        master=master,
        master_alias=_name(value, "master_alias"),
        port=parse_port(value.get("port")),
        digest=_spelled(value, "digest", _DIGEST),
        run=None if value.get("run") is None else _spelled(value, "run", _DIGEST),
        addresses=None if addresses is None else address_digest.check_summary(addresses, sum(roles.values())),
    )


def _roles(value: Mapping[str, Any], pattern: str, master: str) -> dict[str, int]:
    """Hosts by role, the master's first."""
    found = value.get("roles")
    if not isinstance(found, Mapping) or not found:
        raise InvalidInput(f"hand-off: roles is {quoted(found)}, not hosts by role")
    counts = {role_label(role): _whole(found, role) for role in found}
    if (count := sum(counts.values())) != value["count"] or count > MAX_HOSTS:
        raise InvalidInput(f"hand-off: count is {quoted(value['count'])}, the roles have {count:,} hosts")
    names = {role: pattern.replace("{role}", role).replace("{rank}", "0") for role in counts}
    if master not in names.values():
        raise InvalidInput(f"hand-off: master {master} is no rank 0 of {', '.join(counts)}")
    return {role: counts[role] for role in sorted(counts, key=lambda role: (names[role] != master, role))}


def _slots(value: Mapping[str, Any], roles: Mapping[str, int]) -> dict[str, tuple[int, ...]] | None:
    one, runs = value.get("slots"), value.get("slot_runs")
    if one is not None:
        slots = _whole(value, "slots")
        return {role: (slots,) * count for role, count in roles.items()}
    if runs is None:
        return None
    if not isinstance(runs, Mapping) or set(runs) != set(roles):
        raise InvalidInput(f"hand-off: slot_runs is {quoted(runs)}, not the runs of {', '.join(roles)}")
    found = {}
    for role, count in roles.items():
        texts = run_lengths.decode(_text(runs, role), count=count, what=f"hand-off: slot_runs of {role}")
        if wrong := next((text for text in texts if not _SLOTS.fullmatch(text)), None):
            raise InvalidInput(f"hand-off: slot_runs of {role} has {quoted(wrong)}, not a number of slots")
        found[role] = tuple(map(int, texts))
    return found


def _pattern(value: Mapping[str, Any], job: str, dns_name: str) -> str:
    pattern = _text(value, "pattern").removesuffix(".")
    if pattern != f"{{role}}-{{rank}}.{job}.{dns_name}":
        raise InvalidInput(f"hand-off: pattern is {quoted(pattern)}, not {{role}}-{{rank}}.{job}.{dns_name}")
    return pattern


def _name(value: Mapping[str, Any], key: str) -> str:
    return absolute(_text(value, key)).removesuffix(".")


def _text(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    if not isinstance(found, str) or not found:
        raise InvalidInput(f"hand-off: {key} is {quoted(found)}, not text")
    return found


def _spelled(value: Mapping[str, Any], key: str, pattern: re.Pattern[str]) -> str:
    text = _text(value, key)
    if not pattern.fullmatch(text):
        raise InvalidInput(f"hand-off: {key} is {quoted(text)}, not of the form {pattern.pattern}")
    return text


def _texts(value: Mapping[str, Any], key: str) -> tuple[str, ...]:
    found = value.get(key)
    if not isinstance(found, list | tuple) or not all(isinstance(item, str) for item in found):
        raise InvalidInput(f"hand-off: {key} is {quoted(found)}, not a list of texts")
    return tuple(found)


def _servers(value: Mapping[str, Any], key: str, role: ServerRole) -> tuple[str, ...]:
    """The servers as they stand there, each of which can be read."""
    texts = _texts(value, key)
    for text in texts:
        try:
            parse_server(text, role)
        except InvalidInput as error:
            raise InvalidInput(f"hand-off: {key}: {clipped(str(error))}") from None
    return tuple(text.strip() for text in texts)


def _visibility(value: Mapping[str, Any]) -> str:
    text = _text(value, "visibility")
    if text not in ("public", "private"):
        raise InvalidInput(f"hand-off: visibility is {quoted(text)}, neither public nor private")
    return text


def _whole(value: Mapping[str, Any], key: str) -> int:
    found = value.get(key)
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise InvalidInput(f"hand-off: {key} is {quoted(found)}, not a whole number of at least 1")
    return found
