"""A person's own notes: kept, shared by programs, never lost for a broken file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gymtui.store.history.notes import LONGEST, NoteOf, Notes, tags


def test_tags_are_words_that_begin_with_the_sign() -> None:
    assert tags("flaky #infra, see #run-7 and x#y") == ("infra", "run-7")
    assert tags("nothing") == tags(None) == ()


def test_what_is_written_is_there_again_for_its_owner_alone(tmp_path: Path) -> None:
    journal = tmp_path / "own" / "state" / "journal-gym-1.sqlite3"
    notes = Notes.beside(journal)
    notes.write(NoteOf.RUN, ["a", "b"], "  baseline\n #keep ")
    notes.write(NoteOf.ROLLOUT, ["a"], "x" * 2 * LONGEST)
    again = Notes.beside(journal)
    assert again.all(NoteOf.RUN) == {"a": "baseline #keep", "b": "baseline #keep"}
    assert again.all(NoteOf.ROLLOUT) == {"a": "x" * LONGEST}
    (path,) = journal.parent.iterdir()
    assert path.name == "gym-1.notes.json"
    assert path.stat().st_mode & 0o077 == 0
    again.write(NoteOf.RUN, ["a"], "")
    assert Notes.beside(journal).all(NoteOf.RUN) == {"b": "baseline #keep"}


def test_what_another_program_wrote_meanwhile_stays(tmp_path: Path) -> None:
    here, there = Notes(tmp_path / "n"), Notes(tmp_path / "n")
    here.write(NoteOf.RUN, ["a"], "here")
    there.write(NoteOf.RUN, ["b"], "there")
    assert there.all(NoteOf.RUN) == {"a": "here", "b": "there"}


@pytest.mark.parametrize("broken", ["", "{", "[1]", '{"runs": 3}', '{"runs": {"a": 3, "b": ""}}'])
def test_a_broken_file_is_as_good_as_none(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "n"
    path.write_text(broken)
    notes = Notes(path)
    assert notes.all(NoteOf.RUN) == {}
    notes.write(NoteOf.RUN, ["a"], "x")
    assert json.loads(path.read_text())["runs"] == {"a": "x"}


def test_what_cannot_be_kept_is_told_and_stands_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    notes = Notes(tmp_path / "file" / "n")
    with pytest.raises(OSError):
        notes.write(NoteOf.RUN, ["a"], "x")
    assert notes.all(NoteOf.RUN) == {"a": "x"}
