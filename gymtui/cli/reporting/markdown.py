"""A report as Markdown (CommonMark with GitHub's tables). Names are code: nothing in them acts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gymtui.cli.reporting import blocks
from gymtui.cli.reporting.blocks import NAME_CELLS, Block, Line, Piece, Report
from gymtui.core.text import ABSENT, clean, fit
from gymtui.store.formats import GLYPH


def render_markdown(report: Report) -> str:
    return "\n\n".join(filter(None, map(_block, report.blocks))) + "\n"


def _block(block: Block) -> str:
    match block:
        case blocks.Heading():
            return f"{'#' * block.level} {_line(block.line)}"
        case blocks.Paragraph():
            return f"> **{_line(block.line)}**" if block.notice else _line(block.line)
        case blocks.BulletList():
            return "\n".join(f"- {_line(line)}" for line in block.lines)
        case blocks.Table():
            rule = ["---:" if n in block.right else "---" for n in range(len(block.headings))]
            rows = [_row(map(_line, block.headings)), f"| {' | '.join(rule)} |"]
            return "\n".join([*rows, *(_row(map(_line, row)) for row in block.rows)])
        case blocks.TrendChart() | blocks.HistogramChart():
            return ""


def _row(cells: Iterable[str]) -> str:
    # In a table the bar is escaped within code too (GitHub Flavored Markdown, 4.10).
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _line(line: Line) -> str:
    return "".join(map(_piece, line)).strip()


def _piece(piece: Piece) -> str:
    match piece:
        case str():
            return piece
        case blocks.Name():
            return code(piece.text)
        case blocks.Strong():
            return f"**{piece.text}**"
        case blocks.OutcomeMarks():
            glyphs = (ABSENT if outcome is None else GLYPH[outcome] for outcome in piece.outcomes)
            return code("".join(glyphs)) if piece.outcomes else ABSENT
        case blocks.RateBar() | blocks.OutcomeBar():
            return ""


def code(text: str) -> str:
    """Any text as a code span of one cleaned line, in as many backticks as it takes."""
    shown = fit(clean(text), NAME_CELLS) or " "
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    gap = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{gap}{shown}{gap}{fence}"
