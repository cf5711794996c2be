"""Wire text has one way to the screen: `core/text.py`, by `kit/styled_text.py`; no other is used.

What a widget is handed is a matter of data, which no reading of source can follow; so the rules are
about doors. Whatever draws strings by itself, parses markup or writes to the terminal may be named
in the files granted it below, and nowhere else.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TUI = Path(__file__).parents[2] / "gymtui" / "tui"

GRANTS: dict[str, frozenset[str]] = {
    # Makes lines out of cleaned pieces: the door.
    "kit/styled_text.py": frozenset({"Segment", "CachedStrip"}),
    # Passes on, cuts and fills up with blanks what was drawn already.
    "kit/cached_strip.py": frozenset({"Segment", "CachedStrip"}),
    # Behind the door: no line passes it unscrubbed.
    "runtime/output_filter.py": frozenset({"Segment"}),
    # Behind the door too: it makes less of lines that passed it, for terminals that can less.
    "runtime/line_filters.py": frozenset({"Segment"}),
    # Replaces the framework's app, notices and last words by safe ones; looks at notices, and how
    # high they stand, to take the oldest away.
    "runtime/guard.py": frozenset(
        {
            *("App", "_driver", "super().notify", "sys.stderr", "rich.text", "rich.traceback"),
            *("textual.notifications", "ToastRack"),
        }
    ),
    "runtime/driver.py": frozenset({"sys.stderr"}),
    # Underlines characters of the line that the person types, which the framework made.
    "kit/prompt.py": frozenset({"rich.text"}),
    # Writes cells of lines that are behind the backstop already, and where to and how they look.
    "runtime/cell_diff.py": frozenset({"rich.console", "escape"}),
    "runtime/crash_report.py": frozenset({"sys.stderr"}),
    # The palette offers the keys by our own words for them, and the person's own profiles by their
    # names: cleaned, and drawn as they are.
    "app/palette.py": frozenset({"textual.command", "textual.content", "Content"}),
    # Encodes what it sends.
    "runtime/clipboard.py": frozenset({"write_terminal", "escape"}),
    # Cleans and frames what it sends.
    "app/notifier.py": frozenset({"write_terminal", "escape"}),
}
"""By file, relative to `gymtui/tui`: which doors it may use. Each needs a reason."""

CONSTRUCTORS = {"Segment", "Strip", "CachedStrip", "Content", "Text", "Notification"}
"""Make something drawable of any string."""
WIDGETS = {"Input", "Static", "Label"}
"""The framework's widgets that may be used at all; the last two with literals only."""
MODULES = {
    "rich.console",
    "rich.markup",
    "rich.text",
    "rich.traceback",
    "textual.command",
    "textual.content",
    "textual.markup",
    "textual.notifications",
    "textual.visual",
}
HARMLESS = {"RenderableType", "SeverityLevel"}
"""Names of those modules that are types."""
PARSERS = {"from_markup", "from_rich_text", "from_ansi", "from_text", "render_markup", "visualize"}
PARSED = {"border_title", "border_subtitle", "tooltip"}
"""Attributes whose strings the framework reads as markup."""
STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}


def violations(source: str, name: str) -> list[str]:
    """Find doors that a file may not use.

    Args:
        source: Python.
        name: The file, relative to `gymtui/tui`.

    Returns:
        A line for each, `line: what is wrong`.
    """
    granted = GRANTS.get(name, frozenset())
    return [
        f"{name}:{line}: {what}"
        for node in ast.walk(ast.parse(source))
        for line, door, what in _doors(node)
        if door not in granted
    ]


def _doors(node: ast.AST) -> Iterator[tuple[int, str, str]]:
    """Line, name and fault of each door a node opens."""
    match node:
        case ast.ImportFrom(module=module, names=names, lineno=line) if module:
            yield from _imports(module, [alias.name for alias in names], line)
        case ast.Import(names=names, lineno=line):
            for alias in names:
                if alias.name.split(".")[0] in ("rich", "textual"):
                    yield line, alias.name, f"import names from {alias.name}, not the module"
        case ast.Call():
            yield from _calls(node)
        case ast.Attribute(attr=attr, lineno=line) if attr in PARSERS:
            yield line, attr, f"{attr} parses text"
        case ast.Attribute(attr="_driver" | "write_terminal" as attr, lineno=line):
            yield line, attr, "the terminal is written to by the guard alone"
        case ast.Attribute(value=ast.Name(id="sys"), attr=attr, lineno=line) if attr in STREAMS:
            yield line, "sys.stderr", f"sys.{attr} is the terminal"
        case ast.Assign(targets=targets, value=value, lineno=line):
            for target in targets:
                yield from _assigned(target, value, line)
        case ast.AnnAssign(target=target, value=ast.expr() as value, lineno=line):
            yield from _assigned(target, value, line)
        case ast.FunctionDef(name="render" | "render_str", lineno=line):
            yield line, "render", "what render() returns is parsed as markup: use render_line()"
        case ast.Constant(value=str(text), lineno=line):
            if "@click" in text:
                yield line, "@click", "actions do not belong in text"
            if any((ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 for c in text):
                yield line, "escape", "a control character in a string"


def _imports(module: str, names: list[str], line: int) -> Iterator[tuple[int, str, str]]:
    if module == "textual.widgets" or module.startswith("textual.widgets."):
        for name in set(names) - WIDGETS:
            yield line, name, f"{name} passes raw text to the terminal or parses it"
    if module == "textual.app" and "App" in names:
        yield line, "App", "apps are GuardedApps"
    for name in names:
        if (module in MODULES or f"{module}.{name}" in MODULES) and name not in HARMLESS:
            yield line, module, f"{module}.{name} is another way to draw text"


def _calls(node: ast.Call) -> Iterator[tuple[int, str, str]]:
    name = _name(node.func)
    if isinstance(node.func, ast.Name) and name in CONSTRUCTORS:
        yield (
            node.lineno,
            name,
            f"{name}(…) draws any string: use kit/styled_text.py",
        )
    if name in ("Static", "Label", "update") and not _is_mapping_update(node):
        first = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "content")]
        if any(not _is_literal(value) for value in first):
            yield node.lineno, name, f"{name} is given something else than a literal"
    if isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "super().notify":
        yield node.lineno, "super().notify", "the framework's notify cleans nothing"
    if name == "setattr" and len(node.args) > 1 and not isinstance(node.args[1], ast.Constant):
        yield node.lineno, "setattr", "setattr with a computed name"
    for keyword in node.keywords:
        if keyword.arg == "markup" and not _is_false(keyword.value):
            yield node.lineno, "markup", "markup is never on"
        if keyword.arg == "link":
            yield node.lineno, "link", "a link's address is written to the terminal as it is"
        if keyword.arg in PARSED and not _is_literal(keyword.value):
            yield node.lineno, keyword.arg, f"{keyword.arg} is parsed as markup"


def _assigned(target: ast.expr, value: ast.expr, line: int) -> Iterator[tuple[int, str, str]]:
    if isinstance(target, ast.Attribute) and target.attr in PARSED and not _is_literal(value):
        yield line, target.attr, f"{target.attr} is parsed as markup"


def _name(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _is_literal(value: ast.expr) -> bool:
    match value:
        case ast.Constant():
            return True
        case ast.IfExp(body=body, orelse=orelse):
            return _is_literal(body) and _is_literal(orelse)
        case _:
            return False


def _is_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


def _is_mapping_update(node: ast.Call) -> bool:
    """Whether an `.update(…)` is a dict's or set's: those are given no text built on the spot."""
    if _name(node.func) != "update":
        return False
    texts = (ast.JoinedStr, ast.BinOp, ast.Constant)
    return not (len(node.args) == 1 and isinstance(node.args[0], texts))


FILES = sorted(TUI.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(TUI)) for path in FILES])
def test_no_file_draws_wire_text_by_another_door(path: Path) -> None:
    name = path.relative_to(TUI).as_posix()
    assert violations(path.read_text(encoding="utf-8"), name) == []


def test_every_grant_is_for_a_file_that_uses_it() -> None:
    for name, doors in GRANTS.items():
        tree = ast.parse((TUI / name).read_text(encoding="utf-8"))
        used = {door for node in ast.walk(tree) for _, door, _ in _doors(node)}
        assert doors <= used, f"{name} no longer needs {doors - used}"


@pytest.mark.parametrize(
    "source",
    [
        "from textual.widgets import DataTable",
        "from textual.widgets import OptionList, Static",
        "from textual.widgets.option_list import Option",
        "from textual.app import App",
        "from textual.content import Content",
        "CachedStrip(pieces)",
        "from rich.text import Text",
        "from rich import markup",
        "import rich.markup",
        "from textual.command import Provider",
        "Static(run.name)",
        "Static(f'{name}')",
        "Label(content=name)",
        "Static('x', markup=True)",
        "Static('x', markup=flag)",
        "self.query_one(Static).update(f'{n} runs')",
        "self.label.update('runs: ' + name)",
        "Content.from_markup(name)",
        "make = Content.from_text",
        "Segment(name)",
        "Strip([])",
        "self.border_title = clean(name)",
        "self.border_subtitle: str = name",
        "Input(tooltip=name)",
        "class W(Widget):\n    def render(self):\n        return self.name",
        "super().notify(message)",
        "app._driver.write(name)",
        "app.write_terminal(name)",
        "sys.stderr.write(name)",
        "Style(link=url)",
        "text = '[@click=app.quit]x[/]'",
        "bold = '\\x1b[1m'",
        "bold = f'\\x9b1m{name}'",
        "setattr(widget, which, name)",
    ],
)
def test_another_door_is_found(source: str) -> None:
    assert violations(source, "runs/sample.py")


@pytest.mark.parametrize(
    "source",
    [
        "from textual.widgets import Input",
        "from textual.app import ComposeResult",
        "from textual.strip import Strip\ndef render_line(self, y) -> Strip: ...",
        "Static('loading')",
        "Static('on' if on else 'off', markup=False)",
        "self.app.notify(f'cancelled {run.name}')",
        "self.known.update(found)",
        "self.border_title = 'Keys'",
        "self.border_title = None",
        "Ink(clean(run.name))",
        "pieces = laid(ink(row.name), 10)",
        "text = 'a\\nb\\tc'",
    ],
)
def test_the_door_itself_is_not_complained_about(source: str) -> None:
    assert violations(source, "runs/sample.py") == []


def test_a_grant_holds_for_its_own_file_alone() -> None:
    assert violations("Segment('x')", "kit/styled_text.py") == []
    assert violations("Segment('x')", "runs/styled_text.py")
