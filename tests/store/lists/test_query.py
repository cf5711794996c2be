"""The filter language: what each way of writing means, and where mistakes are shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gymtui.core.replacement import replace
from gymtui.store.column_def import Field, Schema, Since, ValueKind
from gymtui.store.formats import duration
from gymtui.store.lists.query import Filter, FilterError, parse

NOW = 1_750_000_000.0
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


@dataclass(frozen=True)
class Row:
    run: object = "nightly-s400"
    status: object = "running"
    model: object = "gpt-4o-mini"
    scenario: object = "hr"
    task: object = "schedule_phone_screen"
    steps: object = 17
    share: object = 0.5
    began: object = Since(NOW - HOUR)
    elapsed: object = 90.0
    stuck: object = False


SCHEMA: Schema[Row] = Schema(
    [
        Field("run", ValueKind.TEXT, lambda row: row.run, aliases=("name", "id")),
        Field("status", ValueKind.TEXT, lambda row: row.status),
        Field("model", ValueKind.TEXT, lambda row: row.model),
        Field("scenario", ValueKind.TEXT, lambda row: row.scenario),
        Field("task", ValueKind.TEXT, lambda row: row.task, words=False),
        Field("steps", ValueKind.NUMBER, lambda row: row.steps),
        Field("pass", ValueKind.PERCENT, lambda row: row.share, aliases=("pass@1",)),
        Field("age", ValueKind.TIME, lambda row: row.began, aliases=("started",)),
        Field("elapsed", ValueKind.DURATION, lambda row: row.elapsed),
        Field("stuck", ValueKind.FLAG, lambda row: row.stuck),
    ]
)


def passes(text: str, row: Row, now: float = NOW) -> bool:
    return parse(text, SCHEMA).matches(row, now)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("  \t ", True),
        ("gpt", True),
        ("GPT nightly", True),
        ("gpt qwen", False),
        ("!qwen", True),
        ("!gpt", False),
        ("!!gpt", True),
        ("g*mini", True),
        ("g?t-", True),
        ('"g*mini"', False),
        ('"4o-"mini', True),
        ("phone", False),  # tasks are not searched for words here
        ("12:30", False),
        ("a/b=c", False),
        ("status:running", True),
        ("status:RUNNING", True),
        ("STATUS:running", True),
        ("status:run", False),
        ("status:run*", True),
        ('status:"run*"', False),
        ("status=running", True),
        ("status!=running", False),
        ("status!=failed", True),
        ("status:failed,running", True),
        ("status!=failed,running", False),
        ("status:failed,workspace_error", False),
        ('status:failed,"running"', True),
        ("!status:failed,workspace_error", True),
        ("model:gpt*", True),
        ("model:gpt", False),
        ("task:*phone*", True),
        ("name:nightly-s400", True),
        ("scenario:hr", True),
        ("!scenario:hr", False),
        ("status:", True),
        ("!status:", False),
        ("stuck:", False),
        ("!stuck:", True),
        ("stuck:no", True),
        ("stuck:yes,no", True),
        ("stuck!=true", True),
        ("stuck: gpt", False),
        ("steps>=17", True),
        ("steps>17", False),
        ("steps<=17", True),
        ("steps<17", False),
        ("steps=17", True),
        ("steps:17", True),
        ("steps:3,17", True),
        ("steps:>=17", True),
        ("steps!=17", False),
        ("steps!=3,17", False),
        ("steps!=3,4", True),
        ("steps < 18", True),
        ("steps <18 gpt", True),
        ("steps<0.1k", True),
        ("steps<1M", True),
        ("steps>-1", True),
        ("steps>.5", True),
        ("steps:", True),
        ("pass<50%", False),
        ("pass<=50%", True),
        ("pass=50", True),
        ("pass>0.4", True),
        ("pass<1.0", True),
        ("pass>1%", True),
        ("age<2h", True),
        ("age<60m", False),
        ("age<=60m", True),
        ("age>=1h", True),
        ("age>1h", False),
        ("age=1h", True),
        ("age=59m", False),
        ("started<1h30m", True),
        ("age>1.5h", False),
        ("age<1w", True),
        ("elapsed>1m", True),
        ("elapsed=1m", True),
        ("elapsed=90s", True),
        ("elapsed=91s", False),
        ("elapsed=90000ms", True),
        ("elapsed>0", True),
    ],
)
def test_what_is_written_means(text: str, expected: bool) -> None:
    assert passes(text, Row()) is expected


NOTHING = Row(*[None] * 10)


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "status:*",
        "status!=x",
        "status:",
        "steps>=0",
        "steps<0",
        "steps!=3",
        "steps:",
        "pass<50%",
        "pass!=50%",
        "age<2h",
        "age>2h",
        "age!=2h",
        "age:",
        "elapsed<2h",
        "elapsed:",
        "stuck:",
        "stuck:no",
        "stuck!=yes",
    ],
)
def test_what_is_not_known_passes_nothing_but_a_negation(text: str) -> None:
    assert not passes(text, NOTHING)
    assert passes(f"!{text}", NOTHING)


@pytest.mark.parametrize("value", ["17", [], {}, True, float("nan"), b"17", 10**400])
def test_a_value_of_the_wrong_type_does_no_harm(value: object) -> None:
    row = Row(*[value] * 10)
    for text in ("x", "status:x", "steps<3", "pass<3%", "age<3h", "elapsed<3h", "stuck:", "age:"):
        assert passes(text, row) in (True, False)


def test_an_empty_text_is_not_set() -> None:
    assert not passes("run:", Row(run=""))
    assert passes('run:""', Row(run=""))


@pytest.mark.parametrize(
    ("share", "written", "expected"),
    [
        (0.8333, "83%", True),
        (0.8333, "83.3%", True),
        (0.8333, "83.4%", False),
        (0.8333, "84%", False),
        (0.996, "100%", False),
        (1.0, "100%", True),
        (0.004, "0%", False),
        (0.0, "0", True),
        (0.5, "0.5", True),
    ],
)
def test_a_percentage_equals_what_rounds_to_it_but_none_and_all_are_exact(
    share: float, written: str, expected: bool
) -> None:
    assert passes(f"pass={written}", Row(share=share)) is expected
    assert passes(f"pass!={written}", Row(share=share)) is not expected


def test_moments_come_as_datetimes_too() -> None:
    aware = datetime.fromtimestamp(NOW, UTC) - timedelta(hours=1)
    for began in (aware, aware.replace(tzinfo=None), NOW - HOUR):
        assert passes("age=60m", Row(began=began))


def test_a_growing_length_is_compared_by_its_start() -> None:
    row = Row(elapsed=Since(NOW - 30))
    assert passes("elapsed<1m", row)
    assert not passes("elapsed<1m", row, NOW + 30)
    assert passes("elapsed=31s", Row(elapsed=timedelta(seconds=30.9)))


@pytest.mark.parametrize(
    "seconds",
    [
        *(0.4, 0.5, 9.49, 9.5, 59.4, 59.5, 89.5, 90.4, 119.4, 119.5, 3599.4, 3599.5, 3629.9),
        *(3630.0, 7169.9, 7170.0, 86_369.0, 86_370.0, 90_000.0, 95_399.0, 95_400.0),
    ],
)
def test_a_length_is_found_by_what_is_shown_of_it(seconds: float) -> None:
    shown = duration(seconds)
    whole = re.match(r"\d+[a-z]", shown)
    assert whole is not None
    for written in (shown, whole[0]):
        assert passes(f"elapsed={written}", Row(elapsed=seconds)), written
        assert passes(f"elapsed:{written}", Row(elapsed=timedelta(seconds=seconds))), written
    for other in (seconds + 1.0, seconds - 1.0) if seconds < 3500 else ():
        assert not passes(f"elapsed={shown}", Row(elapsed=other))


def test_a_flag_becomes_true_at_its_moment() -> None:
    row = Row(stuck=Since(NOW + 10))
    assert not passes("stuck:", row)
    assert passes("stuck:no", row)
    assert passes("stuck:", row, NOW + 10)


def mistake(marked: str) -> FilterError:
    """The error that text gives, which must be where `[[` and `]]` mark it."""
    start = marked.index("[[")
    length = marked.index("]]") - start - 2
    with pytest.raises(FilterError) as caught:
        parse(marked.replace("[[", "").replace("]]", ""), SCHEMA)
    assert (caught.value.position, caught.value.length) == (start, length)
    return caught.value


@pytest.mark.parametrize(
    ("marked", "message"),
    [
        ("[[modle]]:gpt*", "no column modle: did you mean model?"),
        ("hr ![[modle]]:x", "did you mean model?"),
        ("[[stat]]:running", "did you mean status?"),
        ("[[started_at]]<2h", "did you mean age?"),
        ("[[https]]://x", "no column https: quote it"),
        ("gpt [[hr]] !=running", "no column hr: quote it"),
        ("status[[<]]running", "status takes : = or !="),
        ("stuck [[>=]] yes", "stuck takes : = or !="),
        ("hr [[:]]running", "a column is missing"),
        ("12 ![[=]]running", "a column is missing"),
        ("[[<]]5", "a column is missing"),
        ("hr [[(]]state:running or steps>3)", "terms are not grouped; quote ( to find it"),
        ("![[(]]hr", "terms are not grouped"),
        ("steps>=[[many]]", "not a number"),
        ("steps>=[[5%]]", "not a number"),
        ("steps:3,[[x]],4", "not a number"),
        ('steps:[["3 4"]]', "not a number"),
        ("steps:[[,]]3", "a value is missing before"),
        ("steps:3,[[,]]4", "a value is missing before"),
        ("steps<3[[,]]4", "< takes one value"),
        (f"steps>[[{'9' * 19}]]", "too many digits"),
        ("pass<[[half]]", "not a percentage"),
        ("pass<[[5k]]", "not a percentage"),
        ("pass<[[1]]", "1% or 100%?"),
        ("age<[[2]]", "a unit is missing"),
        ("age<[[1h30]]", "a unit is missing"),
        ("age<[[soon]]", "not a duration"),
        ("age< [[status:x]]", "not a duration"),
        ('age<[[""]]', "a duration is missing"),
        ("stuck:[[maybe]]", "write yes or no"),
    ],
)
def test_a_mistake_is_shown_at_its_place(marked: str, message: str) -> None:
    error = mistake(marked)
    assert message in error.message
    assert not error.incomplete


@pytest.mark.parametrize(
    "marked",
    [
        "[[!]]",
        "hr [[!]] gpt",
        "hr [[!!]]",
        "[[steps>=]]",
        "hr [[age <]]  ",
        "[[status=]]",
        "[[steps:>=]]",
        "[[status:failed,]] hr",
        'hr [["two wor]]',
        'status:[["x]]',
        '[["ends in \\"]]',
    ],
)
def test_text_that_only_ends_too_soon_is_told_apart(marked: str) -> None:
    assert mistake(marked).incomplete


def test_a_backslash_in_quotes_takes_the_next_character() -> None:
    assert passes(r'run:"a \"b\" \\c"', Row(run=r'a "b" \c'))


def test_filters_of_the_same_text_are_equal() -> None:
    assert parse("hr", SCHEMA) == parse("hr", SCHEMA)
    assert parse("", SCHEMA) == Filter("")
    assert parse("hr", SCHEMA) != parse("crm", SCHEMA)


def test_two_columns_of_one_name_are_refused() -> None:
    column = SCHEMA["status"]
    with pytest.raises(ValueError, match="STATUS"):
        Schema([column, replace(column, name="state", aliases=("STATUS",))])


WRITTEN = st.lists(
    st.sampled_from(
        [
            *("status", "steps", "pass", "age", "elapsed", "stuck", "model", "x", "gpt*", "yes"),
            *(":", "<", "<=", ">", ">=", "=", "!=", "!", ",", " ", '"', "\\", "*", "?"),
            *("5", "50%", "2h", "1h30m", "0.5", "k", "-", ".", "\n", "é", "ß", "\ud800"),
        ]
    ),
    max_size=14,
).map("".join)


@given(st.one_of(WRITTEN, st.text(max_size=30)))
@example("a" * 5000 + " " * 5000)
@example('"\\' * 2000)
def test_any_text_is_a_filter_or_a_mistake_within_it(text: str) -> None:
    try:
        wanted = parse(text, SCHEMA)
    except FilterError as error:
        assert error.length >= 1
        assert 0 <= error.position <= len(text) - error.length
        assert error.message
    else:
        for row in (Row(), NOTHING):
            assert wanted.matches(row, NOW) in (True, False)
            assert wanted.next_change(row, NOW) is None or wanted.timed


def test_only_columns_that_time_moves_make_a_filter_timed() -> None:
    assert not parse("gpt status:x steps>3 pass<5%", SCHEMA).timed
    for text in ("age<2h", "elapsed>1m", "stuck:", "!stuck:", "gpt age=2h"):
        assert parse(text, SCHEMA).timed


@pytest.mark.parametrize(
    ("text", "row", "seconds"),
    [
        ("age<2h", Row(), HOUR),
        ("age<=2h", Row(), HOUR + 1e-6),
        ("age>2h", Row(), HOUR + 1e-6),
        ("age>=2h", Row(), HOUR),
        ("age=2h", Row(), HOUR),
        ("!age=2h", Row(), HOUR),
        ("age=1h", Row(), HOUR),
        ("age<30m", Row(), None),
        ("age<2h", NOTHING, None),
        ("age<2h status:failed", Row(), None),
        ("age<2h status:running", Row(), HOUR),
        ("age<2h age>3h", Row(), None),
        ("age:90m,3h", Row(), 30 * MINUTE),
        ("elapsed>2m", Row(), None),
        ("elapsed>=2m", Row(elapsed=Since(NOW)), 2 * MINUTE),
        ("elapsed=0", Row(elapsed=Since(NOW)), 1e-6),
        ("stuck:", Row(stuck=Since(NOW + 5)), 5.0),
        ("stuck:", Row(stuck=Since(NOW)), None),
        ("stuck: !age>=1h", Row(stuck=Since(NOW + 5)), None),
        ("stuck:", Row(stuck=True), None),
    ],
)
def test_a_filter_knows_when_its_answer_changes(text: str, row: Row, seconds: float | None) -> None:
    change = parse(text, SCHEMA).next_change(row, NOW)
    assert change == (None if seconds is None else pytest.approx(NOW + seconds, abs=1e-7))


TIMED = st.lists(
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "!"]),
        st.sampled_from(["age", "elapsed"]),
        st.sampled_from(["<", "<=", ">", ">=", "=", "!="]),
        st.sampled_from(["0", "1s", "2s", "1.5s", "3s"]),
    )
    | st.sampled_from(["stuck:", "!stuck:", "stuck:no", "status:running", "!status:running"]),
    min_size=1,
    max_size=3,
).map(" ".join)
MOMENTS = st.integers(-16, 16).map(lambda quarters: Since(NOW + quarters / 4))


@given(TIMED, MOMENTS, MOMENTS | st.sampled_from([None, 1.5]), MOMENTS | st.booleans())
def test_the_next_change_is_the_first(
    text: str, began: object, elapsed: object, stuck: object
) -> None:
    row = Row(began=began, elapsed=elapsed, stuck=stuck)
    wanted = parse(text, SCHEMA)
    answer = wanted.matches(row, NOW)
    change = wanted.next_change(row, NOW)
    for sixteenths in range(1, 16 * 10):
        later = NOW + sixteenths / 16
        if change is None or later < change:
            assert wanted.matches(row, later) is answer
    if change is not None:
        assert change > NOW
        assert wanted.matches(row, change) is not answer
        assert wanted.matches(row, change - 1e-6) is answer


@pytest.mark.parametrize("column", ["age", "elapsed"])
@pytest.mark.parametrize("form", [Since, lambda at_s: datetime.fromtimestamp(at_s, UTC)])
def test_of_what_began_later_than_now_no_length_is_known(
    column: str, form: Callable[[float], object]
) -> None:
    later, about_now = (
        Row(began=form(NOW + ahead_s), elapsed=form(NOW + ahead_s)) for ahead_s in (60.0, 2.0)
    )
    for text in (f"{column}<1m", f"{column}>=0s", f"{column}!=5m", f"{column}:"):
        assert not parse(text, SCHEMA).matches(later, NOW), text
        assert parse(text, SCHEMA).matches(about_now, NOW), text
    assert parse(f"{column}<1m", SCHEMA).next_change(later, NOW) == NOW + 57
