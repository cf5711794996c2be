"""A small bundle to begin with, which `gymtui gym new` writes: copied from `example/`."""

import errno
import json
import os
from pathlib import Path

EXAMPLE = Path(__file__).parent / "example"
NAME = '"shop"'  # what the example is called where it says its own name


def write_example(directory: Path) -> list[Path]:
    """Write the example under the name of its directory.

    Returns:
        The files that were written.

    Raises:
        OSError: It cannot be written, or there is something already.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    own = json.dumps(directory.resolve().name, ensure_ascii=False)
    written = []
    for source in sorted(EXAMPLE.rglob("*")):
        if not source.is_file() or source.suffix == ".pyc":
            continue
        target = directory / source.relative_to(EXAMPLE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source.read_text("utf-8").replace(NAME, own), "utf-8")
        written.append(target)
    return written
