"""The rollouts of a whole scenario, taken apart into an answer about each run.

One answer about hundreds of runs costs one request; what it says of a run is then taken in as if
that run alone had been asked about, so that nothing else need know of it.
"""

from __future__ import annotations

from collections.abc import Container, Generator, Mapping

import msgspec

from gymtui.api.list_answer import split

SPLIT_AT_ONCE = 4_000
"""Rollouts looked at before others get their turn: some 4 ms."""


class _Owner(msgspec.Struct):
    run_id: str | None = None


_OWNER = msgspec.json.Decoder(_Owner)


def answers_by_run(
    body: bytes, wanted: Container[str], totals: Mapping[str, int]
) -> Generator[None, None, dict[str, bytes]]:
    """Take the answer apart, stopping now and then so that keys are answered meanwhile.

    Args:
        body: The answer to `GET /rollouts?scenario_id=`.
        wanted: The runs that an answer is wanted about.
        totals: How many rollouts each run has, by its own counters.

    Returns:
        By run, what `GET /rollouts?run_id=` would have answered. Runs of which the answer does not
        hold all rollouts are left out: it was cut, or the gym means something else by it.

    Raises:
        Garbled: It is no list of rollouts.
    """
    items = split(body, "rollouts").items
    yield
    by_run: dict[str, list[bytes]] = {}
    for count, item in enumerate(items, start=1):
        run_id = _run_of(item)
        if run_id is not None and run_id in wanted:
            by_run.setdefault(run_id, []).append(item)
        if count % SPLIT_AT_ONCE == 0:
            yield
    return {
        run_id: b'{"total":%d,"rollouts":[%s]}' % (len(own), b",".join(own))
        for run_id, own in by_run.items()
        if len(own) >= totals.get(run_id, len(own) + 1)
    }


def _run_of(item: bytes) -> str | None:
    try:
        return _OWNER.decode(item).run_id
    except (msgspec.MsgspecError, RecursionError):
        return None
