"""Whether the grants that jobs have noted still stand in the policies. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mldns.grants import Grant, Note, noted


@dataclass(frozen=True, slots=True)
class Standing:
    """How many grants the manifests of a zone hold, and those that no policy has any more, as they are noted."""

    recorded: int
    lost: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"recorded": self.recorded, "standing": self.recorded - len(self.lost), "lost": list(self.lost)}


def held(notes: Iterable[str]) -> tuple[str, ...]:
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
