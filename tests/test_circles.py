"""No module of the package imports itself, however long the way; imports for types count too."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter

from tests.helpers.places import PACKAGE


def imports() -> dict[str, set[str]]:
    """The modules that each module imports, wherever in it."""
    files = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path
        for path in PACKAGE.rglob("*.py")
    }
    found: dict[str, set[str]] = {}
    for name, path in files.items():
        found[name] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                named = {f"{node.module}.{alias.name}" for alias in node.names}
                found[name] |= (named & files.keys()) or ({node.module} & files.keys())
            elif isinstance(node, ast.Import):
                found[name] |= {alias.name for alias in node.names} & files.keys()
    return found


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = imports()
    assert len(graph) > 200
    assert graph["gymtui.tui.app.app"] >= {"gymtui.tui.app.host", "gymtui.session.session"}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        raise AssertionError(" <- ".join(circle.args[1])) from None
