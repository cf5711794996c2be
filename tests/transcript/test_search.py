"""Finding text and regular expressions, folded or not, without ever hanging."""

from __future__ import annotations

import re

import pytest

from gymtui.transcript import passages, search
from gymtui.transcript.readers.artifact import read
from gymtui.transcript.search import (
    Match,
    Passage,
    PatternError,
    Query,
    find,
    parse,
    passages_of,
)


def transcript(*texts: str) -> object:
    return read([{"role": "user", "content": text} for text in texts])


def matches(query: str, *texts: str) -> list[Match]:
    return list(find(passages_of(transcript(*texts)), parse(query)))  # type: ignore[arg-type]


def found(query: str, *texts: str) -> list[tuple[int, str]]:
    return [(m.turn, texts[m.turn][m.start : m.end]) for m in matches(query, *texts)]


def test_a_text_is_found_wherever_it_stands_in_order() -> None:
    assert found("lpha", "alpha beta", "no", "Alpha alpha") == [
        (0, "lpha"),
        (2, "lpha"),
        (2, "lpha"),
    ]


def test_case_counts_only_when_it_is_typed() -> None:
    assert found("error", "Error error ERROR") == [(0, "Error"), (0, "error"), (0, "ERROR")]
    assert found("Error", "Error error ERROR") == [(0, "Error")]


def test_signs_of_regular_expressions_are_plain_text() -> None:
    assert found("a.b(", "a.b( axb(") == [(0, "a.b(")]


def test_a_regular_expression_is_announced() -> None:
    assert found(r"re:\w+ed\b", "scheduled and asked") == [(0, "scheduled"), (0, "asked")]
    assert found("re:^b", "a\nb\nb") == [(0, "b"), (0, "b")]


def test_case_counts_in_a_regular_expression_too_but_not_in_its_escapes() -> None:
    assert found("re:e+rr", "Err err") == [(0, "Err"), (0, "err")]
    assert found("re:E+rr", "Err err") == [(0, "Err")]
    assert found(r"re:\Srr", "Err err ERR") == [(0, "Err"), (0, "err"), (0, "ERR")]


def test_a_regular_expression_goes_over_lines_of_a_block_but_not_over_its_end() -> None:
    text = "first one\nsecond two\nthird"
    assert found(r"re:one$\n^second", text) == [(0, "one\nsecond")]
    assert found(r"re:^\w+ two$", text) == [(0, "second two")]
    assert found(r"re:one.second", text) == []
    assert found(r"re:(?s)one.*third", text) == [(0, text[6:])]
    assert found(r"re:third\s+fourth", text, "fourth") == []


def test_a_regular_expression_goes_over_the_parts_of_a_long_block() -> None:
    text = "\n".join(["x" * 100] * 400) + "\nend of it"
    assert len(text) > passages.PART
    assert [m.turn for m in matches(r"re:x{100}\nend of it", text)] == [0]


def test_empty_matches_are_none() -> None:
    assert found("re:x*", "axxa") == [(0, "xx")]
    assert found("re:", "axxa") == []
    assert found("", "axxa") == []


@pytest.mark.parametrize("pattern", ["(", "[", "*a", "(?P<x>a)(?P<x>b)"])
def test_what_is_no_regular_expression_is_told(pattern: str) -> None:
    with pytest.raises(PatternError, match="no regular expression"):
        parse(f"re:{pattern}")


NEVER = "a" * 60 + "! " + "word " * 60 + "x" * 60


def test_braces_that_are_no_count_are_themselves() -> None:
    # To the package they would mean matches with errors.
    assert found("re:(?:foo){e}", "fob foo foo{e}") == [(0, "foo{e}")]
    assert found(r"re:\{e<=1\}|o{2}|{}", "x{e<=1} oo {}") == [(0, "{e<=1}"), (0, "oo"), (0, "{}")]


def test_what_only_pythons_own_engine_takes_is_told() -> None:
    deep = "(" * 95 + "a" + ")" * 95  # within Python's depth
    assert found(f"re:{deep}", "a") == [(0, "a")]
    with pytest.raises(PatternError, match="no regular expression"):
        matches("re:[[:nothing:]]", "a")


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"((\w+)*)+Q", r"(x?){60}x{60}y"])
def test_a_pattern_that_pythons_own_engine_never_ends_is_answered(pattern: str) -> None:
    assert matches(f"re:{pattern}", NEVER) == []


@pytest.mark.parametrize("pattern", ["(a{1000}){1000}", r"(?:(?:\w{999}){999}){999}", "a{999999}"])
def test_a_pattern_that_would_fill_the_memory_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError, match="repeats too much"):
        parse(f"re:{pattern}")


@pytest.mark.parametrize("pattern", ["(a|aa)+b", "(a|aa)+!b", "(x|xx)+y", "((x|xx)+)+!"])
def test_a_pattern_that_would_never_end_is_ended(
    pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "REGEX_S", 0.5)
    with pytest.raises(PatternError, match="too long"):
        matches(f"re:{pattern}", NEVER)


def test_matches_before_the_time_is_up_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "REGEX_S", 0.5)
    kept: list[Match] = []
    with pytest.raises(PatternError):
        for match in find(
            passages_of(transcript("aab", "a" * 60 + "!")),  # type: ignore[arg-type]
            parse("re:(a|aa)+b"),
        ):
            kept.append(match)
    assert [match.turn for match in kept] == [0]


def test_calls_and_results_are_searched_as_they_are_shown() -> None:
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "srv__tool", "arguments": '{"a":"needle"}'},
    }
    artifact = read(
        [
            {"role": "assistant", "content": {"content": "", "tool_calls": [call]}},
            {"role": "tool", "content": {"tool_call_id": "c1", "summary": '{"rows":["needle"]}'}},
        ]
    )
    places = [(m.turn, m.block) for m in find(passages_of(artifact), Query(text="needle"))]
    assert len(places) >= 2
    assert list(find(passages_of(artifact), Query(text="srv.tool(a=")))


def test_a_match_across_the_parts_of_a_long_line_is_found() -> None:
    text = "x" * (passages.PART - 3) + "needle" + "y" * 100
    (match,) = matches("needle", text)
    assert (match.part, match.start, match.end) == (0, passages.PART - 3, passages.PART + 3)
    (later,) = matches("yyyy$".replace("$", "") + "y" * 90, text)
    assert later.part == 1


def test_matches_stop_at_the_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST", 5)
    assert len(matches("a", "a" * 100)) == 5
    assert len(matches("re:a", "a" * 100)) == 5


def test_control_characters_do_not_come_between() -> None:
    assert matches("redword", "\x1b[31mred\x1b[0mword")


def test_nobody_waiting_ends_it() -> None:
    texts = passages_of(transcript("a", "a", "a"))  # type: ignore[arg-type]
    answers = iter([False, True, True])
    assert len(list(find(texts, Query(text="a"), lambda: next(answers)))) == 1


@pytest.mark.parametrize("typed", ["ask", "k", "Ask", "a", "zz", "xx", "é"])
@pytest.mark.parametrize(
    "text",
    [
        "ask ASK aſK as\u212a asK Ask",
        "İask ask",
        "straße ask – Ask …",
        "xxxxx",
        "a" * 11 + "zz" + "b" * 9 + "zz" + "x" * 8,
        "café cafe\u0301 É",
        "\ud800ask – ask\udfffASK",
        "",
    ],
)
def test_the_quick_way_finds_what_an_expression_finds(
    typed: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_WINDOW", 4)
    found = list(search.find([Passage(0, 0, text)], Query(typed)))
    monkeypatch.setattr(search, "_has_plain_case", lambda _text: False)
    monkeypatch.setattr(search, "_plainly", lambda typed, text, case: _by_expression(typed, text))
    assert found == list(search.find([Passage(0, 0, text)], Query(typed)))


def _by_expression(typed: str, text: str) -> list[tuple[int, int]]:
    return [found.span() for found in re.finditer(re.escape(typed), text)]
