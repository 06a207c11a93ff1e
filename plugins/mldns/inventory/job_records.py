"""What a job wants in its zone: the records of its workers, and what else was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mldns import arguments
from mldns.exceptions import InvalidInput
from mldns.inventory.workers import Worker, parse_port, parse_workers
from mldns.records.addresses import is_reverse, reverse_name
from mldns.records.names import (
    absolute,
    in_zone,
    master_name,
    rendezvous_name,
    slug,
    worker_name,
    workers_name,
)
from mldns.records.rrset import MAX_RRDATAS, RRset, check_records, parse_record, parse_ttl

DEFAULT_TTL = 30
"""Seconds: workers come and go, and a resolver must forget the last run's address soon."""


_LEADING_ROLES = ("master", "chief", "leader", "head", "launcher")


@dataclass(frozen=True)
class DesiredRecords:
    """Everything that an owner wants in one zone, and its workers' PTR records in another.

    Built once from what a task was given (`parse`) and handed to whoever plans, writes, checks or hands off.

    :param owner: the job's slug, or `shared`.
    :param dns_name: what the zone serves, with its trailing dot.
    :param ttl: of the workers' names, in seconds.
    :param workers: sorted by role and rank; none for explicit records alone.
    :param records: the explicit records.
    :param port: of the rendezvous: the one that was asked for, else rank 0's own; None for no SRV record.
    :param reverse_dns_name: what the zone of the PTR records serves; "" for no PTR records.
    """

    owner: str
    dns_name: str
    ttl: int
    workers: tuple[Worker, ...] = ()
    records: tuple[RRset, ...] = ()
    port: int | None = None
    reverse_dns_name: str = ""

    @classmethod
    def parse(
        cls,
        *,
        owner: str,
        dns_name: str,
        ttl: Any = DEFAULT_TTL,
        workers: Any = None,
        records: Any = None,
        port: Any = None,
        allow_addresses: Any = (),
        reverse_dns_name: str = "",
    ) -> DesiredRecords:
        """Return the value of arguments as templates and XCom give them (`mldns.arguments`).

        :param workers: any form that `parse_workers` takes; None or "" for none. An empty list is an error.
        :param records: a list of API record mappings, or JSON text of one; None or "" for none.
        :param port: 1 to 65535; None or "" for rank 0's own. 0 is no port, here as everywhere.
        :param allow_addresses: networks to let through although other hosts cannot reach them.
        :raises InvalidInput: for the first thing that is wrong; nothing was sent.
        """
        zone, owner_label, seconds = absolute(dns_name), slug(owner), parse_ttl(ttl)
        reverse_zone = absolute(reverse_dns_name) if reverse_dns_name else ""
        asked = arguments.text(port)
        rendezvous_port = parse_port(asked) if asked else None
        allowed = arguments.texts(allow_addresses, "allow_addresses")
        explicit = tuple(
            parse_record(record, dns_name=zone, default_ttl=seconds, allow_addresses=allowed)
            for record in _record_rows(arguments.value(records, "records"))
        )
        inventory = arguments.value(workers, "workers")
        hosts = () if inventory is None else parse_workers(inventory, allow_addresses=allowed)
        if hosts and rendezvous_port is None:
            rendezvous_port = master_of(hosts).port
        desired = cls(owner_label, zone, seconds, hosts, explicit, rendezvous_port, reverse_zone)
        check_records(desired.pointers, reverse_zone)
        if not desired.rrsets:
            raise InvalidInput(f"job {owner_label!r} has nothing to name; give workers, or records")
        check_records(desired.rrsets, zone)
        return desired

    @cached_property
    def rrsets(self) -> tuple[RRset, ...]:
        """What the zone must hold: the workers' names first, then the explicit records."""
        if not self.workers:
            return self.records
        of_job = job_records(self.workers, owner=self.owner, dns_name=self.dns_name, ttl=self.ttl, port=self.port)
        return of_job + self.records

    @cached_property
    def pointers(self) -> tuple[RRset, ...]:
        """What the reverse zone must hold; none where there is no reverse zone.

        :raises InvalidInput: there are no workers, it is no reverse zone, or a worker's address lies outside it.
        """
        if not self.reverse_dns_name:
            return ()
        if not self.workers:
            raise InvalidInput(f"reverse zone {self.reverse_dns_name} without workers: only workers get PTR records")
        return reverse_records(
            self.workers,
            owner=self.owner,
            dns_name=self.dns_name,
            reverse_dns_name=self.reverse_dns_name,
            ttl=self.ttl,
        )


def job_records(
    workers: Iterable[Worker], *, owner: str, dns_name: str, ttl: int, port: int | None = None
) -> tuple[RRset, ...]:
    """Return the rrsets of a job: a name a worker, `master`, `workers`, and the rendezvous SRV where a port is known.

    `workers` holds every address, so it is absent above 100 of them (the limit of an rrset); the hand-off says so.

    :param owner: the job's slug.
    :param dns_name: what the zone serves.
    :param ttl: seconds.
    :param port: of the rendezvous; rank 0's own where None.
    """
    hosts = tuple(workers)
    rrsets = [
        RRset(worker_name(host.role, host.rank, owner, dns_name), host.record_type, ttl, (host.address,))
        for host in hosts
    ]
    master = master_of(hosts)
    rrsets.append(RRset(master_name(owner, dns_name), master.record_type, ttl, (master.address,)))
    # An address that several ranks share stands once: an rrset has no duplicates (RFC 2181 §5).
    for kind in ("A", "AAAA"):
        addresses = tuple(dict.fromkeys(host.address for host in hosts if host.record_type == kind))
        if addresses and len(hosts) <= MAX_RRDATAS:
            rrsets.append(RRset(workers_name(owner, dns_name), kind, ttl, addresses))
    rendezvous_port = port if port is not None else master.port
    if rendezvous_port is not None:
        target = worker_name(master.role, master.rank, owner, dns_name)
        data = f"0 0 {rendezvous_port} {target}"
        rrsets.append(RRset(rendezvous_name(owner, dns_name), "SRV", ttl, (data,)))
    return tuple(rrsets)


def reverse_records(
    workers: Iterable[Worker], *, owner: str, dns_name: str, reverse_dns_name: str, ttl: int
) -> tuple[RRset, ...]:
    """Return the PTR rrsets of a job, in the zone `reverse_dns_name`: each address says its worker's own name.

    Never `master` or `workers`: whoever looks an address up wants the host. An address that several ranks share has
    all their names (RFC 2181 §10.2).

    :param owner: the job's slug.
    :param dns_name: what the zone of the workers' names serves.
    :param ttl: seconds.
    :raises InvalidInput: no reverse zone, or a worker's address lies outside it.
    """
    zone, reverse_zone = absolute(dns_name), absolute(reverse_dns_name)
    if not is_reverse(reverse_zone):
        raise InvalidInput(
            f"zone {reverse_zone} is no reverse zone: it must serve names below in-addr.arpa. or ip6.arpa., "
            "such as 10.in-addr.arpa."
        )
    names: dict[str, list[str]] = {}
    for worker in workers:
        name = reverse_name(worker.address)
        if not in_zone(name, reverse_zone):
            raise InvalidInput(
                f"address {worker.address} of {worker.role} rank {worker.rank} lies outside the reverse zone "
                f"{reverse_zone}: its name is {name}; give a reverse zone that holds every worker's address"
            )
        names.setdefault(name, []).append(worker_name(worker.role, worker.rank, owner, zone))
    if crowded := next((name for name, found in names.items() if len(found) > MAX_RRDATAS), None):
        raise InvalidInput(
            f"record {crowded} PTR would have {len(names[crowded])} rrdatas, an rrset holds at most {MAX_RRDATAS}"
        )
    return tuple(RRset(name, "PTR", ttl, tuple(found)) for name, found in names.items())


def master_of(workers: Iterable[Worker]) -> Worker:
    """Rank 0: of a role that leads where there is one, else of `worker`, else of the first role."""
    firsts = {worker.role: worker for worker in workers if worker.rank == 0}
    for role in (*_LEADING_ROLES, "worker"):
        if role in firsts:
            return firsts[role]
    return firsts[min(firsts)]


def _record_rows(records: Any) -> list[Any]:
    if records is None:
        return []
    if isinstance(records, Mapping):
        return [records]
    if isinstance(records, str) or not isinstance(records, Iterable):
        raise InvalidInput(f"records must be a list of mappings, not {type(records).__name__}")
    return list(records)
