"""Rows of the bench's table: a figure, its yardstick from the same run, their ratio, the budget.

What is measured, and how, is the `bench_*` modules' business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["s", "bytes", "share", "count"]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: What was measured.
        figure: Our own number, as it is printed.
        yardstick: What it is measured against, as it is printed; "" where there is none.
        ratio: Their ratio, as it is printed; "" where there is none.
        budget: What is allowed; "" for a row that only informs.
        held: Whether it is held; None for a row that only informs.
        note: What a reader of the figure must know: a scaling, an exclusion.
    """

    what: str
    figure: str
    yardstick: str = ""
    ratio: str = ""
    budget: str = ""
    held: bool | None = None
    note: str = ""


def faster(what: str, took_s: float, yardstick_s: float, times: float, note: str = "") -> Row:
    """A row that must be so many times faster than its yardstick.

    Args:
        what: What was measured.
        took_s: Seconds we took.
        yardstick_s: Seconds the yardstick took.
        times: The least ratio that is allowed.
        note: What a reader must know.
    """
    ratio = yardstick_s / took_s if took_s else float("inf")
    return Row(
        what, shown(took_s, "s"), shown(yardstick_s, "s"), f"{_brief(ratio)}× faster",
        f"≥ {times:g}×", ratio >= times, note,
    )  # fmt: skip


def at_most(
    what: str, figure: float, yardstick: float, ratio: float, unit: Unit, note: str = ""
) -> Row:
    """A row that may be at most so much of its yardstick.

    Args:
        what: What was measured.
        figure: Our number.
        yardstick: The yardstick's.
        ratio: The largest ratio that is allowed.
        unit: Of both numbers.
        note: What a reader must know.
    """
    found = figure / yardstick if yardstick else float("inf")
    budget = f"≤ 1/{1 / ratio:g}" if ratio < 1 else f"≤ {ratio:g}×"
    said = f"1/{_brief(1 / found)}" if 0 < found < 1 else f"{found:.3g}×"
    return Row(
        what, shown(figure, unit), shown(yardstick, unit), said, budget, found <= ratio, note
    )


def within(what: str, figure: float, limit: float, unit: Unit, note: str = "") -> Row:
    """A row without a yardstick, of which the number itself is limited.

    Args:
        what: What was measured.
        figure: Our number.
        limit: The largest that is allowed.
        unit: Of both numbers.
        note: What a reader must know.
    """
    return Row(
        what, shown(figure, unit), budget=f"≤ {shown(limit, unit)}", held=figure <= limit, note=note
    )


def told(
    what: str, figure: float, yardstick: float | None = None, unit: Unit = "s", note: str = ""
) -> Row:
    """A row that only informs, with the ratio where there is a yardstick.

    Args:
        what: What was measured.
        figure: Our number.
        yardstick: The yardstick's, if there is one.
        unit: Of both numbers.
        note: What a reader must know.
    """
    ratio = f"{figure / yardstick:.3g}×" if yardstick else ""
    beside = "" if yardstick is None else shown(yardstick, unit)
    return Row(what, shown(figure, unit), beside, ratio, note=note)


def holds(what: str, held: bool, budget: str, figure: str, note: str = "") -> Row:
    """A row that is true or not.

    Args:
        what: What was looked at.
        held: Whether it is as it must be.
        budget: How it must be.
        figure: How it is.
        note: What a reader must know.
    """
    return Row(what, figure, budget=budget, held=held, note=note)


def shown(number: float, unit: Unit) -> str:
    """A number with its unit, in three digits."""
    match unit:
        case "share":
            return f"{number * 100:.2g} %" if number < 0.1 else f"{number * 100:.0f} %"
        case "bytes":
            for name, size in (("MB", 1e6), ("kB", 1e4)):
                if number >= size:
                    return f"{_brief(number / (1e6 if name == 'MB' else 1e3))} {name}"
            return f"{number:.0f} B"
        case "s":
            return f"{_brief(number)} s" if number >= 1 else f"{_brief(number * 1000)} ms"
        case "count":
            return f"{number:,.0f}"


def line(row: Row) -> str:
    """A row as printed; `heading` names its columns."""
    mark = {True: "✓", False: "✗", None: " "}[row.held]
    first = _columns(f"{mark} {row.what}", row.figure, row.yardstick, row.ratio, row.budget)
    return f"{first}\n    {row.note}" if row.note else first


def heading() -> str:
    """The names of the columns."""
    return _columns("  what", "figure", "yardstick", "ratio", "budget")


def _columns(what: str, *numbers: str) -> str:
    return f"{what:<62}" + "".join(f" {number:>12}" for number in numbers)


def _brief(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"
