"""Who is rank i, at which address: the inventory of a training, in every form that people hand over."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mldns import arguments
from mldns.exceptions import InvalidInput
from mldns.messages import quoted, shorten
from mldns.records.addresses import Network, check_address, parse_networks, unbracketed
from mldns.records.names import role_label

_WORKER_KEYS = frozenset({"rank", "address", "hostname", "role", "slots", "port"})
_HOSTFILE_OPTIONS = frozenset({"slots", "max_slots", "role", "rank"})
_EQUALS = re.compile(r"\s*=\s*")
_HOST_AND_SLOTS = re.compile(r"([^:,\s]+|\[[^],\s]+\]):([^:,\s]*)")

MAX_WORKERS = 100_000
"""That a text of ranges may stand for: ten times the record sets of a zone, and no manifest covers more names."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One host of a training. `slots` are the processes it runs; `address` is normalised text, IPv4 or IPv6."""

    rank: int
    address: str
    hostname: str = ""
    role: str = "worker"
    slots: int = 1
    port: int | None = None

    @property
    def record_type(self) -> str:
        return "AAAA" if ":" in self.address else "A"


def parse_workers(value: Any, *, allow_addresses: Collection[str] = ()) -> tuple[Worker, ...]:
    """Return the workers sorted by role and rank.

    :param value: an address, a worker mapping, a list of either, JSON text of these, or the text of a hostfile, where
        a line may also hold several addresses and ranges of them, `10.0.0.7-10.0.0.9,10.0.1.2 slots=8 role=worker`.
        Workers without a rank are numbered in the order given, a role at a time.
    :param allow_addresses: networks that may be used although other hosts cannot reach them; a single address in it
        may also be given to several ranks.
    :raises InvalidInput: empty, a missing or double rank, two ranks on one address, a bad or unreachable address.
    """
    rows = [_as_mapping(row) for row in _as_rows(value)]
    if not rows:
        raise InvalidInput(
            "the worker list is empty: nothing to name (an empty discovery is an error, never an empty upsert)"
        )
    allowed = parse_networks(allow_addresses)
    workers = _number(rows, allowed)
    _check_ranks(workers)
    _check_addresses(workers, allowed)
    return tuple(sorted(workers, key=lambda worker: (worker.role, worker.rank)))


def world_size(workers: Iterable[Worker]) -> int:
    """The number of processes of a training: the sum of its slots."""
    return sum(worker.slots for worker in workers)


def _as_rows(value: Any) -> Sequence[Any]:
    if value is None:
        return ()
    if isinstance(value, str):
        return _rows_of_text(value)
    if isinstance(value, Mapping):
        return (value,)
    if isinstance(value, Iterable):
        return tuple(value)
    raise InvalidInput(f"workers must be a list of addresses or mappings, not {type(value).__name__}")


def _rows_of_text(text: str) -> Sequence[Any]:
    stripped = text.strip().removeprefix("\ufeff")  # the mark that Windows puts before UTF-8
    if arguments.is_json(stripped) or stripped.startswith('"'):
        return _as_rows(arguments.read_json(stripped, "workers"))
    rows: list[Mapping[str, Any]] = []
    for raw in stripped.splitlines():
        if line := raw.split("#", 1)[0].strip():
            rows += _hostfile_rows(line, room=MAX_WORKERS - len(rows))
    return rows


def _hostfile_rows(line: str, room: int) -> Iterable[Mapping[str, Any]]:
    """`10.0.0.7 slots=8` (Open MPI, DeepSpeed) or `10.0.0.7:8` (MPICH); ours: `10.0.0.7-10.0.0.9,10.0.1.2 slots=8`.

    Every word is understood or refused: a host that is dropped here is missing in a training.
    """
    hosts, *words = _EQUALS.sub("=", line).split()
    options = _hostfile_options(words, line)
    if match := _HOST_AND_SLOTS.fullmatch(hosts):
        if "slots" in options:
            raise InvalidInput(f"hostfile line {quoted(line)} says twice how many slots there are")
        hosts, options["slots"] = match.groups()
    if "" in (*hosts.split(","), *options.values()):
        raise InvalidInput(f"hostfile line {quoted(line)} lacks something before or after ',', ':' or '='")
    addresses: list[str] = []
    for part in hosts.split(","):
        addresses += _addresses_of(part, room - len(addresses))
    if "rank" in options and len(addresses) > 1:
        raise InvalidInput(f"hostfile line {quoted(line)} gives one rank to {len(addresses):,} hosts")
    return [{"address": address, **options} for address in addresses]


def _hostfile_options(words: Iterable[str], line: str) -> dict[str, str]:
    """What follows a line's hosts. Alone, Open MPI's `max_slots` says how many slots there are."""
    options: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        name = name.replace("-", "_")
        if not equals or name not in _HOSTFILE_OPTIONS:
            raise InvalidInput(
                f"hostfile line {quoted(line)}: {quoted(word)} is not understood; a line is "
                "'ADDRESS slots=N', max_slots=N, role=NAME and rank=N where needed, several hosts 'ADDRESS,ADDRESS'"
            )
        if name in options:
            raise InvalidInput(f"hostfile line {quoted(line)} gives {name} twice")
        options[name] = value
    if (most := options.pop("max_slots", None)) is not None:
        limit = arguments.whole(most, "max_slots", least=1)
        if arguments.whole(options.setdefault("slots", most), "slots", least=1) > limit:
            raise InvalidInput(f"hostfile line {quoted(line)}: slots is above max_slots")
    return options


def _addresses_of(text: str, room: int) -> Iterable[str]:
    """The addresses of a range such as `10.0.0.7-10.0.0.9`, both ends included; anything else stays as it is."""
    low, _, high = text.partition("-")
    try:
        first, last = ipaddress.ip_address(unbracketed(low)), ipaddress.ip_address(unbracketed(high))
    except ValueError:
        return (text,)  # a name with a hyphen, perhaps: it is refused as an address
    count = int(last) - int(first) + 1
    if first.version != last.version or count < 1:
        raise InvalidInput(f"{quoted(text)} is not a range of addresses, the lower one first")
    if count > room:
        raise InvalidInput(f"{quoted(text)} would make more than {MAX_WORKERS:,} workers, for whom no zone has room")
    return (str(first + offset) for offset in range(count))


def _as_mapping(row: Any) -> Mapping[str, Any]:
    if isinstance(row, str):
        return {"address": row}
    if isinstance(row, Worker):
        return {name: getattr(row, name) for name in sorted(_WORKER_KEYS)}
    if not isinstance(row, Mapping):
        raise InvalidInput(f"worker {quoted(row)} must be an address or a mapping with 'rank' and 'address'")
    unknown = sorted(str(key) for key in row if key not in _WORKER_KEYS)
    if unknown:
        raise InvalidInput(
            f"worker {quoted(dict(row))} has unknown keys {quoted(unknown)}: known are {sorted(_WORKER_KEYS)}"
        )
    if row.get("address") in (None, ""):
        raise InvalidInput(f"worker {quoted(dict(row))} has no address")
    return row


def _number(rows: Iterable[Mapping[str, Any]], allowed: Collection[Network]) -> list[Worker]:
    ranked: dict[str, set[bool]] = defaultdict(set)
    counted: dict[str, int] = defaultdict(int)
    workers = []
    for row in rows:
        role = role_label(row.get("role") or "worker")
        has_rank = row.get("rank") is not None
        ranked[role].add(has_rank)
        if len(ranked[role]) == 2:
            raise InvalidInput(
                f"some workers of role {role!r} have a rank and some have none: give all of them or none"
            )
        rank = _whole(row["rank"], "rank", row, least=0) if has_rank else counted[role]
        counted[role] += 1
        where = f"{role} rank {rank}"
        port = row.get("port")
        workers.append(
            Worker(
                rank=rank,
                address=check_address(row["address"], allowed, where),
                hostname=_hostname(row),
                role=role,
                slots=_whole(row.get("slots") if row.get("slots") is not None else 1, "slots", row, least=1),
                port=None if port is None else parse_port(port),
            )
        )
    return workers


def _hostname(row: Mapping[str, Any]) -> str:
    hostname = str(row.get("hostname") or "")
    if not hostname.isprintable():
        raise InvalidInput(f"hostname {quoted(hostname)} has characters that cannot be printed")
    return hostname


def parse_port(value: Any) -> int:
    """Return a TCP port, 1 to 65535."""
    return arguments.whole(value, "port", least=1, most=65535)


def _whole(value: Any, what: str, row: Mapping[str, Any], *, least: int) -> int:
    try:
        return arguments.whole(value, what, least=least)
    except InvalidInput as error:
        raise InvalidInput(f"{error}: worker {quoted(dict(row))}") from None


def _check_ranks(workers: Iterable[Worker]) -> None:
    ranks: dict[str, Counter[int]] = defaultdict(Counter)
    for worker in workers:
        ranks[worker.role][worker.rank] += 1
    for role, found in ranks.items():
        count = found.total()
        if double := sorted(rank for rank, times in found.items() if times > 1):
            raise InvalidInput(f"role {role!r} has rank {shorten([str(rank) for rank in double])} more than once")
        if missing := [rank for rank in range(count) if rank not in found]:
            raise InvalidInput(
                f"role {role!r} lacks rank {shorten([str(rank) for rank in missing])}: "
                f"{count} workers need ranks 0 to {count - 1}"
            )


def _check_addresses(workers: Iterable[Worker], allowed: Iterable[Network]) -> None:
    shareable = {str(network.network_address) for network in allowed if network.num_addresses == 1}
    seen: dict[str, Worker] = {}
    for worker in workers:
        other = seen.setdefault(worker.address, worker)
        if other is not worker and worker.address not in shareable:
            raise InvalidInput(
                f"address {worker.address} is given to {other.role} rank {other.rank} "
                f"and to {worker.role} rank {worker.rank}: one address is one host; "
                f'use slots for several processes on it, or allow_addresses=["{worker.address}"] if that is meant'
            )
