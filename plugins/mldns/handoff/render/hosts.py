"""A fragment of `/etc/hosts`: for hosts whose resolver does not see the zone."""

from __future__ import annotations

from collections.abc import Sequence

from mldns.handoff.reader import HandOff


def hosts_fragment(handoff: HandOff, addresses: Sequence[str]) -> str:
    """Return a line for each host, the master's with its alias.

    :param addresses: of `handoff.hosts`, in their order.
    """
    lines = [f"# job {handoff.job} of zone {handoff.zone}: {handoff.count} hosts, inventory {handoff.digest}"]
    for host, address in zip(handoff.hosts, addresses, strict=True):
        alias = f" {handoff.master_alias}" if host.index == 0 else ""
        lines.append(f"{address} {host.name}{alias}")
    return "\n".join(lines) + "\n"
