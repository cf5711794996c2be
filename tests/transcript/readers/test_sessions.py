"""Logs of sessions, an entry a line: Claude Code's and Codex's, and what is no message in them."""

import gzip
import json
from pathlib import Path
from typing import Any

from gymtui.transcript import artifact_files, export
from gymtui.transcript.blocks import BlockKind, Transcript
from gymtui.transcript.facts import facts
from gymtui.transcript.readers.artifact import read
from gymtui.transcript.usage import Usage

ASKED = {"type": "user", "uuid": "1", "message": {"role": "user", "content": "Mend it."}}
CALL = {"type": "tool_use", "id": "a", "name": "Edit", "input": {"file_path": "/x.py"}}
CALLING = {
    "type": "assistant",
    "uuid": "2",
    "timestamp": "2026-02-11T20:37:41.967Z",
    "message": {"role": "assistant", "model": "claude-opus-4-6", "content": [CALL]},
}
HUNK = {"oldStart": 3, "oldLines": 2, "newStart": 3, "newLines": 2, "lines": [" a", "-b", "+c"]}
EDITED = {
    "type": "user",
    "uuid": "3",
    "toolUseResult": {"filePath": "/x.py", "structuredPatch": [HUNK]},
    "message": {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "a", "content": "updated"}],
    },
}
PROGRESS = {"type": "progress", "uuid": "4", "data": {"step": "seven"}}


def opened(path: Path, *lines: object, end: str = "\n") -> Transcript:
    """The transcript of a file of lines; a text is a line as it is."""
    told = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    body = ("\n".join(told) + end).encode()
    path.write_bytes(gzip.compress(body) if path.suffix == ".gz" else body)
    return artifact_files.read(path)[1]


def test_a_session_is_read_line_by_line_and_a_patch_is_a_diff(tmp_path: Path) -> None:
    for name in ("session.jsonl", "session.jsonl.gz"):
        transcript = opened(tmp_path / name, ASKED, CALLING, EDITED)
        assert "← Edit\n   updated\n   @@ -3,2 +3,2 @@\n    a\n   -b\n   +c\n" in export.text(
            transcript
        )
        assert [turn.kind for turn in transcript.turns] == [
            *(BlockKind.USER, BlockKind.ASSISTANT, BlockKind.TOOL)
        ]
        assert transcript.model == "claude-opus-4-6"


def test_what_a_log_notes_is_no_turn_and_not_lost(tmp_path: Path) -> None:
    snapshot = {"type": "file-history-snapshot", "messageId": "m", "snapshot": {"eight": 8}}
    lines = (snapshot, ASKED, PROGRESS, CALLING, EDITED, PROGRESS)
    transcript = opened(tmp_path / "session.jsonl", *lines)
    assert len(transcript.turns) == 3
    assert transcript.plain().count("seven") == 2
    assert "eight" in transcript.plain() and "seven" not in export.text(transcript)


def test_a_line_that_is_being_written_waits_and_a_damaged_one_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    assert len(opened(path, ASKED, '{"type": "user", "mess', end="").turns) == 1
    assert len(opened(path, ASKED, CALLING, end="").turns) == 2
    damaged = opened(path, ASKED, '{"type": "user", "mess', CALLING)
    assert '{"type": "user", "mess' in export.text(damaged) and len(damaged.turns) == 3
    # Separators that are no line ends to JSON stand within a line.
    said = {"role": "user", "content": "one\u2028line\x85"}
    path.write_text(json.dumps(said, ensure_ascii=False) + "\n")
    assert len(artifact_files.read(path)[1].turns) == 1


def test_a_directory_of_sessions_is_found(tmp_path: Path) -> None:
    opened(tmp_path / "b.jsonl", ASKED)
    opened(tmp_path / "a.jsonl.gz", ASKED)
    assert [file.name for file in artifact_files.find([tmp_path])] == ["a.jsonl.gz", "b.jsonl"]


def test_codex_lines_are_items_and_counts(tmp_path: Path) -> None:
    def line(kind: str, **payload: Any) -> dict[str, Any]:
        return {"timestamp": "2026-01-01T10:00:00Z", "type": kind, "payload": payload}

    def counted(tokens: int) -> dict[str, Any]:
        total = {"input_tokens": tokens, "cached_input_tokens": 5, "output_tokens": 2}
        return line("event_msg", type="token_count", info={"total_token_usage": total})

    text = [{"type": "input_text", "text": "Mend it."}]
    arguments = json.dumps({"command": ["ls"]})
    output = json.dumps({"output": "a.py\n", "metadata": {"exit_code": 3}})
    transcript = opened(
        tmp_path / "rollout.jsonl",
        line("session_meta", id="s", cwd="/x"),
        line("turn_context", model="gpt-6-codex", cwd="/x"),
        line("response_item", type="message", role="user", content=text),
        line("event_msg", type="user_message", message="Mend it."),
        counted(10),
        line("response_item", type="function_call", name="shell", arguments=arguments, call_id="c"),
        line("response_item", type="function_call_output", call_id="c", output=output),
        counted(30),
        line("event_msg", type="error", message="the stream broke off"),
    )
    document = export.text(transcript)
    assert document.count("Mend it.") == 1
    assert "→ shell" in document and "← shell  ✗ error?  exit 3" in document
    assert "✗ the stream broke off" in document
    assert transcript.usage == Usage(30, 2, cached_tokens=5)
    assert dict(facts(transcript))["model"] == "gpt-6-codex"


def test_another_model_of_one_message_is_the_transcripts_where_it_names_none() -> None:
    said = {"role": "assistant", "content": "x", "model": "m-1"}
    assert read([said, said]).model == "m-1"
    assert read([said, said | {"model": "m-2"}]).model is None
    assert read({"model": "m-0", "messages": [said]}).model == "m-0"
