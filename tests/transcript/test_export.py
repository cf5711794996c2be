"""A transcript as Markdown."""

from __future__ import annotations

from gymtui.transcript import export
from gymtui.transcript.readers.artifact import read


def test_a_call_over_several_lines_has_its_name_and_its_arguments_apart() -> None:
    call = {"name": "write", "arguments": {"path": "/a", "text": "one\ntwo\nthree\n"}}
    written = export.markdown(read([{"role": "assistant", "tool_calls": [call]}]))
    assert "`→ write`" in written
    assert "one\n" in written
