"""How wide the columns of a table are, for the lists on screen and for commands. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

EXTRA = 3
"""From this priority on a column is worth less than what is good for those that go after it."""


class ColumnNeed(Struct, frozen=True):
    """What a column needs, in cells."""

    least: int  # with fewer it is not worth showing
    good: int = 0  # with which it says all that it should: extras come after that
    # With which nothing of it is cut; these are names and words, of which any number of cells
    # more than `least` is of use.
    wanted: int = 0
    priority: int = 0  # columns of the highest number go first where there is no room
    flex: int = 0  # its share of what nobody needs
    most: int = 0  # what it takes at most of that


def fit_widths(
    needs: Sequence[ColumnNeed], cells: int, gap: int, *, beyond: bool = False
) -> dict[int, int]:
    """Choose the columns that fit, and share out the width; all numbers are cells.

    Args:
        needs: Of all columns, left to right.
        beyond: Whether columns of priority 0 stay even where the table is wider with them.

    Returns:
        The columns that stay, by their place, with their widths. Those of the highest priority
        number go first, the rightmost of equals before the others; the last one is never left
        out. Names are cut only when there is no room for them, and then the longest first.
    """
    kept = list(range(len(needs)))

    def size(place: int, worst: int) -> int:
        need = needs[place]
        before = worst >= EXTRA and need.priority < worst
        return max(need.least, need.good) if before else need.least

    while len(kept) > 1:
        worst = max(kept, key=lambda place: (needs[place].priority, place))
        rank = needs[worst].priority
        if sum(size(place, rank) + gap for place in kept) - gap <= cells or (beyond and not rank):
            break
        kept.remove(worst)
    widths = {place: needs[place].least for place in kept}
    spare = cells - sum(widths.values()) - gap * (len(kept) - 1)
    if spare < 0:
        return widths if beyond else {place: min(least, cells) for place, least in widths.items()}
    last = max(EXTRA, *(needs[place].priority for place in kept))
    names = [
        min(needs[place].wanted, needs[place].good) if needs[place].priority < last else 0
        for place in kept
    ]
    spare = _widen(widths, names, spare)
    for place in sorted(kept, key=lambda place: needs[place].priority):
        more = needs[place].good - widths[place]
        if not needs[place].wanted and 0 < more <= spare:  # a part of a number is of no use
            widths[place] += more
            spare -= more
    spare = _widen(widths, [needs[place].wanted for place in kept], spare)
    _share_out(widths, needs, spare)
    return widths


def _widen(widths: dict[int, int], wanted: Sequence[int], spare: int) -> int:
    """Give the narrowest first what they want, so that the longest share the loss; what is left."""
    wants = dict(zip(widths, wanted, strict=True))
    while spare > 0:
        hungry = [place for place in widths if widths[place] < wants[place]]
        if not hungry:
            break
        low = min(widths[place] for place in hungry)
        lowest = [place for place in hungry if widths[place] == low]
        ends = [wants[place] for place in lowest]
        ends += [widths[place] for place in hungry if widths[place] > low]
        rise = max(1, min(min(ends) - low, spare // len(lowest)))
        for place in lowest[:spare]:
            widths[place] += rise
            spare -= rise
    return spare


def _share_out(widths: dict[int, int], needs: Sequence[ColumnNeed], spare: int) -> None:
    while spare > 0:
        hungry = [
            place for place in widths if needs[place].flex and widths[place] < needs[place].most
        ]
        if not hungry:
            return
        share = sum(needs[place].flex for place in hungry)
        given = 0
        for place in hungry:
            more = max(1, spare * needs[place].flex // share)
            more = min(more, needs[place].most - widths[place], spare - given)
            widths[place] += more
            given += more
        spare -= given
