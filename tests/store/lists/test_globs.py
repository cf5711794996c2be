"""Wildcard patterns: the same answers as `fnmatch`, without its worst case."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gymtui.store.lists.globs import Glob, glob

PATTERNS = st.text("abB*?[", max_size=12)
TEXTS = st.text("abB[]", max_size=24)


def bare(pattern: str) -> Glob:
    return glob([(pattern, False)])


def by_fnmatch(text: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(text.casefold(), pattern.casefold().replace("[", "[[]"))


@given(PATTERNS, TEXTS)
@example("ab*b", "ab")
@example("a*b?*b", "abb")
def test_a_whole_match_agrees_with_fnmatch(pattern: str, text: str) -> None:
    assert bare(pattern).matches(text.casefold()) == by_fnmatch(text, pattern)


@given(PATTERNS, TEXTS)
def test_a_match_within_agrees_with_fnmatch_between_stars(pattern: str, text: str) -> None:
    assert bare(pattern).is_in(text.casefold()) == by_fnmatch(text, f"*{pattern}*")


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_quoted_text_is_found_as_it_stands(before: str, quoted: str, after: str) -> None:
    pattern = glob([(quoted, True)])
    assert pattern.matches(quoted.casefold())
    assert pattern.is_in(before.casefold() + quoted.casefold() + after.casefold())


def test_wildcards_in_quotes_are_themselves() -> None:
    pattern = glob([("a*", True), ("*", False), ("?", True)])
    assert pattern.matches("a*bc?")
    assert not pattern.matches("abc?")
    assert not pattern.matches("a*bcd")


def test_a_line_break_is_a_character_like_others() -> None:
    assert bare("a?b").matches("a\nb")
    assert bare("a*b").matches("a\n\nb")


@pytest.mark.parametrize("hard", ["*a" * 40 + "*b", "*a?" * 40 + "*b", "?" * 40 + "*a" * 20 + "b"])
def test_a_pattern_made_to_blow_up_is_answered(hard: str) -> None:
    text = "a" * 20_000
    assert not bare(hard).matches(text)
    assert not bare(hard).is_in(text)
    assert bare(hard).matches(text + "b")


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [("Plain", "plain"), ("", ""), ("a*", None), ("*", None), ("a?", None)],
)
def test_a_pattern_without_wildcards_is_one_text(pattern: str, literal: str | None) -> None:
    assert bare(pattern).literal == literal
