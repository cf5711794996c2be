"""What the lists of commands have in common: filters as arguments, an order, a limit.

The language is `store.lists.query`, the columns are `store.lists.columns`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import click

from gymtui.core.text import clean, width
from gymtui.store.column_def import Schema
from gymtui.store.lists.columns import RUNS, RunView, certain
from gymtui.store.lists.ordering import OrderedView
from gymtui.store.lists.query import Filter, FilterError, parse
from gymtui.store.lists.terms import Term

R = TypeVar("R")

_DASHBOARD_ONLY = {
    "watched": "only the dashboard has watched runs",
    "forbidden": "only the dashboard has it; commands report forbidden runs on standard error",
    "stuck": "only the dashboard has it, in its run list: it takes observation over time",
}

COMMAND_RUNS: Schema[RunView] = Schema(
    (field for field in RUNS if field.name not in _DASHBOARD_ONLY), elsewhere=_DASHBOARD_ONLY
)
"""The columns of runs, but for those that only a dashboard has."""

CERTAIN_RUNS = certain(COMMAND_RUNS)  # the same for what is cancelled by it


@dataclass(frozen=True, slots=True)
class ListRequest:
    filters: tuple[str, ...] = ()  # texts in the filter language, all of which must hold
    order: str | None = None  # the column to order by, or None for the gym's own order
    reverse: bool = False  # whether the largest comes first
    limit: int | None = None  # the most rows, or None for all


@dataclass(frozen=True, slots=True)
class FilteredRows(Generic[R]):
    rows: tuple[R, ...]  # in order, no more than the limit
    matching: int  # how many there were before the limit


def read_filters(texts: Sequence[str], schema: Schema[R]) -> Filter[R]:
    """Read filter texts as one.

    Raises:
        click.UsageError: One is no filter; its place is shown.
    """
    terms: list[Term[R]] = []
    for text in texts:
        try:
            terms += parse(text, schema).terms
        except FilterError as error:
            raise click.UsageError(_show_mistake(text, error)) from None
    return Filter(" ".join(texts), tuple(terms))


def fits(text: str, schema: Schema[R]) -> bool:
    """Whether a text is a filter over these columns."""
    try:
        parse(text, schema)
    except FilterError:
        return False
    return True


def check_order(order: str | None, schema: Schema[R]) -> None:
    """See that there is such a column.

    Raises:
        click.UsageError: There is not.
    """
    if order is not None and order not in schema:
        names = ", ".join(field.name for field in schema)
        hint = schema.hint(order) or f"columns are {names}"
        raise click.UsageError(f"no column {clean(order)}: {hint}")


def filter_rows(
    records: Mapping[str, R], request: ListRequest, schema: Schema[R], now_s: float
) -> FilteredRows[R]:
    """Filter, order and cut a list.

    Args:
        records: By id, in the gym's order.
        request: What is wanted; its order is one of the columns.
        now_s: The server's clock, UNIX seconds.
    """
    shown = read_filters(request.filters, schema).select(records, now_s)
    rows = list(shown.values())
    if request.order is not None:
        view: OrderedView[R] = OrderedView(schema, request.order, reverse=request.reverse)
        view.apply(shown, (), now_s)
        rows = [shown[row_id] for row_id in view]
    elif request.reverse:
        rows.reverse()
    return FilteredRows(tuple(rows[: request.limit]), len(rows))


def unknown_columns(
    request: ListRequest, schema: Schema[R], records: Collection[R]
) -> Sequence[str]:
    """The columns that a filter names and that are unknown for every record there is."""
    named = re.findall(r"(?:^|\s)!?([a-z_]+)[<>=]", " ".join(request.filters))
    fields = {schema[name].name: schema[name] for name in named if name in schema}
    return [
        name
        for name, field in fields.items()
        if records and all(field.value(record) is None for record in records)
    ]


def _show_mistake(text: str, error: FilterError) -> str:
    """The mistake, and a mark under its place; `position` counts characters of the raw text."""
    before, wrong = text[: error.position], text[error.position :][: error.length]
    pointer = " " * width(clean(before)) + "^" * max(1, width(clean(wrong)))
    return f"{clean(error.message)}\n  {clean(text)}\n  {pointer}"
