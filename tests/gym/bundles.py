"""Bundles that tests write."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gymtui.gym.scenarios.example_bundle import write_example

TASK_FILE = "tasks/refund_damaged_order.json"
SERVER_FILE = "servers/desk.py"
VERIFIER_FILE = "verifiers/refund_damaged_order.py"


def example(directory: Path, files: Mapping[str, str | None] | None = None, **changes: Any) -> Path:
    """Write the example as `shop`, then other files over it, and change its task.

    Args:
        directory: Where the bundle goes.
        files: Texts by path; None removes the file.
        changes: Of the task; None removes a key.
    """
    bundle = directory / "shop"
    write_example(bundle)
    for name, text in (files or {}).items():
        if text is None:
            (bundle / name).unlink()
        else:
            (bundle / name).parent.mkdir(exist_ok=True)
            (bundle / name).write_text(text)
    if changes:
        task = {**json.loads((bundle / TASK_FILE).read_text()), **changes}
        kept = {key: value for key, value in task.items() if value is not None}
        (bundle / TASK_FILE).write_text(json.dumps(kept, indent=1))
    return bundle
