"""What a docstring describes is there: names that were changed are changed in it, too."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "gymtui"


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
