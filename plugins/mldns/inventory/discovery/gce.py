"""Compute Engine's answers as hosts: which instances count, which of their addresses, and what to ask for.

Resources are JSON objects as the API spells them (https://cloud.google.com/compute/docs/reference/rest/v1/instances).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mldns.exceptions import InvalidInput
from mldns.inventory.discovery.census import Census
from mldns.inventory.discovery.ranking import Host, natural_key
from mldns.messages import clipped, shorten

Resource = Mapping[str, Any]

FAMILIES: Final = ("ipv4", "ipv6")
_NAMES = re.compile(r"[a-z0-9*?-]+")
_LABEL_KEY = re.compile(r"[\w-]{1,63}")
_LABEL_VALUE = re.compile(r"[\w-]{0,63}")
# A group's instance in one of these is there to stay; in any other it comes, goes, or is made anew.
_SETTLED = frozenset({"", "NONE", "VERIFYING"})


@dataclass(frozen=True, slots=True)
class AddressChoice:
    """Which address of an instance a worker has.

    :param network: of the interface: its name, `projects/P/global/networks/N`, or any longer end of its URL.
    :param nic: number of the interface; with neither, interface 0.
    :param family: `ipv4` or `ipv6`.
    :param external: the address that the Internet sees, instead of the one inside the network.
    """

    network: str = ""
    nic: int | None = None
    family: str = "ipv4"
    external: bool = False

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise InvalidInput(f"family {self.family!r} is not known: it is ipv4 or ipv6")
        if self.network and self.nic is not None:
            raise InvalidInput("network and nic both say which interface: give one of them")

    def of(self, instance: Resource) -> str:
        """The address; empty while the interface has none at all.

        :raises InvalidInput: no such interface, or only addresses of another kind.
        """
        number, interface = self.interface(instance)
        kind = f"{'external' if self.external else 'internal'} {self.family}"
        found = _all_addresses(interface)
        if found and kind not in found:
            has = ", ".join(f"{key} {value}" for key, value in found.items())
            raise InvalidInput(f"instance {instance.get('name')!r}: nic{number} has no {kind} address; it has {has}")
        return found.get(kind, "")

    def interface(self, instance: Resource) -> tuple[int, Resource]:
        """The interface and its number, or InvalidInput."""
        found = list(enumerate(instance.get("networkInterfaces", ())))
        if self.network:
            fitting = [(n, nic) for n, nic in found if _ends_with(str(nic.get("network", "")), self.network)]
            what = f"on network {self.network!r}"
        else:
            wanted = self.nic or 0
            fitting = [(n, nic) for n, nic in found if n == wanted]
            what = f"with number {wanted}"
        if len(fitting) == 1:
            return fitting[0]
        networks = ", ".join(f"nic{n} on {_last(nic.get('network', ''))}" for n, nic in found) or "none"
        count = "several interfaces" if fitting else "no interface"
        raise InvalidInput(
            f"instance {instance.get('name')!r} has {count} {what}; it has {networks}: say network= or nic="
        )


def _all_addresses(interface: Resource) -> dict[str, str]:
    """What an interface has, by `internal ipv4` and the like."""
    access: Resource = next(iter(interface.get("accessConfigs", ())), {})
    access6: Resource = next(iter(interface.get("ipv6AccessConfigs", ())), {})
    found = {
        "internal ipv4": interface.get("networkIP"),
        "external ipv4": access.get("natIP"),
        "internal ipv6": interface.get("ipv6Address"),
        "external ipv6": access6.get("externalIpv6"),
    }
    return {kind: str(address) for kind, address in found.items() if address}


def _ends_with(url: str, wanted: str) -> bool:
    """Whether the last segments of a URL are those of `wanted`: `global/networks/n` fits, `work/n` does not."""
    have, want = url.strip("/").split("/"), wanted.strip("/").split("/")
    return have[-len(want) :] == want


def _last(url: object) -> str:
    return str(url).rpartition("/")[2]


def list_filter(*, labels: Mapping[str, str] | None, names: str, text: str) -> str:
    """The `filter` to send. Names beside labels are compared here alone: Google takes a pattern by itself only.

    :param labels: each must be there with this value; an empty value asks for the key.
    :param names: a pattern of `*` and `?`.
    :param text: Google's own filter language, sent as it is; not together with labels.
    """
    if text and labels:
        raise InvalidInput("filter and labels both say which instances: write the labels into the filter")
    if not (text or labels or names):
        raise InvalidInput("say which instances: labels, names or filter; without, every instance would be a worker")
    if names and not _NAMES.fullmatch(names):
        raise InvalidInput(f"names {names!r} is not a pattern of a-z, 0-9, '-', '*' and '?', such as 'bert-worker-*'")
    if text:
        return text
    if labels:
        return " ".join(_label_term(key, value) for key, value in sorted(labels.items()))
    return f"name eq '{_expression(names)}'"


def _label_term(key: str, value: str) -> str:
    if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
        raise InvalidInput(f"{key!r} = {value!r} is no label: up to 63 letters, digits, '_' and '-'")
    return f'(labels.{key} = "{value}")' if value else f"(labels.{key}:*)"


def _expression(names: str) -> str:
    """A pattern as a regular expression, which Google holds against the whole name."""
    return names.replace("*", ".*").replace("?", ".")


def census(
    instances: Iterable[Resource],
    *,
    source: str,
    choice: AddressChoice,
    names: str = "",
    leave_out: bool = False,
    expected: int | None = None,
) -> Census:
    """Count the instances that a filter found. Those that do not run are pending, or passed over with `leave_out`.

    :param instances: as Compute Engine gives them.
    :param source: what was asked, for messages.
    :param choice: which address of an instance its worker has.
    :param names: only instances with such a name, a pattern with `*` and `?`; empty: all.
    :param leave_out: pass over what does not run, and wait for none of it.
    :param expected: as of `Census`.
    :raises InvalidInput: an instance lacks the interface, or the kind of address, that `choice` asks for.
    """
    pattern = re.compile(_expression(names)) if names else None
    found = [item for item in instances if pattern is None or pattern.fullmatch(str(item.get("name", "")))]
    ready, addressless = _with_address((item for item in found if item.get("status") == "RUNNING"), choice)
    others = [
        f"{item.get('name')} ({item.get('status', 'no status')})" for item in found if item.get("status") != "RUNNING"
    ]
    return Census(
        source=source,
        ready=tuple(_host(item, choice) for item in ready),
        pending=_sorted(addressless if leave_out else [*addressless, *others]),
        left_out=_sorted(others) if leave_out else (),
        doubts=_doubts(ready, choice),
        expected=expected,
    )


def group_census(
    members: Sequence[Resource],
    instances: Iterable[Resource],
    *,
    source: str,
    choice: AddressChoice,
    expected: int | None = None,
) -> Census:
    """Count the members of a managed instance group.

    A member is ready when it runs and nothing is being done to it. One that the group means to keep stopped or
    suspended is a standby and no worker: the group's target size does not count it either.

    :param members: its `managedInstances`, as Compute Engine gives them.
    :param instances: those that the members are, and perhaps others; one that is missing is not there yet.
    :param source: as `choice` and `expected`, as of `census`, which tells what is raised, too.
    """
    by_place = {(_last(item.get("zone")), str(item.get("name"))): item for item in instances}
    running, pending, standby = [], [], []
    for member in members:
        zone, name = place_of(member)
        action = str(member.get("currentAction", ""))
        instance = by_place.get((zone, name))
        status = str((instance or member).get("status" if instance else "instanceStatus", "")) or "not there yet"
        if member.get("targetStatus", "RUNNING") != "RUNNING":
            standby.append(f"{name} (meant to be {member['targetStatus']})")
        elif instance is not None and status == "RUNNING" and action in _SETTLED:
            running.append(instance)
        else:
            why = [status, *([action] if action not in _SETTLED else []), *_last_errors(member)]
            pending.append(f"{name} ({', '.join(why)})")
    ready, addressless = _with_address(running, choice)
    return Census(
        source=source,
        ready=tuple(_host(item, choice) for item in ready),
        pending=_sorted([*addressless, *pending]),
        left_out=_sorted(standby),
        doubts=_doubts(ready, choice),
        expected=expected,
    )


def _with_address(running: Iterable[Resource], choice: AddressChoice) -> tuple[list[Resource], list[str]]:
    """The instances that have an address, and a line for each that has none yet."""
    found = list(running)
    ready = [item for item in found if choice.of(item)]
    return ready, [f"{item.get('name')} (RUNNING, no address yet)" for item in found if not choice.of(item)]


def _last_errors(member: Resource) -> list[str]:
    """Why the group's last attempt at this member failed: no capacity, no quota, a template that cannot be."""
    errors = member.get("lastAttempt", {}).get("errors", {}).get("errors", ())
    return [clipped(f"{error.get('code', '')}: {error.get('message', '')}") for error in errors]


def _doubts(ready: Sequence[Resource], choice: AddressChoice) -> tuple[str, ...]:
    """A line where the chosen interfaces are on several networks: their hosts may not reach each other."""
    networks: dict[str, list[str]] = defaultdict(list)
    for item in ready:
        networks[str(choice.interface(item)[1].get("network", ""))].append(str(item.get("name")))
    if len(networks) < 2:
        return ()
    where = "; ".join(f"{_last(network)} has {shorten(names, 3)}" for network, names in sorted(networks.items()))
    return (
        f"the workers' addresses are on {len(networks)} networks, and may not reach each other: {where}; say network=",
    )


def _sorted(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(lines, key=natural_key))


def place_of(member: Resource) -> tuple[str, str]:
    """Zone and name out of the URL of a managed instance."""
    url = str(member.get("instance", ""))
    match = re.search(r"/zones/([^/]+)/instances/([^/]+)$", url)
    if match is None:
        raise InvalidInput(f"managed instance {url!r} is not the URL of an instance in a zone")
    return match.group(1), match.group(2)


def zones_of(members: Iterable[Resource]) -> list[str]:
    """The zones in which a group's members are, each once."""
    return sorted({place_of(member)[0] for member in members})


def unreachable(scopes: Mapping[str, Resource], named: Collection[str]) -> list[str]:
    """The zones that an aggregated list could not ask: a list without them would lack their workers silently."""
    silent = [
        scope
        for scope, found in scopes.items()
        if found.get("warning", {}).get("code", "NO_RESULTS_ON_PAGE") != "NO_RESULTS_ON_PAGE"
    ]
    return sorted({_last(scope) for scope in (*silent, *named)})


def _host(instance: Resource, choice: AddressChoice) -> Host:
    items = instance.get("metadata", {}).get("items", ())
    metadata = {str(item.get("key")): str(item.get("value", "")) for item in items}
    return Host(
        name=str(instance.get("name")),
        address=choice.of(instance),
        place=_last(instance.get("zone")),
        facts={**metadata, **instance.get("labels", {})},
    )
