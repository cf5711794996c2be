"""Charts of a report as SVG within the page: drawn with its colours, loading nothing. All escaped.

What is drawn stands as numbers, too: each mark has them as its title.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from gymtui.cli.reporting.blocks import HistogramChart, TrendChart
from gymtui.core.text import clean, fit
from gymtui.store.formats import interval_words, of_many, percent, points
from gymtui.store.stats.histograms import KINDS
from gymtui.store.stats.significance import SOME
from gymtui.store.stats.trend import Checkpoint

_WIDTH, _ROW, _LABEL, _NUMBERS, _TOP = 704, 22, 170, 130, 24
"""Of a picture, in its own units: its width, a row, what stands left and right, and above."""
_CLASS = {"passed": "pass", "failed": "fail", "error": "err"}
_NAME_CELLS = 24


def trend_svg(chart: TrendChart) -> str:
    """Each checkpoint between the ends of its interval, on a scale from 0 to 100 %."""
    left, room = _LABEL, _WIDTH - _LABEL - _NUMBERS
    points, base = chart.trend.points, chart.trend.base
    height = _TOP + _ROW * len(points) + 4
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = left + share * room
        parts.append(f'<line class="grid" x1="{x:g}" x2="{x:g}" y1="{_TOP}" y2="{height}"/>')
        parts.append(_text(x, 14, percent(share), "middle", faint=True))
    if base is not None:
        x = left + base * room
        parts.append(f'<line class="base" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{height}"/>')
    for place, point in enumerate(points):
        y = _TOP + _ROW * (place + 0.5)
        parts += _checkpoint(point, y, left, room)
    against = "the run before" if chart.trend.baseline is None else clean(chart.trend.baseline)
    legend = f"▼ below {against}, ▲ above it, by more than chance (adjusted p ≤ {SOME:g})"
    parts.append(_text(0, height + 14, legend, "start", faint=True))
    return _svg(height + _ROW, "pass@1 with its 95 % interval, run by run", parts)


def _checkpoint(point: Checkpoint, y: float, left: float, room: float) -> Iterator[str]:
    yield _text(0, y + 4, fit(clean(point.label), _NAME_CELLS), "start")
    if point.rate is None:
        return
    kind = "fail" if point.worse else "pass"
    low, high = (
        (point.interval.low, point.interval.high) if point.interval else (point.rate, point.rate)
    )
    at, begin, end = (left + share * room for share in (point.rate, low, high))
    yield f'<g class="{kind}"><title>{escape(_words(point))}</title>'
    yield f'<line class="line" x1="{begin:.1f}" x2="{end:.1f}" y1="{y:g}" y2="{y:g}"/>'
    yield f'<circle class="dot" cx="{at:.1f}" cy="{y:g}" r="4"/></g>'
    mark = " ▼" if point.worse else " ▲" if point.better else ""
    numbers = (
        f"{percent(point.rate)} {interval_words(point.interval)} of {point.tally.verdicts}{mark}"
    )
    yield _text(_WIDTH, y + 4, numbers, "end")


def _words(point: Checkpoint) -> str:
    words = f"{clean(point.run_id)}: pass@1 {percent(point.rate)}, {interval_words(point.interval)}"
    if point.difference is not None and point.against is not None:
        mean, p = point.difference.mean, point.difference.adjusted
        words += f"; {points(mean)}pp against {clean(point.against)}, adjusted p = {p:.2g}"
    return words


def histogram_svg(chart: HistogramChart) -> str:
    """A bar for each bin, its parts by outcome."""
    left, room = _LABEL, _WIDTH - _LABEL - 60
    most = max((one.total for one in chart.bins), default=0) or 1
    height = _TOP + _ROW * len(chart.bins) + 4
    parts = [_text(0, 14, chart.title, "start", faint=True)]
    for place, (label, one) in enumerate(zip(chart.labels, chart.bins, strict=True)):
        y = _TOP + _ROW * place
        parts.append(_text(0, y + 15, label, "start"))
        x = float(left)
        for kind in KINDS:
            number = one.counts.get(kind, 0)
            if not number:
                continue
            size = number / most * room
            title = f"{label}: {of_many(number, 'rollout')} {kind}"
            parts.append(
                f'<rect class="{_CLASS[kind]}" x="{x:.1f}" y="{y + 3:g}" width="{size:.1f}" '
                f'height="{_ROW - 6}"><title>{escape(title)}</title></rect>'
            )
            x += size
        if one.total:
            parts.append(_text(x + 6, y + 15, f"{one.total:,}", "start", faint=True))
    return _svg(height, chart.title, parts)


def _svg(height: float, title: str, parts: list[str]) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {height:g}" role="img" '
        f'aria-label="{escape(title, quote=True)}">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, words: str, anchor: str, *, faint: bool = False) -> str:
    kind = ' class="faint"' if faint else ""
    return f'<text{kind} x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words)}</text>'
