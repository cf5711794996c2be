"""Transcripts on disk: what is kept, for how long, and what is found in it."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Iterable
from pathlib import Path

import pytest

from gymtui.session.archive import Archive
from gymtui.session.archive_key import ArchiveKey, gym_name
from gymtui.session.trigrams import trigram_query
from gymtui.transcript.blocks import BlockKind
from gymtui.transcript.hits import SpokenPassage
from gymtui.transcript.packed_passages import pack_passages
from gymtui.transcript.search import Passage, Query, find

GYM = gym_name("https://gym.example")


def key(rollout_id: str, version: str = "1") -> ArchiveKey:
    return ArchiveKey(GYM, rollout_id, version)


def body(text: str) -> bytes:
    return json.dumps({"artifacts": {"messages": [{"role": "user", "content": text}]}}).encode()


def spoken(*texts: str) -> list[SpokenPassage]:
    return [
        SpokenPassage(Passage(turn, 0, text), BlockKind.TOOL, "shop.find", error=False)
        for turn, text in enumerate(texts)
    ]


def noise(seed: str, size: int = 3_000) -> str:
    """Text that hardly compresses."""
    import random

    return "".join(random.Random(seed).choices("abcdefghijklmnopqrstuvwxyz \n", k=size))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "transcripts.sqlite3"


def files(path: Path) -> Iterable[Path]:
    return path.parent.glob(f"{path.name}*")


def test_a_body_is_kept_as_it_was_received_for_everyone_after(path: Path) -> None:
    first, second = Archive(path, 10**8), Archive(path, 10**8)
    assert first.body(key("a")) is None
    assert first.keep(key("a"), body("hello"))
    assert second.body(key("a")) == body("hello")
    assert second.body(key("b")) is None
    assert second.body(key("a", "2")) is None
    assert second.body(ArchiveKey(gym_name("https://other.example"), "a", "1")) is None
    assert second.body(ArchiveKey(GYM, "a", "1", redacted=True)) is None
    assert second.keep(key("a", "2"), body("again"))
    assert first.body(key("a")) is None
    assert first.body(key("a", "2")) == body("again")


def test_nobody_else_may_read_it(path: Path) -> None:
    archive = Archive(path, 10**8)
    archive.keep(key("a"), body("hello"))
    assert {stat.S_IMODE(file.stat().st_mode) for file in files(path)} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_no_key_is_ever_in_it(path: Path) -> None:
    archive = Archive(path, 10**8)
    archive.exclude("ck_secret_0123456789")
    assert not archive.keep(key("a"), body("my key is ck_secret_0123456789, hush"))
    named = json.dumps({"messages": [], "metadata": {"Api-Key": "sk-model-77"}}).encode()
    assert archive.keep(key("b"), named)
    kept = archive.body(key("b"))
    assert kept is not None and b"sk-model-77" not in kept and b"(hidden)" in kept
    archive.close()
    assert not any(b"gym.example" in file.read_bytes() for file in files(path))


def test_what_was_used_least_recently_goes_first_and_the_file_stays_small(path: Path) -> None:
    time = [1000.0]
    archive = Archive(path, 400_000, now=lambda: time[0])
    names = [f"r{number:02d}" for number in range(40)]
    for name in names:
        time[0] += 100
        assert archive.keep(key(name), body(noise(name)))
        assert archive.index(key(name), pack_passages(spoken(noise(name))))
        assert archive.body(key("r00")) is not None  # used again and again
    here = [name for name in names if archive.body(key(name)) is not None]
    assert here == ["r00", *names[-len(here) + 1 :]]
    assert len(here) > 2
    archive.close()
    assert sum(file.stat().st_size for file in files(path)) < 450_000
    assert not Archive(path, 1_000).keep(key("large"), body(noise("large")))


def test_a_file_that_is_damaged_or_of_another_kind_is_begun_anew(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, whatever it is" * 100)
    archive = Archive(path, 10**8)
    assert archive.body(key("a")) is None
    assert archive.keep(key("a"), body("hello"))
    archive.close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
        db.execute("DROP TABLE bodies")
    db.close()
    archive = Archive(path, 10**8)
    assert archive.body(key("a")) is None
    assert archive.keep(key("a"), body("hello")) and archive.body(key("a")) == body("hello")


def test_where_nothing_can_be_written_nothing_is_kept_and_nothing_breaks(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    archive = Archive(tmp_path / "cache" / "transcripts.sqlite3", 10**8)
    assert not archive.keep(key("a"), body("hello"))
    assert archive.body(key("a")) is None
    assert not archive.index(key("a"), pack_passages(spoken("hello")))
    assert archive.known([key("a")], Query("hello")).kept == frozenset()
    assert archive.passages(key("a"), None) is None


TEXTS = (
    "Error: user not found in table",
    "NOT FOUND",
    "nothing of the kind",
    'quoted "not found" here',
    "Ungefunden: Zürich, straße, ΣΊΣΥΦΟΣ",
    "Zu\u0308rich decomposed",
    "日本語のテキスト",
    "the \u017fame and \u212aelvin, \u0130stanbul, \u0131\u015f\u0131k",
    "a",
    "",
    "x" * 100_000 + "needle in a long line",
)


@pytest.mark.parametrize(
    "typed",
    [
        *("not found", "Not Found", "NOT", '"not', "zürich", "Zürich", "zu\u0308rich", "ΣΊΣ"),
        "σίσ",
        *("日本語", "本語の", "same", "kelvin", "istanbul", "ışık", "xn", "a", "needle", "missing"),
        "not found in table and much more than there is in any of these texts, to the very end",
    ],
)
def test_the_index_rules_out_nothing_that_the_search_finds(typed: str) -> None:
    archive = Archive(None)
    archive.keep(key("a"), body("x"))
    assert archive.index(key("a"), pack_passages(spoken(*TEXTS)))
    known = archive.known([key("a"), key("b")], Query(typed))
    assert known.kept == {key("a")}
    assert set(known.passages) == {key("a")}
    passages = archive.passages(key("a"), known.passages[key("a")])
    everything = archive.passages(key("a"), None)
    assert passages is not None and everything is not None
    assert everything == spoken(*TEXTS)

    def found(among: Iterable[SpokenPassage]) -> list[object]:
        return list(find((p.passage for p in among), Query(typed)))

    assert found(passages) == found(everything)
    if typed == "needle":
        assert known.passages[key("a")] == [len(TEXTS) - 1]


def test_of_a_long_phrase_few_trigrams_are_looked_up() -> None:
    asked = trigram_query(Query("".join(map(chr, range(33, 127))) * 3))
    assert asked is not None and asked.count("AND") < 30
    assert trigram_query(Query("ab")) is None
    assert trigram_query(Query(pattern="abc")) is None


def test_a_rollout_indexed_again_is_found_as_it_is_now() -> None:
    archive = Archive(None)
    archive.keep(key("a"), body("x"))
    archive.index(key("a"), pack_passages(spoken("a red kettle")))
    archive.index(key("a"), pack_passages(spoken("a blue pot")))
    assert archive.known([key("a")], Query("kettle")).passages == {key("a"): []}
    assert archive.known([key("a")], Query("blue pot")).passages == {key("a"): [0]}
    archive.keep(key("a", "2"), body("y"))
    assert archive.known([key("a")], Query("blue pot")).kept == frozenset()
    assert archive.known([key("a", "2")], Query("blue pot")).passages == {}


def test_texts_read_by_another_version_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive(None)
    archive.keep(key("a"), body("x"))
    archive.index(key("a"), pack_passages(spoken("a red kettle")))
    monkeypatch.setattr("gymtui.session.archive._READING", "another")
    known = archive.known([key("a")], Query("kettle"))
    assert known.kept == {key("a")} and known.passages == {}
    assert archive.passages(key("a"), None) is None


def test_an_sqlite_without_trigrams_looks_at_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    table = "CREATE VIRTUAL TABLE trigrams USING fts5(text, tokenize='no such tokenizer')"
    monkeypatch.setattr("gymtui.session.archive_file._TRIGRAM_TABLE", table)
    archive = Archive(None)
    assert archive.keep(key("a"), body("x"))
    assert archive.index(key("a"), pack_passages(spoken("a red kettle")))
    assert archive.known([key("a")], Query("kettle")).passages == {key("a"): None}
    assert archive.keep(key("a", "2"), body("y"))
