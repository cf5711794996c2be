"""A copy of a record with some of its fields replaced: of a dataclass as of a struct.

It is `copy.replace` of Python 3.13. That of `dataclasses` fails on a struct, and no type checker
sees it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import replace as replace
else:

    def replace(record: Any, /, **changes: Any) -> Any:
        """Copy a record, with other values in some of its fields."""
        make = getattr(record, "__replace__", None)
        return dataclasses.replace(record, **changes) if make is None else make(**changes)
