"""Selecting text of a transcript with the mouse: which characters, and what is copied of them.

A place in the text is (turn, block, part, character), so that a selection stays on its text however
that is scrolled, wrapped or folded. Nothing here draws.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gymtui.core.text import clusters
from gymtui.tui.kit.transcript.line_index import LineIndex, Place, Row
from gymtui.tui.kit.transcript.sections import Section

MOST = 2_000_000
"""Characters that are copied: more than any clipboard takes."""

Key = tuple[int, int, int]
"""A section: its turn, block and part."""
Spot = tuple[int, int, int, int]
"""A character of a section."""

_WORD = re.compile(r"\w+|\s+|[^\w\s]+")


def key_of(section: Section) -> Key:
    """By what a section is found again when sections are made anew."""
    return (section.turn, section.block, section.part)


@dataclass(frozen=True, slots=True)
class TextRange:
    """Characters that are taken together: what is under the pointer, a word, a line."""

    start: Spot  # the first
    end: Spot  # after the last


class TextSelection:
    """What is selected: from where the button went down to where the pointer is."""

    def __init__(self) -> None:
        self._anchor: TextRange | None = None
        self._head: TextRange | None = None

    def begin(self, text_range: TextRange) -> None:
        """Select nothing yet: the button went down on this."""
        self._anchor, self._head = text_range, None

    def extend(self, text_range: TextRange) -> None:
        """Select to here."""
        self._head = text_range

    def take(self, text_range: TextRange) -> None:
        """Select just this."""
        self._anchor = self._head = text_range

    def drop(self) -> None:
        """Select nothing."""
        self._anchor = self._head = None

    @property
    def span(self) -> TextRange | None:
        """What is selected."""
        if self._anchor is None or self._head is None:
            return None
        ends = self._anchor, self._head
        span = TextRange(min(end.start for end in ends), max(end.end for end in ends))
        return span if span.end > span.start else None

    def within(self, key: Key, length: int) -> tuple[int, int]:
        """Which characters of a section are selected: the first, and the one after the last."""
        span = self.span
        if span is None or not span.start[:3] <= key <= span.end[:3]:
            return (0, 0)
        return (
            span.start[3] if span.start[:3] == key else 0,
            span.end[3] if span.end[:3] == key else length,
        )


def character_under(line_index: LineIndex, place: Place, row: Row, cells: int) -> TextRange:
    """The character, with its marks, that stands so many cells right of a row's beginning.

    It is nothing, at the end of the row, right of that and on lines that are no part of the text.
    """
    key = key_of(line_index.sections[place.section])
    if row.line.start < 0:
        end = len(line_index.wrapped_section(place.section).layout.text)
        return TextRange((*key, end), (*key, end))
    start = row.line.start + row.start
    if cells < 0:
        return TextRange((*key, start), (*key, start))
    used = 0
    for text, size in clusters(row.line.text[row.start : row.end]):
        used += size
        if used > cells:
            return TextRange((*key, start), (*key, start + len(text)))
        start += len(text)
    return TextRange((*key, start), (*key, start))


def word_at(line_index: LineIndex, section: int, character: int) -> TextRange:
    """The word, or the run of blanks or signs, that a character is in."""
    key = key_of(line_index.sections[section])
    text = line_index.wrapped_section(section).layout.text
    begin = text.rfind("\n", 0, character) + 1
    for found in _WORD.finditer(text, begin):
        if found.end() > character:
            if found.start() > character or "\n" in found[0]:
                break
            return TextRange((*key, found.start()), (*key, found.end()))
    return TextRange((*key, character), (*key, character))


def line_at(line_index: LineIndex, section: int, character: int) -> TextRange:
    """The whole line that a character is in, however often it is wrapped or divided."""
    sections = line_index.sections
    first = last = section
    text = line_index.wrapped_section(section).layout.text
    begin, end = text.rfind("\n", 0, character) + 1, text.find("\n", character)
    while not begin and first and _continues(sections[first - 1], sections[first]):
        first -= 1
        begin = line_index.wrapped_section(first).layout.text.rfind("\n") + 1
    while end < 0 and last + 1 < len(sections) and _continues(sections[last], sections[last + 1]):
        last += 1
        end = line_index.wrapped_section(last).layout.text.find("\n")
    end = len(line_index.wrapped_section(last).layout.text) if end < 0 else end
    return TextRange((*key_of(sections[first]), begin), (*key_of(sections[last]), end))


def selected_text_of(line_index: LineIndex, numbers: Mapping[Key, int], span: TextRange) -> str:
    """The selected text as it was before it was wrapped, clean, about `MOST` characters at most.

    What is folded away or hidden is not in it.
    """
    first, last = span.start[:3], span.end[:3]
    found: list[str] = []
    size = 0
    before: Section | None = None
    for key, number in numbers.items():
        if not first <= key <= last:
            continue
        section = line_index.sections[number]
        text = line_index.wrapped_section(number).layout.text
        end = span.end[3] if key == last else len(text)
        if before is not None and not _continues(before, section):
            found.append("\n")
        found.append(text[span.start[3] if key == first else 0 : end])
        before = section
        size += len(found[-1])
        if size > MOST:
            break
    return "".join(found)


def _continues(before: Section, section: Section) -> bool:
    """Whether a section begins within a line that the one before it leaves unended."""
    same = before.turn == section.turn and before.block == section.block
    cut = isinstance(before.source, str) and not before.source.endswith("\n")
    return same and cut and section.part == before.part + 1
