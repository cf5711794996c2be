"""Artifacts on disk: found, unpacked, and written whole, once, under safe names."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gymtui.core import new_file
from gymtui.transcript import artifact_files
from gymtui.transcript.artifact_files import FileProblem, find, load
from tests.helpers.clean_text import is_clean
from tests.helpers.hostile_text import PIECES


def test_a_file_is_read_packed_or_not_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "plain.gz").write_bytes(b"[]")
    (tmp_path / "packed.json").write_bytes(gzip.compress(b"[1]") + gzip.compress(b"[2]"))
    assert load(tmp_path / "plain.gz") == b"[]"
    assert load(tmp_path / "packed.json") == b"[1][2]"


@pytest.mark.parametrize("cut", [3, 12, 20])
def test_gzip_that_is_damaged_or_cut_off_is_told(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(b"some text that is packed")[:cut])
    with pytest.raises(FileProblem, match="damaged"):
        load(path)


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact_files, "MOST_BYTES", 10_000)
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(bytes(20_000_000)))
    with pytest.raises(FileProblem, match="more than"):
        load(path)


def test_a_directory_gives_what_the_vendor_and_harbor_write(tmp_path: Path) -> None:
    for name in ("agent_run_1/artifacts.json", "agent_run_1/config.json", "b/trajectory.json.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("[]")
    found = [path.relative_to(tmp_path).as_posix() for path in find([tmp_path])]
    assert found == ["agent_run_1/artifacts.json", "b/trajectory.json.gz"]


def test_a_directory_without_those_gives_its_json(tmp_path: Path) -> None:
    for name in ("b.json", "a.json.gz", "c.txt", ".hidden.json"):
        (tmp_path / name).write_text("[]")
    assert [path.name for path in find([tmp_path])] == ["a.json.gz", "b.json"]


def test_nothing_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="no JSON files"):
        find([tmp_path])
    with pytest.raises(FileProblem, match="no such file"):
        find([tmp_path / "missing"])


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_who_may_read_what_was_saved_is_what_the_umask_says(
    tmp_path: Path, umask: int, mode: int
) -> None:
    before = os.umask(umask)
    try:
        new_file.write_new(tmp_path / "a.json", b"{}")
    finally:
        os.umask(before)
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == mode


def test_a_file_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    new_file.write_new(path, b"first")
    with pytest.raises(FileExistsError):
        new_file.write_new(path, b"second")
    assert path.read_bytes() == b"first"
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_a_name_taken_while_writing_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with new_file.NewFile(path) as file:
        file.write(b"ours")
        path.write_bytes(b"theirs")
        with pytest.raises(FileExistsError):
            file.finish()
    assert path.read_bytes() == b"theirs"
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_a_file_that_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), new_file.NewFile(tmp_path / "a.json") as file:
        file.write(b"half")
        raise RuntimeError
    assert [file.name for file in tmp_path.iterdir()] == []


def test_a_dangling_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "a.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        new_file.write_new(tmp_path / "a.json", b"x")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "", ".", "\x1b]0;x\x07", "x" * 999])
def test_names_stay_in_the_directory_and_apart(name: str) -> None:
    made = new_file.file_name(name, ".json")
    assert "/" not in made and not made.startswith(".") and len(made.encode()) < 255
    assert made == new_file.file_name(name, ".json")
    assert made != new_file.file_name(name.replace("/", "_") + "_", ".json")


def test_a_plain_id_is_its_name() -> None:
    assert new_file.file_name("rol_003", ".md") == "rol_003.md"


def test_a_free_name_is_numbered(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    assert new_file.free_path(path) == path
    path.touch()
    (tmp_path / "a-2.json").touch()
    assert new_file.free_path(path).name == "a-3.json"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("../../etc/passwd", "etc_passwd.json"),
        ("a/b c%2F..", "a_b_c%2F.json"),
        ("..", "_.json"),
        ("", "_.json"),
        ("con", "_con.json"),
        ("-rf", "rf.json"),
        ("日本語 ✓", "日本語_✓.json"),
        ("\x1b]0;x\x07run", "run.json"),
    ],
)
def test_file_names_are_names(name: str, file: str) -> None:
    assert new_file.safe_filename(name, ".json") == file


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=12).map("".join))
def test_file_names_stay_short_and_in_their_folder(name: str) -> None:
    file = new_file.safe_filename(name * 40, ".json")
    assert is_clean(file)
    assert len(file.encode()) <= 200
    assert not set(file) & set('/\\:*?"<>|\n')
    assert file[0] not in "-."
