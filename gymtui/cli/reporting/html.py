"""A report as one HTML file: no script, nothing loaded, readable in print. All text is escaped."""

from __future__ import annotations

from html import escape

from gymtui.cli.reporting.blocks import (
    NAME_CELLS,
    Block,
    Heading,
    HistogramChart,
    Items,
    Line,
    Marks,
    Name,
    OutcomeBar,
    Paragraph,
    Piece,
    RateBar,
    Report,
    Strong,
    Table,
    TrendChart,
)
from gymtui.cli.reporting.svg import histogram_svg, trend_svg
from gymtui.core.text import ABSENT, clean, fit
from gymtui.store.formats import GLYPH, WORD
from gymtui.store.outcome import Outcome

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
        case Heading():
            return f"<h{block.level}>{_line(block.line)}</h{block.level}>"
        case Paragraph():
            kind = ' class="notice"' if block.notice else ""
            return f"<p{kind}>{_line(block.line)}</p>"
        case Items():
            return "<ul>\n" + "\n".join(f"<li>{_line(x)}</li>" for x in block.lines) + "\n</ul>"
        case Table():
            return _table(block)
        case TrendChart():
            return trend_svg(block)
        case HistogramChart():
            return histogram_svg(block)


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
        case Name():
            # Kept apart from what stands beside it, should it read from right to left.
            return f"<code><bdi>{_text(piece.text)}</bdi></code>"
        case Strong():
            return f"<strong>{escape(piece.text)}</strong>"
        case Marks():
            return f'<span class="marks">{"".join(map(_mark, piece.outcomes))}</span>'
        case RateBar():
            return _rate_bar(piece)
        case OutcomeBar():
            return _outcome_bar(piece)


def _text(text: str) -> str:
    return escape(fit(clean(text), NAME_CELLS))


def _mark(outcome: Outcome | None) -> str:
    if outcome is None:
        return ABSENT
    word = WORD.get(outcome, outcome.value)
    return f'<span class="{_CLASS[outcome]}" title="{escape(word)}">{GLYPH[outcome]}</span>'


def _rate_bar(bar: RateBar) -> str:
    low, high = (bar.interval.low, bar.interval.high) if bar.interval else (bar.rate, bar.rate)
    return (
        '<span class="bar pass" aria-hidden="true">'
        f'<i class="between" style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></i>'
        f'<i class="at" style="left:min({100 * bar.rate:.1f}%, 100% - 2px)"></i></span>'
    )


def _outcome_bar(bar: OutcomeBar) -> str:
    total = sum(number for _, number in bar.counts)
    pieces, left = [], 0.0
    for outcome, number in bar.counts:
        width = 100 * number / total if total else 0
        style = f"left:{left:.2f}%;width:{width:.2f}%"
        pieces.append(f'<i class="{_CLASS[outcome]}" style="{style}"></i>')
        left += width
    return f'<span class="bar" aria-hidden="true">{"".join(pieces)}</span>'
