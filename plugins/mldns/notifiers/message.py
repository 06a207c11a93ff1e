"""The message to a person on call about a task that failed, from the data that mldns's exceptions carry. Pure.

A message says what does not resolve (name, server, expected, got), what to do about it, and where to look. It is short
whatever went wrong, and holds nothing of an exception that is not mldns's own: its text may hold a secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from mldns.exceptions import MldnsError, OwnershipConflict, ResolutionFailed
from mldns.messages import clipped

LINES = 10
"""Of one message; the rest is counted."""

_LINE = 300  # characters, as of the title
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where it happened. The links are absolute, or empty where Airflow does not know its own address."""

    dag_id: str
    run_id: str
    task_id: str
    run_link: str = ""
    page_link: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """A message in parts, all of them plain text without control characters.

    :param lines: what is wrong, at most `LINES` and one that counts the rest.
    :param todo: what to do about it.
    """

    title: str
    lines: tuple[str, ...]
    todo: tuple[str, ...]
    place: Place

    @property
    def text(self) -> str:
        """The whole message, for mail and logs."""
        place = self.place
        links = [("run", place.run_link), ("DNS page", place.page_link)]
        parts = [
            self.title,
            *(f"- {line}" for line in self.lines),
            *(f"to do: {line}" for line in self.todo),
            f"task {place.task_id} of {place.dag_id}, run {place.run_id}",
            *(f"{label}: {link}" for label, link in links if link),
        ]
        return "\n".join(parts)

    @property
    def escaped(self) -> str:
        """The same for HTML and for chats of Slack's kind, where `<!channel>` in a TXT record would call everybody."""
        return self.text.translate(_ESCAPES)


def alert_of(error: BaseException | None, place: Place) -> Alert:
    """The message for a failure.

    :param error: what the task raised; None where nobody knows, as when it was marked failed.
    """
    lines: Sequence[str]
    todo: Sequence[str]
    if isinstance(error, MldnsError):
        what, way_out = error.what_and_todo
        title, lines, todo = type(error).__name__, [what], (way_out,) if way_out else ()
        if isinstance(error, ResolutionFailed):
            title, lines, todo = error.summary, error.failures, error.todo
        elif isinstance(error, OwnershipConflict):
            title = f"{len(error.conflicts):,} record(s) are not ours to write"
            lines = [str(one) for one in error.conflicts]
    else:
        what = type(error).__name__ if error is not None else "no exception"
        title, lines, todo = f"{place.task_id} failed", [what], ("look at the task's log",)
    shown = [_clean(line) for line in lines[:LINES]]
    if len(lines) > LINES:
        shown.append(f"and {len(lines) - LINES:,} more")
    cleaned = Place(**{field: _clean(value) for field, value in asdict(place).items()})
    return Alert(f"DNS: {_clean(title)}", tuple(shown), tuple(todo), cleaned)


def _clean(text: str) -> str:
    return clipped(text, _LINE)
