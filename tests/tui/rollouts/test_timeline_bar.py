"""How a rollout's life is drawn: to an eighth of a cell, and no surer than it is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gymtui.store import formats
from gymtui.store.history.timeline import Segment
from gymtui.store.phases import PHASES, SegmentKind
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.styled_text import Cell, StyledText, fit_cells, width_of
from gymtui.tui.rollouts.timeline_bar import (
    FILLS,
    FRONT,
    PLAIN_FILLS,
    Scale,
    axis,
    bar,
    format_length,
    round_span_s,
    tick_step_s,
)
from tests.tui.palettes import NIGHT

T0 = datetime(2026, 3, 20, 10, tzinfo=UTC)
EXACT = timedelta(0)


def life(
    *stretches: tuple[SegmentKind, float, float], slack_s: float = 0.0, ended: bool = True
) -> list[Segment]:
    """Segments, in seconds after T0; the slack is that of every inner edge."""
    slack = timedelta(seconds=slack_s)
    drawn = []
    for index, (kind, start_s, end_s) in enumerate(stretches):
        first, last = index == 0, index == len(stretches) - 1
        drawn.append(
            Segment(
                kind,
                T0 + timedelta(seconds=start_s),
                T0 + timedelta(seconds=end_s),
                EXACT if first else slack,
                EXACT if last else slack,
            )
        )
    if ended:
        drawn.append(Segment(SegmentKind.ENDED, drawn[-1].end, drawn[-1].end))
    return drawn


def text(cell: Cell) -> str:
    return "".join(piece.text for piece in cell)


def styles(cell: Cell) -> list[str]:
    """The style of each cell."""
    return [piece.style for piece in cell for _ in piece.text]


WHOLE = life(
    (SegmentKind.QUEUED, -5, 0),
    (SegmentKind.BUILDING, 0, 4),
    (SegmentKind.SEEDING, 4, 6),
    (SegmentKind.AGENT, 6, 12),
    (SegmentKind.VERIFYING, 12, 15),
)
TWENTY = Scale(0, 20)


def test_each_phase_takes_its_share_of_the_cells() -> None:
    drawn = bar(WHOLE, TWENTY, 20)
    expected = ["building"] * 4 + ["seeding"] * 2 + ["agent"] * 6 + ["verifying"] * 3
    assert styles(drawn) == [f"bar {phase}" for phase in expected]


def test_an_edge_stands_in_its_eighth_of_a_cell_between_the_colours_of_both_phases() -> None:
    drawn = bar(life((SegmentKind.BUILDING, 0, 2.375), (SegmentKind.AGENT, 2.375, 4.5)), TWENTY, 20)
    assert text(drawn)[2] == "▍", "three eighths of the phase before"
    assert styles(drawn)[2] == "building|agent"
    assert (text(drawn)[4], styles(drawn)[4]) == ("▌", "agent"), "and nothing after it"


@given(st.floats(0.2, 19.5), st.floats(0.2, 19.5))
def test_an_edge_is_never_drawn_further_than_an_eighth_from_where_it_is(
    edge: float, end: float
) -> None:
    edge, end = sorted((edge, end))
    # One character has two colours: of three stretches in a cell the narrowest cannot be shown.
    assume(int(edge + end) > int(edge))
    drawn = bar(
        life((SegmentKind.BUILDING, 0, edge), (SegmentKind.AGENT, edge, edge + end)),
        Scale(0, 40),
        40,
    )
    eighths = 0.0
    for char, style in zip(text(drawn), styles(drawn), strict=True):
        if style == "bar building":
            eighths += 8
        elif style.split("|")[0] == "building":
            eighths += " ▏▎▍▌▋▊▉".index(char)
    assert abs(eighths / 8 - edge) <= 1 / 8


def test_the_queue_is_shown_by_the_clock_but_not_from_the_start() -> None:
    by_clock = Scale(T0.timestamp() - 5, 20, wall=True)
    assert text(bar(WHOLE, by_clock, 20)).startswith(
        FILLS[SegmentKind.QUEUED] * 5 + FILLS[SegmentKind.BUILDING]
    )
    assert text(bar(WHOLE, TWENTY, 20)).startswith(FILLS[SegmentKind.BUILDING])


def test_a_stretch_nobody_saw_looks_like_no_phase() -> None:
    drawn = bar(life((SegmentKind.UNSEEN, 0, 8), (SegmentKind.AGENT, 8, 12)), TWENTY, 20)
    assert text(drawn)[:8] == FILLS[SegmentKind.UNSEEN] * 8
    assert set(styles(drawn)[:8]) == {"muted"}


def test_an_edge_is_soft_where_it_may_lie_in_more_than_one_cell() -> None:
    sharp = life((SegmentKind.BUILDING, 0, 10), (SegmentKind.AGENT, 10, 20), slack_s=0.9)
    soft = life((SegmentKind.BUILDING, 0, 10), (SegmentKind.AGENT, 10, 20), slack_s=3)
    assert not set(text(bar(sharp, TWENTY, 20))) & set("▓▒░")
    drawn = bar(soft, TWENTY, 20)
    assert text(drawn) == "▚" * 7 + "▓▓▒▒░░" + "━" * 7
    assert set(styles(drawn)[7:13]) == {"building|agent"}


def test_a_soft_edge_stays_within_its_two_phases() -> None:
    blurred = life(
        (SegmentKind.BUILDING, 0, 4),
        (SegmentKind.SEEDING, 4, 6),
        (SegmentKind.AGENT, 6, 12),
        slack_s=5,
    )
    drawn = styles(bar(blurred, TWENTY, 20))
    assert drawn[:4] == ["building|seeding"] * 4
    assert drawn[4:11] == ["seeding|agent"] * 7, "where both may be, the later edge is drawn"
    assert drawn[11:] == ["bar agent"]


def test_what_still_runs_has_a_front_right_after_it() -> None:
    drawn = bar(life((SegmentKind.AGENT, 0, 6.5), ended=False), TWENTY, 20, end=FRONT)
    assert text(drawn) == "━" * 6 + "▌▸"
    later = bar(life((SegmentKind.AGENT, 0, 6.75), ended=False), TWENTY, 20, end=FRONT)
    assert text(later) == "━" * 6 + "▊▸", "it moves by eighths"


def test_an_end_is_marked_after_the_bar_and_within_the_column() -> None:
    mark = StyledText("✗", "failed")
    assert text(bar(life((SegmentKind.AGENT, 0, 6)), TWENTY, 20, end=mark)) == "━" * 6 + "✗"
    assert text(bar(life((SegmentKind.AGENT, 0, 20)), TWENTY, 20, end=mark)) == "━" * 19 + "✗"
    beyond = bar(life((SegmentKind.AGENT, 0, 30)), TWENTY, 20, end=mark)
    assert text(beyond) == "━" * 20, "an end out of view is not marked at the edge"


def test_a_life_out_of_view_says_on_which_side_it_lies() -> None:
    short = life((SegmentKind.AGENT, 0, 6))
    assert text(bar(short, Scale(10, 10), 20)) == "‹"
    by_clock = Scale(T0.timestamp() - 60, 20, wall=True)
    assert text(bar(short, by_clock, 20)) == " " * 19 + "›"


def test_a_phase_too_short_for_an_eighth_has_one_all_the_same() -> None:
    drawn = bar(life((SegmentKind.BUILDING, 0, 0.01), (SegmentKind.AGENT, 0.01, 10)), TWENTY, 20)
    assert (text(drawn)[0], styles(drawn)[0]) == ("▏", "building|agent")


def test_what_begins_inside_a_cell_leaves_its_beginning_free() -> None:
    by_clock = Scale(T0.timestamp() - 1.5, 20, wall=True)
    drawn = bar(life((SegmentKind.AGENT, 0, 6)), by_clock, 20)
    assert (text(drawn)[:2], styles(drawn)[1]) == (" ▌", "|agent")
    assert NIGHT.styles["|agent"].reverse, "so that it holds on a cursor too"


def test_nothing_known_draws_nothing() -> None:
    assert bar((), TWENTY, 20) == ()
    assert bar(life((SegmentKind.QUEUED, 0, 9), ended=False), TWENTY, 20) == ()


def test_plain_terminals_get_ascii_in_halves() -> None:
    drawn = bar(
        life((SegmentKind.BUILDING, 0, 4), (SegmentKind.AGENT, 4, 6.5)), TWENTY, 20, plain=True
    )
    assert text(drawn) == "BBBB==-"
    assert text(drawn).isascii()


def test_no_two_kinds_look_alike_and_none_like_an_outcome() -> None:
    assert len(set(FILLS.values())) == len(FILLS)
    assert len({half for pair in PLAIN_FILLS.values() for half in pair}) == 2 * len(PLAIN_FILLS)
    outcomes = set(formats.GLYPH.values()) | set(outcome_text._BLOCK.values())
    assert not outcomes & set(FILLS.values())
    colours = {NIGHT.styles[phase].color for phase in PHASES}
    assert len(colours) == len(PHASES)
    assert not colours & {
        NIGHT.styles[style].color for style in outcome_text.OUTCOME_STYLES.values()
    }


def test_every_style_that_is_drawn_exists() -> None:
    for start in (SegmentKind.QUEUED, *PHASES, SegmentKind.UNSEEN):
        for after in (SegmentKind.QUEUED, *PHASES, SegmentKind.UNSEEN):
            for slack_s in (0, 4):
                two = life((start, 0, 5.3), (after, 5.3, 9.6), slack_s=slack_s)
                drawn = bar(two, Scale(T0.timestamp() - 0.4, 20, wall=True), 20)
                assert set(styles(drawn)) <= {"", *NIGHT.styles}


@given(
    st.lists(st.tuples(st.sampled_from(list(FILLS)), st.floats(0, 50)), min_size=1, max_size=6),
    st.floats(-60, 60),
    st.floats(0.5, 200),
    st.integers(1, 60),
    st.floats(0, 30),
    st.booleans(),
)
def test_whatever_the_life_it_stays_in_its_column(
    stretches: list[tuple[SegmentKind, float]],
    start_s: float,
    span_s: float,
    cells: int,
    slack_s: float,
    plain: bool,
) -> None:
    at_s = 0.0
    lived = []
    for kind, duration_s in stretches:
        lived.append((kind, at_s, at_s + duration_s))
        at_s += duration_s
    for wall in (False, True):
        scale = Scale(start_s + wall * T0.timestamp(), span_s, wall)
        drawn = bar(life(*lived, slack_s=slack_s), scale, cells, end=StyledText("✗"), plain=plain)
        assert width_of(drawn) <= cells


# -- the axis ------------------------------------------------------------------------------------


def test_ticks_are_round_and_their_labels_stand_where_they_are() -> None:
    drawn = text(axis(Scale(0, 240), 48))
    assert drawn.split() == ["0", "1m", "2m", "3m"]
    assert [drawn.index(label) for label in ("0", "1m", "2m", "3m")] == [0, 12, 24, 36]


def test_a_panned_axis_begins_with_the_first_round_tick_in_view() -> None:
    drawn = text(axis(Scale(75, 60), 48))
    assert drawn.split() == ["1m20", "1m30", "1m40", "1m50", "2m", "2m10"]
    assert drawn.index("1m20") == 4


def test_by_the_clock_ticks_are_round_in_local_time() -> None:
    half_past = timezone(timedelta(hours=5, minutes=30))
    scale = Scale(T0.timestamp(), 4 * 3600, wall=True)
    drawn = text(axis(scale, 60, lambda s: datetime.fromtimestamp(s, half_past)))
    assert drawn.split()[0] == "16:00"


def test_a_clock_that_is_shown_otherwise_moves_labels_not_bars() -> None:
    scale = Scale(T0.timestamp(), 240, wall=True)

    def labels(ahead_s: float) -> str:
        return text(axis(scale, 60, lambda s: datetime.fromtimestamp(s - ahead_s, UTC)))

    assert labels(0).split()[0] == "10:00"
    assert labels(420).split()[0] == "09:53"
    assert labels(0).index("10:00") == labels(420).index("09:53") == 0


@given(st.floats(0, 1e6), st.floats(1, 1e6), st.integers(1, 200))
def test_an_axis_fills_its_cells_and_labels_never_touch(
    start_s: float, span_s: float, cells: int
) -> None:
    scale = Scale(start_s, span_s)
    (drawn,) = axis(scale, cells)
    assert len(drawn.text) == cells
    assert all(label == label.strip() for label in drawn.text.split())
    assert tick_step_s(scale, cells) > 0


@pytest.mark.parametrize(
    ("seconds", "word"),
    [(0, "0"), (30, "30s"), (60, "1m"), (90, "1m30"), (3600, "1h"), (5400, "1h30"), (86400, "1d")],
)
def test_lengths_are_short(seconds: float, word: str) -> None:
    assert format_length(seconds) == word


@given(st.floats(0, 1e7))
def test_what_fits_is_seen_whole_and_not_lost_in_space(longest_s: float) -> None:
    assert longest_s <= round_span_s(longest_s) <= max(10.0, 1.5 * longest_s)


def test_a_bar_of_one_cell_does_not_go_on_to_the_edge_of_its_column() -> None:
    """What fills a column up has no style: a phase's is drawn on its own colour."""
    short = life((SegmentKind.SEEDING, 0, 0.4), (SegmentKind.AGENT, 0.4, 1))
    drawn = bar(short, Scale(0, 100), 20)
    assert len(drawn) == 1
    column = fit_cells(drawn, 20)
    assert width_of(column) == 20
    assert styles(column)[width_of(drawn) :] == [""] * (20 - width_of(drawn))


@pytest.mark.parametrize("end_s", [9.0, 9.1, 9.5, 9.9, 10.0, 19.0, 19.1, 20.0])
def test_in_halves_too_the_mark_follows_what_is_drawn(end_s: float) -> None:
    drawn = text(
        bar(
            life((SegmentKind.AGENT, 0, end_s)),
            TWENTY,
            20,
            end=StyledText("!", "error"),
            plain=True,
        )
    )
    assert drawn.endswith("!")
    assert " " not in drawn
