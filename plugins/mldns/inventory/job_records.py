"""What a job wants in its zone: the records of its workers, and what else was asked for."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

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


def job_records(
    workers: Iterable[Worker], *, owner: str, dns_name: str, ttl: int, port: int | None = None
) -> tuple[RRset, ...]:
    """Return the rrsets of a job: a name a worker, `master`, `workers`, and the rendezvous SRV where a port is known.

    `workers` holds every address, so it is absent above 100 of them (the limit of an rrset); the hand-off says so.
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
    """Rank 0: of the role `master` or `chief` where there is one, else of `worker`, else of the first role."""
    firsts = {worker.role: worker for worker in workers if worker.rank == 0}
    for role in ("master", "chief", "worker"):
        if role in firsts:
            return firsts[role]
    return firsts[min(firsts)]


def desired_records(
    *,
    workers: Any = None,
    records: Any = None,
    owner: str,
    dns_name: str,
    ttl: Any,
    port: Any = None,
    allow_addresses: Collection[str] = (),
) -> tuple[RRset, ...]:
    """Return everything an owner wants in the zone: its workers' names, its explicit records, or both.

    :param workers: any form that `parse_workers` takes; None or "" for none. An empty list is an error.
    :param records: a list of API record mappings, or JSON text of one; None or "" for none.
    :raises InvalidInput: for the first thing that is wrong; nothing was sent.
    """
    zone_name, owner_label, seconds = absolute(dns_name), slug(owner), parse_ttl(ttl)
    rendezvous_port = None if port in (None, "", 0, "0") else parse_port(port)
    explicit = [
        parse_record(record, dns_name=zone_name, default_ttl=seconds, allow_addresses=allow_addresses)
        for record in _record_rows(records)
    ]
    wanted: list[RRset] = []
    if workers not in (None, ""):
        inventory = parse_workers(workers, allow_addresses=allow_addresses)
        wanted.extend(job_records(inventory, owner=owner_label, dns_name=zone_name, ttl=seconds, port=rendezvous_port))
    wanted.extend(explicit)
    if not wanted:
        raise InvalidInput(f"job {owner_label!r} has neither workers nor records: nothing to name")
    check_records(wanted, zone_name)
    return tuple(wanted)


def desired_reverse_records(
    *,
    workers: Any,
    owner: str,
    dns_name: str,
    reverse_dns_name: str,
    ttl: Any,
    allow_addresses: Collection[str] = (),
) -> tuple[RRset, ...]:
    """`reverse_records` of arguments as `desired_records` takes them.

    :raises InvalidInput: for the first thing that is wrong, and where there are no workers: only they get PTR records.
    """
    if workers in (None, ""):
        raise InvalidInput(f"reverse zone {reverse_dns_name} without workers: only workers get PTR records")
    return reverse_records(
        parse_workers(workers, allow_addresses=allow_addresses),
        owner=slug(owner),
        dns_name=dns_name,
        reverse_dns_name=reverse_dns_name,
        ttl=parse_ttl(ttl),
    )


def _record_rows(records: Any) -> list[Any]:
    if records in (None, "", ()):
        return []
    if isinstance(records, str):
        try:
            records = json.loads(records)
        except json.JSONDecodeError as error:
            raise InvalidInput(f"records is not JSON: {error.msg} at character {error.pos}") from None
    if records is None:
        return []
    if isinstance(records, Mapping):
        return [records]
    if not isinstance(records, Iterable):
        raise InvalidInput(f"records must be a list of mappings, not {type(records).__name__}")
    return list(records)
