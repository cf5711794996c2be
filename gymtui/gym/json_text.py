"""JSON from elsewhere, read into what can be kept and sent on."""

import json
from typing import Any


def parse(raw: bytes) -> Any:
    """Return what a JSON text says.

    Numbers that JSON does not have become null, halves of characters are replaced.

    Raises:
        ValueError: It is no JSON.
    """
    try:
        value = json.loads(raw, parse_constant=lambda _name: None)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return _whole(value) if b"\\ud" in raw.lower() else value


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    return value
