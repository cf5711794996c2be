"""How many rollouts of which runs a worker takes, so that every limit holds over all workers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class RunLoad:
    """A run with what of it waits and runs, over all workers."""

    run_id: str
    waiting: int  # that the worker which asks could take
    running: int
    max_parallel: int
    places: frozenset[str] = frozenset()  # the models it asks, of which server


@dataclass(frozen=True)
class Limits:
    """What holds over all runs."""

    max_parallel: int  # rollouts at a time
    max_requests: int  # to one model of one server at a time: a rollout has at most one under way


def allot(
    loads: Sequence[RunLoad], limits: Limits, *, most: int, own: int, workers: int | None
) -> dict[str, int]:
    """Return how many rollouts of which run are taken.

    Args:
        loads: Of every run with rollouts that wait or run, the oldest first.
        limits: Over all of them.
        most: How many more the worker can have.
        own: How many it has.
        workers: How many there are: none takes more than its share. None takes all that is left.
    """
    running = sum(load.running for load in loads)
    asking: Counter[str] = Counter()
    for load in loads:
        asking.update(dict.fromkeys(load.places, load.running))
    room: dict[str, int] = {}
    left = limits.max_parallel - running
    for load in loads:
        at_models = [limits.max_requests - asking[place] for place in load.places]
        count = min(load.waiting, load.max_parallel - load.running, left, *at_models)
        if count > 0:
            room[load.run_id] = count
            left -= count
            asking.update(dict.fromkeys(load.places, count))
    if workers is not None:
        share = -(-(running + sum(room.values())) // max(1, workers))
        most = min(most, share - own)
    taken: dict[str, int] = {}
    for run_id, count in room.items():
        if most <= 0:
            break
        taken[run_id] = min(count, most)
        most -= taken[run_id]
    return taken
