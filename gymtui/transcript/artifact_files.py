"""Artifacts on disk: where they lie, and what is in them once gzip is undone.

Beside each may lie the record of its rollout, `ROLLOUT.rollout.json`. What stands in that is for
`store.record_files`; here it is only told from artifacts.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

from gymtui.core.json_output import json_text
from gymtui.transcript.blocks import Transcript
from gymtui.transcript.body_check import no_json
from gymtui.transcript.body_reader import open_body
from gymtui.transcript.pretty_json import as_text

_GZIP = b"\x1f\x8b"
_SUFFIXES = (".json", ".json.gz")
_LINES = ".jsonl"  # what the log of a session ends in: an entry a line
RECORD = ".rollout.json"  # what the name of a record ends in
_FIRST = ("artifacts.json", "trajectory.json")
"""What the vendor's client and Harbor call theirs, among other files."""
MOST_BYTES = 1 << 30  # the most that a file may hold once it is unpacked
_PIECE = 1 << 20


class FileProblem(Exception):  # noqa: N818  (it says what is wrong with a file)
    """A file that cannot be opened; its text is for the person, as received."""


def find(paths: list[Path]) -> list[Path]:
    """The files that are meant.

    Args:
        paths: Files, and directories in which they are looked for at any depth.

    Returns:
        Files in order: a directory's by name, only `artifacts.json` and `trajectory.json` where
        there are any of these; a record only where its artifacts are not there.

    Raises:
        FileProblem: There is no such thing, or a directory without any.
    """
    found: list[Path] = []
    for path in paths:
        if is_record(path) and len(paths) > 1 and any(map(Path.exists, artifacts_of(path))):
            continue  # meant by `*.json`, not by itself
        if path.is_dir():
            below = sorted(_below(path))
            named = [file for file in below if file.name.removesuffix(".gz") in _FIRST]
            if not below:
                raise FileProblem(f"no JSON files in {path}")
            found += named or below
        elif path.exists():
            found.append(path)
        else:
            raise FileProblem(f"no such file: {path}")
    return found


def is_record(path: Path) -> bool:
    """Whether a file is called as the record of a rollout is."""
    return path.name.removesuffix(".gz").endswith(RECORD)


def record_of(path: Path) -> Path:
    """Where the record of a rollout lies whose artifacts, or a document of these, a file holds."""
    name = path.name.removesuffix(".gz")
    return path.with_name(Path(name).stem + RECORD)


def artifacts_of(record: Path) -> tuple[Path, ...]:
    """Where the artifacts of a rollout may lie that a file is the record of."""
    name = record.name.removesuffix(".gz").removesuffix(RECORD)
    return tuple(record.with_name(name + suffix) for suffix in _SUFFIXES)


def load(path: Path) -> bytes:
    """Read a file, unpacked if it is packed.

    Args:
        path: A file, gzip or not, whatever it is called; the lines of a `.jsonl` are made a list.

    Raises:
        FileProblem: It cannot be read, is no gzip after all, or unpacks to too much.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileProblem(f"{path.name}: {error.strerror or error}") from None
    lines = path.name.removesuffix(".gz").endswith(_LINES)
    if not data.startswith(_GZIP):
        return _as_list(data) if lines else data
    pieces: list[bytes] = []
    size = 0
    try:
        for piece in _unpacked(data):
            pieces.append(piece)
            size += len(piece)
            if size > MOST_BYTES:
                raise FileProblem(f"{path.name}: unpacks to more than {MOST_BYTES:,} bytes")
    except zlib.error:
        raise FileProblem(f"{path.name}: gzip that is damaged") from None
    data = b"".join(pieces)
    return _as_list(data) if lines else data


def read(path: Path) -> tuple[bytes, Transcript]:
    """Read a file's transcript, whatever JSON it is.

    Raises:
        FileProblem: As `load`, and what it is if it is no JSON.
    """
    body = load(path)
    if (fault := no_json(body)) is not None:
        raise FileProblem(f"{path.name}: {fault}")
    return body, open_body(body)


def _below(path: Path) -> Iterator[Path]:
    for file in path.rglob("*"):
        hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
        json_or_lines = file.name.removesuffix(".gz").endswith((".json", _LINES))
        named = json_or_lines and not is_record(file)
        if named and not hidden and file.is_file():
            yield file


def _as_list(data: bytes) -> bytes:
    """The lines of a log as one JSON list: each as it came, a text where it is no JSON.

    A line without an end that is no JSON is one that is being written: it is left out.
    """
    *lines, last = data.split(b"\n")
    found = [
        line if _is_json(line) else json_text(as_text(line)).encode()
        for line in lines
        if line.strip()
    ]
    if last.strip() and _is_json(last):
        found.append(last)
    return b"[" + b",\n".join(found) + b"]"


def _is_json(line: bytes) -> bool:
    return no_json(line) is None


def _unpacked(data: bytes) -> Iterator[bytes]:
    """A gzip file's members, a piece at a time."""
    while data:
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        while not member.eof:
            piece = member.decompress(data, _PIECE)
            if not piece and not member.unconsumed_tail and not member.eof:
                raise zlib.error("cut off")
            yield piece
            data = member.unconsumed_tail
        data = member.unused_data.lstrip(b"\0")
