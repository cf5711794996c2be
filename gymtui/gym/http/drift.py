"""Changing a JSON answer by dotted paths, so that tests can see what a drifted schema does."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def drift(value: Any, put: Mapping[str, Any], drop: Sequence[str]) -> Any:
    """Change a JSON value in place and return it.

    Args:
        put: Path to new value; the path's last key is made where it does not exist.

    Returns:
        The changed value. Paths that lead nowhere change nothing.
    """
    for path, new in put.items():
        for holder, key in list(_holders(value, path.split("."))):
            holder[key] = new
    for path in drop:
        for holder, key in list(_holders(value, path.split("."))):
            if isinstance(holder, list) or key in holder:
                del holder[key]
    return value


def _holders(value: Any, path: Sequence[str]) -> Iterator[tuple[Any, Any]]:
    """Yield every container and key that a path leads to."""
    head, *rest = path
    for key in _keys(value, head):
        if not rest:
            yield value, key
        elif isinstance(value, list) or key in value:
            yield from _holders(value[key], rest)


def _keys(value: Any, head: str) -> list[Any]:
    if isinstance(value, dict):
        return list(value) if head == "*" else [head]
    if isinstance(value, list):
        # From the end, so that dropping an item leaves the others where they are.
        indices = range(len(value) - 1, -1, -1)
        return [index for index in indices if head in ("*", str(index))]
    return []
