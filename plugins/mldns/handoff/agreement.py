"""Whether the addresses that DNS answered agree with each other and with the hand-off, which has only their digest."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from mldns.handoff import address_digest
from mldns.handoff.reader import HandOff
from mldns.messages import shown_rrdatas
from mldns.ownership.manifest import masked

Found = Mapping[str, tuple[str, ...]]
"""Addresses by absolute name, as they were answered."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A name whose address is not what it must be."""

    name: str
    expected: str
    got: str
    why: str


def addresses(answers: Mapping[tuple[str, str], tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The addresses of `Survey.answers`, by name, in one spelling."""
    found: dict[str, tuple[str, ...]] = {}
    for (name, kind), rrdatas in answers.items():
        if kind in ("A", "AAAA"):
            found[name] = (*found.get(name, ()), *(str(ipaddress.ip_address(text)) for text in rrdatas))
    return found


def disagreements(handoff: HandOff, found: Found) -> list[Disagreement]:
    """What is wrong with the addresses that are known; names that are missing are not judged here.

    The master's alias must hold the master's address, and all addresses must be those that the hand-off was made of.
    """
    wrong = _strangers(handoff, found) if handoff.addresses else []
    master, alias = f"{handoff.master}.", f"{handoff.master_alias}."
    if master in found and alias in found and set(found[master]) != set(found[alias]):
        wrong.append(
            Disagreement(
                alias, shown_rrdatas(found[master]), shown_rrdatas(found[alias]), f"it is not the address of {master}"
            )
        )
    return wrong


def successor(handoff: HandOff, lease: str) -> str:
    """Who wrote addresses that are not the hand-off's, once no cache can hold what was there before; empty: unknown.

    :param handoff: of the job.
    :param lease: as the job's manifest in the zone has it; empty where nobody holds the names.
    """
    if not (handoff.run and lease):
        return ""
    if masked(lease).endswith(f":{handoff.run}"):
        return "written since by the run that holds it, or by hand"
    return "another run has it now"


def proven(handoff: HandOff, found: Found) -> bool:
    """Whether every host's address is known and is the one that the hand-off was made of."""
    lines = [line for _, line in _lines(handoff, found)]
    known = [line for line in lines if line is not None]
    return handoff.addresses is not None and len(known) == len(lines) and address_digest.fits(known, handoff.addresses)


def unproven(handoff: HandOff, found: Found) -> list[str]:
    """The hosts whose address is known, and neither right nor wrong for all that the hand-off tells.

    Of more than `address_digest.ONE_EACH` hosts it has the digests of groups, so a few of them alone cannot be judged.
    """
    lines = _lines(handoff, found)
    known_right = (
        address_digest.proven_positions([line for _, line in lines], handoff.addresses) if handoff.addresses else set()
    )
    return [name for position, (name, line) in enumerate(lines) if line is not None and position not in known_right]


def shared(found: Found) -> list[str]:
    """A line for each address that several names have: they may be one host by mistake, or by intention."""
    names: dict[str, list[str]] = {}
    for name, texts in found.items():
        for text in texts:
            names.setdefault(text, []).append(name)
    return [
        f"{text} is the address of {len(holders)} names, first {holders[0]} and {holders[1]}"
        for text, holders in names.items()
        if len(holders) > 1
    ]


def _strangers(handoff: HandOff, found: Found) -> list[Disagreement]:
    """The hosts whose addresses are not the hand-off's; in a large job some of them may be right."""
    summary = handoff.addresses
    if summary is None or proven(handoff, found):
        return []
    lines = _lines(handoff, found)
    suspects = address_digest.suspects([line for _, line in lines], summary)
    if not suspects and all(line is not None for _, line in lines):
        suspects = list(range(len(lines)))  # the hand-off's digests contradict each other
    why = "it is not the address that the job was handed over with"
    if len(lines) > address_digest.ONE_EACH and len(suspects) > 1:
        why = f"this one or another of {len(suspects)} is not the address that the job was handed over with"
    return [
        Disagreement(lines[position][0], "the address of the hand-off", shown_rrdatas(found[lines[position][0]]), why)
        for position in suspects
    ]


def _lines(handoff: HandOff, found: Found) -> list[tuple[str, str | None]]:
    """Names in the order of the digest, each with what is digested of it; None where no address is known."""
    lines: list[tuple[str, str | None]] = []
    for host in sorted(handoff.hosts, key=lambda host: (host.role, host.rank)):
        name = f"{host.name}."
        texts = found.get(name)
        lines.append((name, address_digest.line(host.role, host.rank, " ".join(texts)) if texts else None))
    return lines
