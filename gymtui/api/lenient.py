"""Reading wire JSON into models so that one bad field costs itself and nothing else.

A plain validation first; only when that fails a second pass, which mends or empties exactly the
fields that failed. What the models are is `models`; what a list is, `listing`.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from gymtui.api.models import Malformed

Model = TypeVar("Model", bound=BaseModel)
Path = tuple[str | int, ...]

_ROUNDS = 16
_LONGEST_INT = 19
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_DECIMAL_INT = re.compile(r"[+-]?[0-9]{1,18}")
_GONE = object()


def read(model: type[Model], item: bytes) -> Model | Malformed:
    """One JSON object as a model.

    Returns:
        The model, with None where a field was absent, null or of another type; or why there is
        none: it is no JSON object, or an id that it needs is missing.
    """
    try:
        return model.model_validate_json(item)
    except ValidationError:
        pass  # the common way is over; what follows is the patient one
    try:
        document = loads(item)
    except ValueError as error:
        return Malformed(item, f"not JSON: {error}")
    if not isinstance(document, dict):
        return Malformed(item, f"not an object but {_kind(document)}")
    return _read_leniently(model, document, item)


def loads(body: bytes) -> Any:
    """`json.loads` for what servers really send: NaN, lone surrogates, bad UTF-8, huge numbers.

    Returns:
        The document; lone surrogates and bytes that are not UTF-8 are U+FFFD in it.

    Raises:
        ValueError: It is not JSON even so, or nested too deeply.
    """
    text = body.decode("utf-8-sig", "replace")
    try:
        document = _decode(text)
        if _SURROGATE_ESCAPE.search(text):
            joined = json.dumps(document, ensure_ascii=False).encode("utf-16-le", "surrogatepass")
            document = _decode(joined.decode("utf-16-le", "replace"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return document


def _decode(text: str) -> Any:
    return json.loads(text, strict=False, parse_int=_integer)


def _integer(digits: str) -> int | float:
    # Python refuses ints of more than 4300 digits, which would cost the whole body.
    return int(digits) if len(digits) <= _LONGEST_INT else float(digits)


def _read_leniently(model: type[Model], document: dict[str, Any], item: bytes) -> Model | Malformed:
    reason = "unreadable"
    reasons: dict[Path, str] = {}
    for _ in range(_ROUNDS):
        try:
            return model.model_validate(document)
        except ValidationError as error:
            faults = error.errors(include_url=False, include_context=False, include_input=False)
        except RecursionError:
            return Malformed(item, "nested too deeply")
        emptied: list[tuple[Any, str | int]] = []
        for fault in faults:
            reason = f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            # What was emptied is missed in the next round: why it was is the reason.
            reason = reasons.setdefault(fault["loc"], reason)
            if not _repair(document, fault["loc"], fault["type"], emptied):
                return Malformed(item, reason)
        for holder, key in emptied:
            # A list has no empty places: what cannot be read in it is left out.
            if isinstance(holder, list):
                holder[:] = [value for value in holder if value is not _GONE]
            else:
                holder[key] = None
    return Malformed(item, reason)


def _repair(
    document: dict[str, Any], loc: Path, fault: str, emptied: list[tuple[Any, str | int]]
) -> bool:
    """Make the value at `loc` acceptable, or empty it, or its holder when it is needed there.

    False when only emptying the whole document would help.
    """
    path = _existing(document, loc)
    value = _at(document, path)
    if value is _GONE:
        return True
    if value is None and path and isinstance(path[-1], str):
        path = path[:-1]  # null where the model needs something (an id): its holder cannot stay
    if not path:
        return False
    mended = None if value is None else _repair_value(path, value, fault)
    holder, key = _at(document, path[:-1]), path[-1]
    if mended is None:
        emptied.append((holder, key))
        mended = _GONE
    holder[key] = mended
    return True


def _repair_value(path: Path, value: Any, fault: str) -> Any:
    if fault == "string_type" and isinstance(value, int) and not isinstance(value, bool):
        names = [str(part) for part in path if isinstance(part, str)]
        return str(value) if names and names[-1].endswith(("_id", "_ids")) else None
    if fault == "int_type":
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, str) and _DECIMAL_INT.fullmatch(value):
            return int(value)
    if fault == "float_type" and isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return None


def _existing(document: Any, loc: Path) -> Path:
    """The part of `loc` that exists: it may name an absent key or the branch of a union."""
    place = document
    for depth, part in enumerate(loc):
        in_object = isinstance(place, dict) and part in place
        in_list = isinstance(place, list) and isinstance(part, int) and part < len(place)
        if not in_object and not in_list:
            return loc[:depth]
        place = place[part]
    return loc


def _at(document: Any, path: Path) -> Any:
    place = document
    for part in path:
        place = place[part]
    return place


def _kind(value: object) -> str:
    names = {type(None): "null", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "a string" if isinstance(value, str) else "a list")
