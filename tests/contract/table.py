"""The table of findings that `make verify-google` prints: with rich where it is installed, plain text elsewhere."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from io import StringIO
from itertools import groupby

from tests.contract.facts import GRADES, Finding, Verdict

_STYLES = {
    Verdict.HELD: "green",
    Verdict.FAILED: "bold red",
    Verdict.AS_GUESSED: "cyan",
    Verdict.NOT_AS_GUESSED: "bold yellow",
    Verdict.NOT_TRIED: "dim",
}
_OBSERVED_MAX = 300


def render(findings: Iterable[Finding], *, width: int, color: bool) -> str:
    """The whole table as text, grouped by the first part of the ids, at most `width` columns wide."""
    rows = sorted(findings, key=lambda finding: finding.fact.id)
    try:
        return _rich(rows, width=width, color=color)
    except ImportError:
        return _plain(rows, width=width)


def summary(findings: Iterable[Finding]) -> str:
    """One line: how many facts ended with each verdict."""
    counts = Counter(finding.verdict for finding in findings)
    return ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict])


def legend() -> str:
    """What the letters in the grade column mean."""
    return "; ".join(f"{grade}: {meaning}" for grade, meaning in GRADES.items())


def _observed(finding: Finding) -> str:
    return textwrap.shorten(finding.observed, _OBSERVED_MAX, placeholder=" …") or "-"


def _rich(rows: Sequence[Finding], *, width: int, color: bool) -> str:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Facts about the API", title_justify="left", expand=True)
    table.add_column("fact", ratio=5, overflow="fold")
    table.add_column("grade", justify="center", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("observed", ratio=5, overflow="fold")
    for _, group in groupby(rows, key=lambda finding: finding.fact.id.partition(".")[0]):
        for finding in group:
            table.add_row(
                f"[bold]{escape(finding.fact.id)}[/]\n{escape(finding.fact.says)}",
                finding.fact.grade,
                f"[{_STYLES[finding.verdict]}]{escape(finding.verdict.value)}[/]",
                escape(_observed(finding)),
            )
        table.add_section()
    text = StringIO()
    Console(file=text, width=width, force_terminal=color, no_color=not color, highlight=False).print(table)
    return text.getvalue().rstrip()


def _plain(rows: Sequence[Finding], *, width: int) -> str:
    lines: list[str] = []
    for finding in rows:
        lines.append(f"{finding.fact.id} [{finding.fact.grade}] {finding.verdict.value}")
        for text in (finding.fact.says, f"observed: {_observed(finding)}"):
            lines.extend(textwrap.wrap(text, width, initial_indent="    ", subsequent_indent="    "))
    return "\n".join(lines)
