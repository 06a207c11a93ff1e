"""The chart: a small drawing for each step, time over the number of records, both on logarithmic scales, as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor, log10
from xml.sax.saxutils import escape

from benchmarks.contenders import CONTENDERS
from benchmarks.job import STEPS
from benchmarks.run import Results

_WIDTH, _HEIGHT = 860, 610
_PANEL_WIDTH, _PANEL_HEIGHT = 330, 205
_LEFT, _TOP = 80, 90
_ACROSS, _DOWN = _PANEL_WIDTH + 80, _PANEL_HEIGHT + 75
# Told apart without colours, too: by marker and by dash.
_STYLES = {
    "mldns": ("#0b5fb4", "", 3.0),
    "octodns": ("#c2410c", "", 2.0),
    "plain": ("#6d28d9", "6 4", 2.0),
    "ceiling": ("#4b5563", "2 3", 2.0),
    "writes": ("#9ca3af", "1 4", 1.5),
}


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where a value between `low` and `high` is drawn, from `start` over `length` pixels."""

    low: float
    high: float
    start: float
    length: float

    def __call__(self, value: float) -> float:
        return self.start + self.length * (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))


def svg(results: Results) -> str:
    """Draw every measurement of the results; extrapolated ones hollow."""
    drawn = [one for one in results.measurements if one.wall > 0]
    low, high = 10 ** floor(log10(min(one.wall for one in drawn))), 10 ** ceil(log10(max(one.wall for one in drawn)))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="12" role="img">',
        "<title>Seconds until done, by number of records</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        '<text x="20" y="26" font-size="16" font-weight="bold" fill="#111827">'
        "Seconds until done, by number of records (both logarithmic)</text>",
        *_legend(results),
    ]
    for index, step in enumerate(STEPS):
        x, y = _LEFT + index % 2 * _ACROSS, _TOP + index // 2 * _DOWN
        across = _Scale(min(results.settings.sizes) * 0.8, max(results.settings.sizes) * 1.25, x, _PANEL_WIDTH)
        up = _Scale(low, high, y + _PANEL_HEIGHT, -_PANEL_HEIGHT)
        parts += _frame(results, step, across, up)
        for key in reversed(_STYLES):
            parts += _line(results, key, step, across, up)
    return "\n".join([*parts, "</svg>", ""])


def _legend(results: Results) -> Iterator[str]:
    x = 20.0
    for key, (colour, dash, width) in _STYLES.items():
        if key not in results.settings.contenders:
            continue
        title = CONTENDERS[key].title
        yield f'<line x1="{x}" y1="50" x2="{x + 24}" y2="50" stroke="{colour}" stroke-width="{width}" {_dash(dash)}/>'
        yield f'<text x="{x + 30}" y="54" fill="{colour}">{escape(title)}</text>'
        x += 46 + 6.1 * len(title)


def _frame(results: Results, step: str, across: _Scale, up: _Scale) -> Iterator[str]:
    left, right, bottom = across.start, across.start + across.length, up.start
    yield f'<text x="{left}" y="{bottom + up.length - 8}" font-weight="bold" fill="#111827">{step}</text>'
    for power in range(round(log10(up.low)), round(log10(up.high)) + 1):
        y = up(10.0**power)
        yield f'<line x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#e5e7eb"/>'
        yield f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#374151">{10.0**power:,g} s</text>'
    for size in results.settings.sizes:
        yield f'<text x="{across(size):.1f}" y="{bottom + 18}" text-anchor="middle" fill="#374151">{size:,}</text>'


def _line(results: Results, key: str, step: str, across: _Scale, up: _Scale) -> Iterator[str]:
    colour, dash, width = _STYLES[key]
    found = [one for size in sorted(results.settings.sizes) if (one := results.of(key, size, step)) and one.wall > 0]
    points = [(across(one.records), up(one.wall), one) for one in found]
    if len(points) > 1:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" {_dash(dash)}/>'
    for x, y, one in points:
        said = f"{CONTENDERS[key].title}, {one.records:,} records: {one.wall:.2f} s"
        said += f", extrapolated from {one.extrapolated_from:,}" if one.extrapolated_from else ""
        fill = "white" if one.extrapolated_from else colour
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{fill}" stroke="{colour}">'
        yield f"<title>{escape(said)}</title></circle>"


def _dash(pattern: str) -> str:
    return f'stroke-dasharray="{pattern}"' if pattern else ""
