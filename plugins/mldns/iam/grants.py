"""Grants as data: a role for some members, and how the manifests of jobs note it.

A manifest keeps one string `grant=…` for each member: the scope, the role, digests of the account and of the condition
(anybody can read a public zone), and in front of it how far the grant has come:

    grant=?project roles/dns.admin sha256:…   intended: the policy may say so already, or not yet
    grant=project roles/dns.admin sha256:…    held: the policy says so, and has to for as long as this stands here
    grant=-project roles/dns.admin sha256:…   leaving: being taken back; it holds nobody else's hand any more

`mldns.providers.iam.binding` says why three are needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mldns.iam.policy import member_key
from mldns.ownership.manifest import masked
from mldns.records.rrset import RRset
from mldns.records.txt import split_strings

_GRANT = "grant="


class Note(StrEnum):
    """How far a noted grant has come; the value is what stands in front of it in a manifest."""

    INTENDED = "?"
    HELD = ""
    LEAVING = "-"


@dataclass(frozen=True, slots=True)
class Grant:
    """A role on one resource under one condition, for some members (all validated by `mldns.iam.policy`).

    :param scope: "zone" or "project".
    """

    scope: str
    role: str
    members: tuple[str, ...]
    condition: Mapping[str, str] | None = None

    def recorded(self, member: str) -> str:
        """How a manifest spells this grant to one member, without its mark."""
        text = f"{self.scope} {self.role} {masked(member_key(member))}"
        return f"{text} if {masked(json.dumps(self.condition, sort_keys=True))}" if self.condition else text


@dataclass(frozen=True, slots=True, order=True)
class Job:
    """Whose manifest a note is in: `owner` is the job's slug, `zone` the managed zone's name."""

    zone: str
    owner: str

    def __str__(self) -> str:
        return f"job {self.owner!r} in zone {self.zone!r}"


def noted(strings: Iterable[str]) -> dict[str, Note]:
    """The notes of a manifest, by their text as of `Grant.recorded`."""
    notes = {}
    for string in strings:
        mark = next((note for note in (Note.INTENDED, Note.LEAVING) if string.startswith(note)), Note.HELD)
        notes[string.removeprefix(mark)] = mark
    return notes


def marked(strings: Iterable[str], marks: Mapping[str, Note | None]) -> tuple[str, ...]:
    """The notes of a manifest after `marks`: each text gets its mark, or goes where that is None; order is kept."""
    notes: dict[str, Note | None] = {**noted(strings), **marks}
    return tuple(f"{mark}{text}" for text, mark in notes.items() if mark is not None)


def notes_in(manifest: RRset) -> dict[str, Note]:
    """The notes in a manifest's TXT rrset, read whether its digest fits or not.

    A manifest that somebody damaged may still name a grant that its job relies on: believing it takes nothing away.
    """
    octets = (string for rrdata in manifest.rrdatas for string in split_strings(rrdata, manifest.name))
    strings = [string.decode(errors="replace") for string in octets]
    return noted(string.removeprefix(_GRANT) for string in strings if string.startswith(_GRANT))


@dataclass(frozen=True, slots=True)
class Standing:
    """How many grants the manifests of a zone hold, and those that no policy has any more, as they are noted."""

    recorded: int
    lost: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"recorded": self.recorded, "standing": self.recorded - len(self.lost), "lost": list(self.lost)}


def held_notes(notes: Iterable[str]) -> tuple[str, ...]:
    """Of a manifest's grants those that a policy has to have; others are on their way in or out."""
    return tuple(text for text, note in noted(notes).items() if note is Note.HELD)


def scopes(notes: Iterable[str]) -> frozenset[str]:
    """Whose policies the notes are about: "zone", "project"."""
    return frozenset(text.partition(" ")[0] for text in notes)


def standing(notes: Iterable[str], policies: Mapping[str, Mapping[str, Any]]) -> Standing:
    """Compare notes with the policies by scope. An account that was deleted has lost its grant."""
    wanted = tuple(dict.fromkeys(notes))
    there = {
        Grant(scope, binding["role"], (member,), _said(binding.get("condition"))).recorded(member)
        for scope, policy in policies.items()
        for binding in policy.get("bindings", ())
        for member in binding.get("members", ())
    }
    return Standing(len(wanted), tuple(text for text in wanted if text not in there))


def _said(condition: Mapping[str, str] | None) -> dict[str, str] | None:
    """A condition as it is noted: without the empty fields that some servers echo."""
    return {field: text for field, text in condition.items() if text} if condition else None
