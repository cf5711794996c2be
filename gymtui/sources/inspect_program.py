"""Inspect's own reader of its logs, where it is installed: for what is not read here without it.

To import it takes seconds, so that it is asked only for logs of a format that is newer than this
program, or packed in a way that nothing here unpacks. It gives a log as its JSON, which is read as
any other.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from gymtui.sources.json_fields import JsonFields


def is_installed() -> bool:
    """Whether it can be asked; it is imported for that."""
    try:
        import_module("inspect_ai.log")
    except ImportError:
        return False
    return True


def log_in(file: Path) -> JsonFields:
    """A log with its samples; raises ValueError or OSError where it cannot be read."""
    read = import_module("inspect_ai.log").read_eval_log
    try:
        text: str = read(str(file), resolve_attachments=True).model_dump_json()
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001  (whatever it raises, the log cannot be read)
        raise ValueError(f"Inspect cannot read it: {error}") from None
    return JsonFields(text.encode())
