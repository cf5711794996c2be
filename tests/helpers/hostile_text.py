"""What costs most to read: texts, reasons and documents that the tests and the bench share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PIECES = (
    "plain text\n",
    "\x1b]",
    "\x1b[1m",
    "\x1b[1",
    "\x1bP1",
    "\x9d",
    "\x1b((((",
    "\r",
    "日本 😀\n",
    "\u0301",
)
"""Repeated, each makes a text through which a careless reader goes again and again."""

REASONS = ("a-" * 50_000, "1." * 50_000, "f0" * 50_000, "a_" * 150, "12:" * 100)
"""Words a rollout may give for failing, on which patterns go back and forth."""

DOCUMENTS: dict[str, Callable[[int], Any]] = {
    "calls of one id, then results of it": (
        lambda n: [
            {"role": "assistant", "tool_calls": [{"id": "x", "name": "f"}] * n},
            *[{"role": "tool", "tool_call_id": "x", "content": "r"}] * n,
        ]
    ),
    "calls without ids, results of another name": (
        lambda n: [
            *[{"role": "assistant", "tool_calls": [{"name": "f"}]}] * n,
            *[{"role": "tool", "name": "g", "content": "r"}] * n,
        ]
    ),
    "rounds of calls that are never answered": (
        lambda n: (
            [
                {"role": "assistant", "tool_calls": [{"name": "f"}]},
                {"role": "tool", "name": "g", "content": "r"},
            ]
            * n
        )
    ),
    "results that no call was made for": (
        lambda n: [{"role": "tool", "tool_call_id": "x", "content": "r"}] * n
    ),
    "recorded calls that no text holds": (
        lambda n: {
            "messages": [{"role": "assistant", "content": "x" * 2000}] * n,
            "tool_calls": [{"tool_name": "f", "parameters": {"a": "xy"}}] * n,
        }
    ),
    "recorded calls of other names": (
        lambda n: {
            "messages": [{"role": "assistant", "tool_calls": [{"name": "f"}]}] * n,
            "tool_calls": [{"tool_name": "g"}] * n,
        }
    ),
    "empty messages": (lambda n: [{}] * n),
    "members of one name": (
        lambda n: {"messages": [], "tool_results": [{"observation": 1, "content": 2}] * n}
    ),
}
"""Documents of a given size whose calls, results and records match badly or not at all."""


def searched(calls: int) -> dict[str, Any]:
    """Long texts and recorded calls that none of them holds: each would be looked for in all."""
    return {
        "messages": [{"role": "assistant", "content": "x" * 400_000}] * 16,
        "tool_calls": [{"tool_name": "f", "parameters": {"a": "xxy"}}] * calls,
    }
