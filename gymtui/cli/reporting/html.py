"""A report as one HTML file: no script, nothing loaded, readable in print. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from gymtui.cli.reporting import blocks
from gymtui.cli.reporting.blocks import NAME_CELLS, Block, Line, Piece, Report, Table
from gymtui.core.text import ABSENT, clean, fit
from gymtui.store.formats import GLYPH, WORD, interval_words, of_many, percent, points
from gymtui.store.outcome import Outcome
from gymtui.store.stats.histograms import KINDS
from gymtui.store.stats.significance import SOME
from gymtui.store.stats.trend import Checkpoint

_CLASS = {
    Outcome.PASSED: "pass",
    Outcome.FAILED: "fail",
    Outcome.ENVIRONMENT: "err",
    Outcome.AGENT: "err",
    Outcome.CANCELLED: "err",
    Outcome.RUNNING: "run",
    Outcome.WAITING: "wait",
    Outcome.NOT_RUN: "wait",
    Outcome.DONE: "wait",
    Outcome.UNKNOWN: "wait",
}

# Outcomes differ in glyph as well as colour; blue and orange stay apart in colour blindness.
_STYLE = """\
:root { color-scheme: light dark; --ink: #1d2329; --faint: #5b6570; --line: #d4d9de;
  --paper: #fff; --pass: #0b6bb3; --fail: #b3470b; --err: #7a4fa3; --run: #0b7a75; --wait: #7b858f }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --faint: #9aa4ae; --line: #3a424a;
  --paper: #14181c; --pass: #6bb7f0; --fail: #f0a06b; --err: #c9a3ee; --run: #5fd3cd;
  --wait: #97a1ab } }
@media print { :root { --ink: #000; --faint: #444; --line: #999; --paper: #fff; --pass: #0b6bb3;
  --fail: #b3470b; --err: #7a4fa3; --run: #0b7a75; --wait: #666 }
  body { max-width: none; font-size: 9pt } tr, .notice { break-inside: avoid }
  h2, h3 { break-after: avoid } .scroll { overflow: visible } thead { display: table-header-group }
  .bar { print-color-adjust: exact; -webkit-print-color-adjust: exact } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2rem } h3 { font-size: 1rem }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0;
  border-bottom: 1px solid var(--line) }
th { color: var(--faint); font-weight: 600 } .n { text-align: right } .scroll { overflow-x: auto }
.notice { border-left: 4px solid var(--fail); padding: .25rem 1rem; font-weight: 600 }
.marks { font-family: ui-monospace, monospace; letter-spacing: .1em; overflow-wrap: anywhere }
.pass { color: var(--pass) } .fail { color: var(--fail) } .err { color: var(--err) }
.run { color: var(--run) } .wait { color: var(--wait) }
.bar { display: inline-block; position: relative; width: 12rem; height: .6rem; margin-right: .6rem;
  background: var(--line); vertical-align: middle; overflow: hidden }
.bar i { position: absolute; top: 0; bottom: 0; background: currentColor }
.bar .between { opacity: .45 } .bar .at { width: 2px }
svg.chart { display: block; width: 100%; max-width: 44rem; height: auto; margin: .5rem 0 1rem;
  print-color-adjust: exact; -webkit-print-color-adjust: exact }
svg.chart text { font: 12px system-ui, sans-serif; fill: var(--ink) }
svg.chart .faint { fill: var(--faint) } svg.chart .grid { stroke: var(--line) }
svg.chart .base { stroke: var(--faint); stroke-dasharray: 3 3 }
svg.chart .line { stroke: currentColor; stroke-width: 2 } svg.chart .dot { fill: currentColor }
svg.chart rect { fill: currentColor }
footer { color: var(--faint); margin-top: 2rem }
"""


def render_html(report: Report) -> str:
    """Write a report as a whole document in UTF-8."""
    body = "\n".join(_block(block) for block in report.blocks)
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{_text(report.title)}</title>
<style>
{_STYLE}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _block(block: Block) -> str:
    match block:
        case blocks.Heading():
            return f"<h{block.level}>{_line(block.line)}</h{block.level}>"
        case blocks.Paragraph():
            kind = ' class="notice"' if block.notice else ""
            return f"<p{kind}>{_line(block.line)}</p>"
        case blocks.BulletList():
            return "<ul>\n" + "\n".join(f"<li>{_line(x)}</li>" for x in block.lines) + "\n</ul>"
        case blocks.Table():
            return _table(block)
        case blocks.TrendChart():
            return _trend_svg(block)
        case blocks.HistogramChart():
            return _histogram_svg(block)


def _table(table: Table) -> str:
    def cells(line: tuple[Line, ...], tag: str) -> str:
        drawn = []
        for place, cell in enumerate(line):
            number = ' class="n"' if place in table.right else ""
            drawn.append(f"<{tag}{number}>{_line(cell)}</{tag}>")
        return f"<tr>{''.join(drawn)}</tr>"

    rows = "\n".join(cells(row, "td") for row in table.rows)
    head = cells(table.headings, "th")
    return (
        f'<div class="scroll"><table>\n<thead>{head}</thead>\n<tbody>\n{rows}\n</tbody>\n'
        "</table></div>"
    )


def _line(line: Line) -> str:
    return "".join(map(_piece, line))


def _piece(piece: Piece) -> str:
    match piece:
        case str():
            return escape(piece)
        case blocks.Name():
            # Kept apart from what stands beside it, should it read from right to left.
            return f"<code><bdi>{_text(piece.text)}</bdi></code>"
        case blocks.Strong():
            return f"<strong>{escape(piece.text)}</strong>"
        case blocks.OutcomeMarks():
            return f'<span class="marks">{"".join(map(_mark, piece.outcomes))}</span>'
        case blocks.RateBar():
            return _rate_bar(piece)
        case blocks.OutcomeBar():
            return _outcome_bar(piece)


def _text(text: str) -> str:
    return escape(fit(clean(text), NAME_CELLS))


def _mark(outcome: Outcome | None) -> str:
    if outcome is None:
        return ABSENT
    word = WORD.get(outcome, outcome.value)
    return f'<span class="{_CLASS[outcome]}" title="{escape(word)}">{GLYPH[outcome]}</span>'


def _rate_bar(bar: blocks.RateBar) -> str:
    low, high = (bar.interval.low, bar.interval.high) if bar.interval else (bar.rate, bar.rate)
    return (
        '<span class="bar pass" aria-hidden="true">'
        f'<i class="between" style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></i>'
        f'<i class="at" style="left:min({100 * bar.rate:.1f}%, 100% - 2px)"></i></span>'
    )


def _outcome_bar(bar: blocks.OutcomeBar) -> str:
    total = sum(number for _, number in bar.counts)
    pieces, left = [], 0.0
    for outcome, number in bar.counts:
        width = 100 * number / total if total else 0
        style = f"left:{left:.2f}%;width:{width:.2f}%"
        pieces.append(f'<i class="{_CLASS[outcome]}" style="{style}"></i>')
        left += width
    return f'<span class="bar" aria-hidden="true">{"".join(pieces)}</span>'


# -- charts ---------------------------------------------------------------------------------
# As SVG within the page: drawn with its colours, loading nothing. What is drawn stands as numbers,
# too: each mark has them as its title.

_WIDTH, _ROW, _LABEL, _NUMBERS, _TOP = 704, 22, 170, 130, 24
"""Of a picture, in its own units: its width, a row, what stands left and right, and above."""
_KIND_CLASS = {"passed": "pass", "failed": "fail", "error": "err"}
_LABEL_CELLS = 24


def _trend_svg(chart: blocks.TrendChart) -> str:
    """Each checkpoint between the ends of its interval, on a scale from 0 to 100 %."""
    left, room = _LABEL, _WIDTH - _LABEL - _NUMBERS
    points, base = chart.trend.points, chart.trend.base
    height = _TOP + _ROW * len(points) + 4
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = left + share * room
        parts.append(f'<line class="grid" x1="{x:g}" x2="{x:g}" y1="{_TOP}" y2="{height}"/>')
        parts.append(_label(x, 14, percent(share), "middle", faint=True))
    if base is not None:
        x = left + base * room
        parts.append(f'<line class="base" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{height}"/>')
    for place, point in enumerate(points):
        y = _TOP + _ROW * (place + 0.5)
        parts += _checkpoint(point, y, left, room)
    against = "the run before" if chart.trend.baseline is None else clean(chart.trend.baseline)
    legend = f"▼ below {against}, ▲ above it, by more than chance (adjusted p ≤ {SOME:g})"
    parts.append(_label(0, height + 14, legend, "start", faint=True))
    return _svg(height + _ROW, "pass@1 with its 95 % interval, run by run", parts)


def _checkpoint(point: Checkpoint, y: float, left: float, room: float) -> Iterator[str]:
    yield _label(0, y + 4, fit(clean(point.label), _LABEL_CELLS), "start")
    if point.rate is None:
        return
    kind = "fail" if point.worse else "pass"
    low, high = (
        (point.interval.low, point.interval.high) if point.interval else (point.rate, point.rate)
    )
    at, begin, end = (left + share * room for share in (point.rate, low, high))
    yield f'<g class="{kind}"><title>{escape(_describe(point))}</title>'
    yield f'<line class="line" x1="{begin:.1f}" x2="{end:.1f}" y1="{y:g}" y2="{y:g}"/>'
    yield f'<circle class="dot" cx="{at:.1f}" cy="{y:g}" r="4"/></g>'
    mark = " ▼" if point.worse else " ▲" if point.better else ""
    numbers = (
        f"{percent(point.rate)} {interval_words(point.interval)} of {point.tally.verdicts}{mark}"
    )
    yield _label(_WIDTH, y + 4, numbers, "end")


def _describe(point: Checkpoint) -> str:
    words = f"{clean(point.run_id)}: pass@1 {percent(point.rate)}, {interval_words(point.interval)}"
    if point.difference is not None and point.against is not None:
        mean, p = point.difference.mean, point.difference.adjusted
        words += f"; {points(mean)}pp against {clean(point.against)}, adjusted p = {p:.2g}"
    return words


def _histogram_svg(chart: blocks.HistogramChart) -> str:
    """A bar for each bin, its parts by outcome."""
    left, room = _LABEL, _WIDTH - _LABEL - 60
    most = max((one.total for one in chart.bins), default=0) or 1
    height = _TOP + _ROW * len(chart.bins) + 4
    parts = [_label(0, 14, chart.title, "start", faint=True)]
    for place, (label, one) in enumerate(zip(chart.labels, chart.bins, strict=True)):
        y = _TOP + _ROW * place
        parts.append(_label(0, y + 15, label, "start"))
        x = float(left)
        for kind in KINDS:
            number = one.counts.get(kind, 0)
            if not number:
                continue
            size = number / most * room
            title = f"{label}: {of_many(number, 'rollout')} {kind}"
            parts.append(
                f'<rect class="{_KIND_CLASS[kind]}" x="{x:.1f}" y="{y + 3:g}" width="{size:.1f}" '
                f'height="{_ROW - 6}"><title>{escape(title)}</title></rect>'
            )
            x += size
        if one.total:
            parts.append(_label(x + 6, y + 15, f"{one.total:,}", "start", faint=True))
    return _svg(height, chart.title, parts)


def _svg(height: float, title: str, parts: list[str]) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {height:g}" role="img" '
        f'aria-label="{escape(title, quote=True)}">{"".join(parts)}</svg>'
    )


def _label(x: float, y: float, words: str, anchor: str, *, faint: bool = False) -> str:
    kind = ' class="faint"' if faint else ""
    return f'<text{kind} x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words)}</text>'
