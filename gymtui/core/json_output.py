"""JSON that leaves the program: always JSON, whatever came in."""

from __future__ import annotations

import json
import math
from typing import Any


def json_text(document: Any, *, indent: int | None = None, ascii_only: bool = True) -> str:
    """A document as JSON by RFC 8259, which has no NaN and no infinities: they become null."""
    try:
        return json.dumps(document, indent=indent, ensure_ascii=ascii_only, allow_nan=False)
    except ValueError:
        document = _finite(document)
    return json.dumps(document, indent=indent, ensure_ascii=ascii_only, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(member) for name, member in value.items()}
    return [_finite(member) for member in value] if isinstance(value, (list, tuple)) else value
