"""What a docstring describes is there, and what needs one has one."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "gymtui"
ANSWERS = ("on_", "action_", "watch_")
"""How methods begin that answer an event, or a key, whose text in the table says what it does."""


def described(docstring: str) -> list[str]:
    """The names under *Args*."""
    found = re.search(r"^Args:\n((?: .*\n?|\n(?= ))*)", docstring, re.MULTILINE)
    return re.findall(r"^    \*{0,2}(\w+):", found[1], re.MULTILINE) if found else []


def taken(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    every = node.args
    named = [*every.posonlyargs, *every.args, *every.kwonlyargs]
    return {arg.arg for arg in (*named, every.vararg, every.kwarg) if arg is not None}


def stale(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            inits = (part for part in node.body if isinstance(part, ast.FunctionDef))
            call = next((part for part in inits if part.name == "__init__"), None)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            call = node
        else:
            continue
        names = described(ast.get_docstring(node) or "")
        known = taken(call) if call is not None else set()
        yield from (f"{node.name}: {name}" for name in names if name not in known)


def test_every_argument_that_is_described_is_taken() -> None:
    found = {
        str(path.relative_to(PACKAGE)): names
        for path in PACKAGE.rglob("*.py")
        if (names := list(stale(ast.parse(path.read_text()))))
    }
    assert not found


def test_a_name_that_is_none_is_found() -> None:
    tree = ast.parse('def f(a, *b):\n    """F.\n\n    Args:\n        a: A.\n        c: C.\n    """')
    assert list(stale(tree)) == ["f: c"]


def undescribed(path: Path) -> Iterator[str]:
    """Public methods that are new where they stand, and have no docstring."""
    name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    module = importlib.import_module(name)
    for node in ast.parse(path.read_text()).body:
        if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
            continue
        bases = getattr(module, node.name).__mro__[1:]
        for part in node.body:
            if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            known = part.name.startswith(("_", *ANSWERS))
            known = known or any(part.name in vars(base) for base in bases)
            if not known and ast.get_docstring(part) is None:
                yield f"{node.name}.{part.name}"


def test_a_method_of_the_dashboard_is_described_where_it_is_new() -> None:
    found = {
        str(path.relative_to(PACKAGE)): names
        for path in (PACKAGE / "tui").rglob("*.py")
        if (names := list(undescribed(path)))
    }
    assert not found
