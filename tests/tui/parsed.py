"""Style sheets parsed and looked through once a process, though every test has an app of its own.

A program is one app; a process of tests is some hundred. Parsing the same sheets and looking for
the rules of the same widgets was half of each one's start and of every screen's that it opened.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from textual.css.model import RuleSet
from textual.css.styles import RulesMap
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode

_parse = Stylesheet.parse
_parse_rules = Stylesheet._parse_rules
_apply = Stylesheet.apply

_texts: dict[tuple[Any, ...], list[RuleSet]] = {}
_sheets: dict[tuple[Any, ...], tuple[list[RuleSet], dict[str, list[RuleSet]]]] = {}
_kinds: dict[tuple[Any, ...], _Kind] = {}


@dataclass
class _Kind:
    """Nodes that the same rules may concern.

    Attributes:
        pseudo_classes: All that these rules ask for, of the node and of those it lies in.
        flags: What the framework notes of them at such a node.
        given: What such a node is given, by what it and those it lies in are.
    """

    pseudo_classes: tuple[str, ...]
    flags: dict[str, bool] = field(default_factory=dict)
    given: dict[tuple[Any, ...], RulesMap | None] = field(default_factory=dict)


_FLAGS = ("_has_hover_style", "_has_focus_within", "_has_order_style", "_has_odd_or_even")


def parse_rules_once(sheet: Stylesheet, css: str, *place: Any, **options: Any) -> list[RuleSet]:
    """What the framework makes of a text in its place, under the variables of a sheet."""
    named = tuple(sheet._variables.items()) if "$" in css else ()
    key = (css, place, tuple(sorted(options.items())), named)
    if key not in _texts:
        _texts[key] = _parse_rules(sheet, css, *place, **options)
    return _texts[key]


def parse_once(sheet: Stylesheet) -> None:
    """Have a sheet know the rules of all its texts."""
    key = (tuple(sheet.source.items()), tuple(sheet._variables.items()))
    if key not in _sheets:
        _parse(sheet)
        _sheets[key] = (sheet._rules, sheet.rules_map)
    sheet._rules, sheet._rules_map = _sheets[key]
    sheet._require_parse = False


def apply_once(
    sheet: Stylesheet, node: DOMNode, *, animate: bool = False, cache: object = None
) -> None:
    """Give a node what the rules of a sheet say of it."""
    kind = _kind_of(sheet, node)
    key: tuple[Any, ...] = tuple(
        (type(each), each._id, frozenset(each._classes), _truths(each, kind.pseudo_classes))
        for each in node.css_path_nodes
    )
    if key not in kind.given:
        kind.given[key] = _given(sheet, node, animate)
        kind.flags = {flag: getattr(node, flag) for flag in _FLAGS}
        return
    vars(node).update(kind.flags)
    rules = kind.given[key]
    if rules is not None:
        Stylesheet.replace_rules(node, rules, animate=animate)
    sheet._process_component_classes(node)


def _truths(node: DOMNode, pseudo_classes: tuple[str, ...]) -> tuple[bool, ...]:
    checks: Any = node._PSEUDO_CLASSES
    return tuple([checks[name](node) for name in pseudo_classes if name in checks])


def _kind_of(sheet: Stylesheet, node: DOMNode) -> _Kind:
    key = (id(sheet.rules), type(node), node._id, frozenset(node._classes))
    kind = _kinds.get(key)
    if kind is None:
        rules_map = sheet.rules_map
        names = rules_map.keys() & node._selector_names
        asked = {each for name in names for rule in rules_map[name] for each in rule.pseudo_classes}
        kind = _kinds[key] = _Kind(tuple(sorted(asked)))
    return kind


def _given(sheet: Stylesheet, node: DOMNode, animate: bool) -> RulesMap | None:
    """Have the framework apply a sheet to a node; what it gave it."""
    given: list[RulesMap] = []

    def replace_rules(to: DOMNode, rules: RulesMap, animate: bool = False) -> None:
        if to is node:
            given.append(rules)
        Stylesheet.replace_rules(to, rules, animate=animate)

    outer = vars(sheet).get("replace_rules", Stylesheet.replace_rules)
    sheet.replace_rules = replace_rules  # type: ignore[method-assign,assignment]
    try:
        _apply(sheet, node, animate=animate)
    finally:
        sheet.replace_rules = outer  # type: ignore[method-assign]
    return given[0] if given else None
