"""The keys in force: the table of keys with what the person bound otherwise in `[keys]`.

A binding that cannot be is told and left out; the program's own key stays in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from types import MappingProxyType

from msgspec import Struct, field
from textual.keys import _character_to_key

from gymtui.config.schema import Problem, did_you_mean
from gymtui.config.user_commands import UserCommand
from gymtui.core.replacement import replace
from gymtui.core.text import clean
from gymtui.tui.context.keymap import (
    STACKS,
    TABLE,
    Key,
    Scope,
    display_key,
    keys_of,
    typed_character,
)

_MODIFIERS = {"ctrl": "ctrl", "control": "ctrl", "alt": "alt", "option": "alt", "shift": "shift"}
_KEY_NAMES = (
    *("escape", "enter", "tab", "space", "backspace", "delete", "insert"),
    *("home", "end", "pageup", "pagedown", "up", "down", "left", "right"),
    *(f"f{number}" for number in range(1, 25)),
)
_ALIASES = {
    **{"esc": "escape", "return": "enter", "del": "delete", "ins": "insert", " ": "space"},
    **{"pgup": "pageup", "pgdn": "pagedown", "page_up": "pageup", "page_down": "pagedown"},
    **{"↵": "enter", "↑": "up", "↓": "down", "←": "left", "→": "right"},
}
_SAME_AS = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+left_square_bracket": "escape"}
"""Keys for which a terminal sends what it sends for another."""

_ALWAYS_ESCAPE = ("back", "keep", "menu-leave")
"""Whatever else they are bound to, `esc` is the way out where letters are typed."""
_CONFIRM_KEY = "do-it"

COMMAND_PREFIX = "commands."
"""What the names of a person's own commands begin with in the table."""
COMMAND_SCOPES = {
    "runs": Scope.RUNS,
    "rollouts": Scope.ROLLOUTS,
    "active": Scope.ACTIVE,
    "matrix": Scope.MATRIX,
    "transcript": Scope.TRANSCRIPT,
}
"""The scopes of the table by their names in `[commands]`."""


class KeyBindings(Struct, frozen=True):
    """The keys in force."""

    table: tuple[Key, ...] = TABLE  # as `keys.TABLE`, with the person's keys
    problems: tuple[Problem, ...] = ()  # what could not be bound
    plain: bool = False  # whether keys are written with ASCII alone
    # The person's own commands that can be reached, by name.
    commands: Mapping[str, UserCommand] = field(default_factory=dict)
    # Names of what cannot be done in this program: told of nowhere. At a gym, a transcript has no
    # file.
    unavailable: frozenset[str] = frozenset({"files"})

    def of(self, scopes: Iterable[Scope], *, read_only: bool) -> list[Key]:
        """What can be done in these scopes, in the table's order; `read_only` changes no gym."""
        found = keys_of(scopes, read_only=read_only, table=self.table)
        return [key for key in found if key.name not in self.unavailable]

    def display(self, key: str) -> str:
        """A key as people write it."""
        return display_key(key, plain=self.plain)

    def key_for(self, name: str) -> str:
        """The key for something, as people write it."""
        return self.display(next(key.keys[0] for key in self.table if key.name == name))

    def label(self, name: str) -> str:
        """The same within a sentence: `ctrl+r`, not `^r`."""
        key = self.key_for(name)
        return f"ctrl+{key[1:]}" if len(key) > 1 and key[0] == "^" else key

    def key_while_typing(self, name: str) -> str:
        """The key for something where letters are typed: the first that types nothing."""
        keys = next(key.keys for key in self.table if key.name == name)
        return self.display(next((key for key in keys if not types_text(key)), keys[0]))

    def command_at(self, key: str, scopes: Iterable[Scope]) -> str | None:
        """The person's own command that a key runs in these scopes, by name."""
        for own in self.table[len(TABLE) :]:
            if own.scope in scopes and key in map(_framework_name, own.keys):
                return own.name.removeprefix(COMMAND_PREFIX)
        return None

    @property
    def command_keys(self) -> Iterable[str]:
        """The keys of the person's own commands."""
        return {_framework_name(key) for own in self.table[len(TABLE) :] for key in own.keys}

    @property
    def keymap(self) -> dict[str, str]:
        """What differs from the program's own, in the framework's form."""
        # The person's own commands come after the program's.
        changed = zip(self.table, TABLE, strict=False)
        return {new.name: ",".join(new.keys) for new, old in changed if new.keys != old.keys}


DEFAULT_BINDINGS = KeyBindings()


def parse_key(text: str) -> str:
    """A key as a person writes it, in the framework's name: `^d`, `Ctrl+D`, `esc`, `+`, `X`.

    Returns:
        The name, as the framework reports the key.

    Raises:
        ValueError: There is no such key, or no terminal could tell it from another.
    """
    if len(text) == 1 and text.isprintable() and text not in _ALIASES:
        return _character_to_key(text)
    if len(text) == 2 and text[0] == "^":
        text = f"ctrl+{text[1]}"
    *held, base = text.split("+") if not text.endswith("++") else (*text[:-2].split("+"), "+")
    modifiers = {_MODIFIERS.get(word.strip().lower(), "") for word in held}
    base = base.strip() or base
    if "" in modifiers:
        raise ValueError(f"no such key {text!r}: the modifiers are ctrl, alt and shift")
    if not base.isprintable():
        raise ValueError(f"no such key {text!r}")
    if len(base) == 1 and base not in _ALIASES:
        if modifiers == {"shift"}:
            if not base.isalpha():
                raise ValueError(f"write the character instead of {text}")
            modifiers, base = set(), base.upper()
        name = _character_to_key(base.lower() if "ctrl" in modifiers else base)
    else:
        name = _ALIASES.get(base.lower(), base.lower())
        if name not in _KEY_NAMES and typed_character(name) is None:
            raise ValueError(f"no such key {text!r}{did_you_mean(name, (*_KEY_NAMES, *_ALIASES))}")
    key = "+".join([*sorted(modifiers), name])
    if key in _SAME_AS:
        raise ValueError(f"in a terminal {key} is {display_key(_SAME_AS[key])}")
    return key


def types_text(key: str) -> bool:
    """Whether a key types something into a line, so that it cannot act while one types."""
    return typed_character(key) is not None


def rebind(
    wanted: Mapping[str, Sequence[str]],
    origins: Mapping[str, str],
    commands: Mapping[str, UserCommand] = MappingProxyType({}),
) -> KeyBindings:
    """Puts a person's keys in the place of the program's own, and their commands beside them.

    Args:
        wanted: Keys as written, by the name of what they do.
        origins: Where each stands, by `keys.` and the name, or `commands.`; for the problems.
    """
    if not wanted and not commands:
        return DEFAULT_BINDINGS
    problems: list[Problem] = []

    def refuse(name: str, why: str) -> None:
        setting = name if name.startswith(COMMAND_PREFIX) else f"keys.{name}"
        problems.append(Problem(origins.get(setting, setting), why))

    by_name = {key.name: key for key in TABLE}
    accepted: dict[str, tuple[str, ...]] = {}
    for name, written in wanted.items():
        if name not in by_name:
            refuse(name, f"unknown command{did_you_mean(name, tuple(by_name))}")
            continue
        try:
            keys = [parse_key(text) for text in written]
            for key in keys:
                _check_allowed(by_name[name], key)
        except ValueError as error:
            refuse(name, f"{error}; keeping {_display_keys(by_name[name].keys)}")
            continue
        if name in _ALWAYS_ESCAPE:
            keys.append("escape")
        accepted[name] = tuple(dict.fromkeys(keys))
    # What is left out gets its own key back, which another one may have taken: until all agree.
    while (clash := next(_clashes(_table_with(accepted), accepted), None)) is not None:
        name, why = clash
        refuse(name, f"{why}; keeping {_display_keys(by_name[name].keys)}")
        del accepted[name]
    table = list(_table_with(accepted))
    added: dict[str, UserCommand] = {}
    for name, command in commands.items():
        try:
            own = _command_key(command)
        except ValueError as error:
            refuse(f"{COMMAND_PREFIX}{name}", str(error))
            continue
        if (clash := next(_clashes([*table, own], {own.name: None}, own), None)) is not None:
            refuse(own.name, f"{clash[1]}; choose another key, or rebind that in [keys]")
            continue
        table.append(own)
        added[name] = command
    return KeyBindings(tuple(table), tuple(problems), commands=added)


def _table_with(accepted: Mapping[str, tuple[str, ...]]) -> tuple[Key, ...]:
    return tuple(replace(key, keys=accepted.get(key.name, key.keys)) for key in TABLE)


def _command_key(command: UserCommand) -> Key:
    """The key of a person's own command, for the table; a ValueError where it may not be that."""
    key = Key(
        name=f"{COMMAND_PREFIX}{command.name}",
        scope=COMMAND_SCOPES[command.scope],
        keys=tuple(dict.fromkeys(map(parse_key, command.key))),
        action=f"app.user_command('{command.name}')",
        text=clean(command.description or f"run {command.name}"),
        short=command.name,
        destroys=command.destroys,
    )
    for one in key.keys:
        _check_allowed(key, one)
    return key


def _check_allowed(what: Key, key: str) -> None:
    """Sees that a key may do this at all; a ValueError says why it may not."""
    if key == "ctrl+k":
        raise ValueError("ctrl+k cannot be bound: in other programs it kills")
    if what.name == _CONFIRM_KEY:
        if key in ("enter", "space"):
            raise ValueError(f"{display_key(key)} is too easy to press by accident")
    elif key == "y":
        raise ValueError("y is reserved for confirming")
    if what.acts_first and types_text(key):
        raise ValueError(
            f"{display_key(key)} is typed in filters, where it would also trigger this"
        )


def _clashes(
    table: Sequence[Key], accepted: Mapping[str, object], only: Key | None = None
) -> Iterator[tuple[str, str]]:
    """Keys that do two things in one place, of all, or of one: the person's later one, and why."""
    later = {name: number for number, name in enumerate(accepted)}
    destroyer = next(key for key in table if key.name == _CONFIRM_KEY)
    # The key that opened the question must not answer it.
    pairs = [(key, destroyer) for key in table if key.destroys]
    if only is None:
        pairs += combinations(table, 2)
    else:
        pairs += ((only, key) for key in table if key is not only)
    for one, other in pairs:
        opens = one.destroys and other is destroyer
        if (same := _common_key(one, other)) and (opens or _work_together(one, other)):
            worse, better = sorted((one, other), key=lambda key: -later.get(key.name, -1))
            already = f"is already {better.name} ({better.scope}: {better.text})"
            why = "opens the confirmation that it would confirm" if opens else already
            yield worse.name, f"{display_key(same)} {why}"


def _common_key(one: Key, other: Key) -> str:
    theirs = set(map(_framework_name, other.keys))
    return next((key for key in map(_framework_name, one.keys) if key in theirs), "")


def _framework_name(key: str) -> str:
    return _character_to_key(key) if len(key) == 1 else key


def _work_together(one: Key, other: Key) -> bool:
    """Whether both work in one place."""
    if one.scope is other.scope or one.acts_first or other.acts_first:
        return True
    return any(one.scope in stack and other.scope in stack for stack in STACKS)


def _display_keys(keys: Sequence[str]) -> str:
    return " ".join(map(display_key, keys))
