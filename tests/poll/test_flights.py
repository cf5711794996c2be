"""How often what is not on screen is asked about, as it is told."""

from __future__ import annotations

import pytest

from gymtui.poll.flights import RestInterval


def told(waits_s: list[float], interval_s: float = 2.0) -> float | None:
    rest = RestInterval()
    for waited_s in waits_s:
        rest.add(waited_s, 0.0)
    return rest.seconds(interval_s, 0.0)


@pytest.mark.parametrize(
    ("longest_s", "said_s"),
    [(6.0, None), (6.1, 8.0), (8.0, 8.0), (8.1, 10.0), (59.0, 60.0), (599.0, 600.0)],
)
def test_it_is_rounded_up_to_a_step_and_said_where_it_is_thrice_the_interval(
    longest_s: float, said_s: float | None
) -> None:
    assert told([longest_s]) == said_s
    assert told([longest_s, 1.0]) == said_s
    assert told([1.0, longest_s]) == said_s


def test_the_first_step_is_five_seconds() -> None:
    assert told([4.0], interval_s=1.0) == 5.0


def test_what_was_never_asked_before_says_nothing() -> None:
    assert told([600.0]) is None
    assert told([]) is None


def test_a_wait_counts_for_a_minute() -> None:
    rest = RestInterval()
    rest.add(50.0, 0.0)
    rest.add(20.0, 10.0)
    assert rest.seconds(2.0, 60.0) == 60.0
    assert rest.seconds(2.0, 60.1) == 20.0
    assert rest.seconds(2.0, 70.1) is None
