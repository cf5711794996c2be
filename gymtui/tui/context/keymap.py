"""Every key in one table: bindings, footer, help and the README's list are all read from it.

What a key does is the `action_…` method of the widget or screen that owns its scope. What the
person bound otherwise is put on top by `key_bindings`, by name: each name is there once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct
from textual.binding import Binding, BindingType
from textual.keys import REPLACED_KEYS, key_to_character


class Scope(StrEnum):
    """Where a key works."""

    EVERYWHERE = "everywhere"
    LIST = "lists"
    RUNS = "runs"
    ROLLOUTS = "rollouts"
    RULES = "rules"
    SEVERAL = "rollouts of several runs"
    ACTIVE = "active rollouts"
    MATRIX = "matrix"
    TEXT = "reading"
    TRANSCRIPT = "transcript"
    SEARCH = "search"
    CHARTS = "charts"
    COMPARE = "comparison"
    FORM = "launch form"
    PICK = "choosing"
    CONFIRM = "confirm"
    MENU = "menus"
    REPLAY = "replay"


_OF_LISTS = (
    *(Scope.RUNS, Scope.ROLLOUTS, Scope.RULES, Scope.SEVERAL),
    *(Scope.ACTIVE, Scope.MATRIX, Scope.SEARCH, Scope.CHARTS),
)
STACKS: tuple[tuple[Scope, ...], ...] = (
    *((scope, Scope.LIST, Scope.EVERYWHERE) for scope in _OF_LISTS),
    (Scope.TRANSCRIPT, Scope.TEXT, Scope.EVERYWHERE),
    (Scope.COMPARE, Scope.TEXT, Scope.EVERYWHERE),
    (Scope.FORM,),
    (Scope.PICK,),
    (Scope.CONFIRM,),
    (Scope.MENU,),
    # Of the app around any of these: where a person has bound a key on a screen, that goes first.
    (Scope.REPLAY,),
)
"""Scopes that work together on some screen, its own first: within each, a key does one thing."""


def scopes_of(scope: Scope) -> tuple[Scope, ...]:
    """Where the keys of a screen are found, from its own scope to the general ones."""
    stack = next(stack for stack in STACKS if scope in stack)
    return stack[stack.index(scope) :]


class Key(Struct, frozen=True):
    """One thing that a key does."""

    name: str  # its stable name, for rebinding
    scope: Scope
    keys: tuple[str, ...]  # the keys, in the framework's names; the first is the one shown
    action: str  # the framework's action
    text: str  # what it does, in a few words, for help
    short: str = ""  # A word or two for the footer; empty keeps it out
    destroys: bool = False  # whether it changes the gym, so that `--read-only` takes it away
    acts_first: bool = False  # whether it acts before the focused widget's own keys


TABLE: tuple[Key, ...] = (
    # The footer shows what it has room for, in this order.
    Key("open", Scope.LIST, ("enter",), "open", "open the row under the cursor", "open"),
    Key("launch", Scope.RUNS, ("n",), "go('launch')", "launch a run", "launch", destroys=True),
    Key("cancel", Scope.RUNS, ("x",), "cancel", "cancel the marked runs, else this one", "cancel", destroys=True),
    Key("delete", Scope.RUNS, ("ctrl+d",), "delete", "delete the marked runs, else this one", "delete", destroys=True),
    Key("cancel-run", Scope.ROLLOUTS, ("x",), "cancel", "cancel this run", "cancel run", destroys=True),
    Key("cancel-active", Scope.ACTIVE, ("x",), "cancel", "cancel the runs of the marked rollouts, else of this one", "cancel run", destroys=True),
    Key("next-attempt", Scope.MATRIX, ("right", "l"), "attempt(1)", "next attempt, or run", "attempt"),
    Key("previous-attempt", Scope.MATRIX, ("left", "h"), "attempt(-1)", "previous attempt, or run"),
    Key("active", Scope.RUNS, ("a",), "go('active')", "running rollouts of all runs, and current failures", "active"),
    Key("runs-matrix", Scope.RUNS, ("m",), "matrix", "tasks × attempts; with several marked runs, tasks × runs", "matrix"),
    Key("timeline", Scope.ROLLOUTS, ("t",), "timeline", "show or hide the timeline", "timeline"),
    Key("matrix", Scope.ROLLOUTS, ("m",), "matrix", "tasks × attempts", "matrix"),
    Key("disarm", Scope.RULES, ("ctrl+d",), "disarm", "remove the marked rules, else this one", "remove"),
    Key("several-matrix", Scope.SEVERAL, ("m",), "matrix", "tasks × runs", "matrix"),
    Key("mark", Scope.LIST, ("space",), "mark", "mark or unmark, then move down", "mark"),
    Key("search-runs", Scope.RUNS, ("ctrl+f",), "search", "search the transcripts of the marked runs, else of all listed", "search"),
    Key("search-rollouts", Scope.ROLLOUTS, ("ctrl+f",), "search", "search the transcripts of the marked rollouts, else of all listed", "search"),
    Key("search-tasks", Scope.MATRIX, ("ctrl+f",), "search", "search the transcripts of these runs", "search"),
    Key("charts", Scope.RUNS, ("P",), "charts", "charts of the marked runs, else of this one's checkpoints or group", "charts"),
    Key("charts-of-run", Scope.ROLLOUTS, ("P",), "charts", "charts of this run"),
    Key("charts-of-runs", Scope.MATRIX, ("P",), "charts", "charts of these runs"),
    Key("charts-of-active", Scope.ACTIVE, ("P",), "charts", "charts of the active runs"),
    Key("next-chart", Scope.CHARTS, ("right", "l"), "chart(1)", "next chart", "chart"),
    Key("previous-chart", Scope.CHARTS, ("left", "h"), "chart(-1)", "previous chart"),
    Key("search-more", Scope.SEARCH, ("plus", "equals_sign"), "download_more", "download and search the transcripts left out", "more"),
    Key("search-again", Scope.SEARCH, ("ctrl+f",), "screen.filter", "search for something else"),
    Key("next-turn", Scope.TRANSCRIPT, ("J",), "turn(1)", "next turn", "turn"),
    Key("previous-turn", Scope.TRANSCRIPT, ("K",), "turn(-1)", "previous turn"),
    Key("next-error", Scope.TRANSCRIPT, ("e",), "error(1)", "next error", "error"),
    Key("previous-error", Scope.TRANSCRIPT, ("E",), "error(-1)", "previous error"),
    Key("next-call", Scope.TRANSCRIPT, ("t",), "call(1)", "next tool call", "tool call"),
    Key("previous-call", Scope.TRANSCRIPT, ("T",), "call(-1)", "previous tool call"),
    Key("next-match", Scope.TRANSCRIPT, ("n",), "match(1)", "next match; opened from a search, its next hit"),
    Key("previous-match", Scope.TRANSCRIPT, ("N",), "match(-1)", "previous match, or hit"),
    Key("next-rollout", Scope.TRANSCRIPT, ("right_square_bracket",), "rollout(1)", "next rollout in the list", "next"),
    Key("previous-rollout", Scope.TRANSCRIPT, ("left_square_bracket",), "rollout(-1)", "previous rollout in the list"),
    Key("search-this", Scope.TRANSCRIPT, ("ctrl+f",), "search", "search all transcripts of the list, else of the run"),
    Key("files", Scope.TRANSCRIPT, ("f",), "files", "list the opened files with their outcomes", "files"),
    Key("fold", Scope.TRANSCRIPT, ("z",), "fold", "fold or unfold this turn", "fold"),
    Key("fold-all", Scope.TRANSCRIPT, ("Z",), "fold_all", "fold or unfold everything"),
    Key("outline", Scope.TRANSCRIPT, ("ctrl+o",), "outline", "show or hide the outline", "outline"),
    Key("raw", Scope.TRANSCRIPT, ("r",), "raw", "raw artifacts, or parsed", "raw"),
    Key("redact", Scope.TRANSCRIPT, ("H",), "redact", "hide or show tool calls (redacted by the gym)"),
    Key("system-turns", Scope.TRANSCRIPT, ("1",), "role('system')", "show or hide system turns"),
    Key("user-turns", Scope.TRANSCRIPT, ("2",), "role('user')", "show or hide user turns"),
    Key("assistant-turns", Scope.TRANSCRIPT, ("3",), "role('assistant')", "show or hide assistant turns"),
    Key("tool-turns", Scope.TRANSCRIPT, ("4",), "role('tool')", "show or hide tool turns"),
    Key("wrap", Scope.TRANSCRIPT, ("w",), "wrap", "wrap or truncate long lines"),
    Key("text-right", Scope.TRANSCRIPT, ("right",), "pan(1)", "scroll right (truncated lines)"),
    Key("text-left", Scope.TRANSCRIPT, ("left",), "pan(-1)", "scroll left (truncated lines)"),
    Key("export", Scope.TRANSCRIPT, ("ctrl+s",), "export", "save as JSON (as received) or Markdown"),
    Key("next-difference", Scope.COMPARE, ("n",), "difference(1)", "next difference", "difference"),
    Key("previous-difference", Scope.COMPARE, ("N",), "difference(-1)", "previous difference"),
    Key("fold-bodies", Scope.COMPARE, ("z",), "fold", "fold or unfold both turns", "fold"),
    Key("fold-all-bodies", Scope.COMPARE, ("Z",), "fold_all", "fold or unfold everything"),
    Key("compare-rollouts", Scope.ROLLOUTS, ("C",), "compare", "compare the two marked, else this one with another", "compare"),
    Key("compare-active", Scope.ACTIVE, ("C",), "compare", "compare the two marked, else this one with another", "compare"),
    Key("compare-several", Scope.SEVERAL, ("C",), "compare", "compare the two marked, else this one with another", "compare"),
    Key("compare-attempts", Scope.MATRIX, ("C",), "compare", "compare this rollout with another; of several runs, the runs", "compare"),
    Key("compare-this", Scope.TRANSCRIPT, ("C",), "compare", "compare this rollout with another"),
    Key("compare-runs", Scope.RUNS, ("C",), "compare", "compare the marked runs, else this one with the baseline", "compare"),
    Key("filter", Scope.EVERYWHERE, ("/",), "filter", "filter the list, or search the text", "filter"),
    Key("describe", Scope.LIST, ("d",), "screen.describe", "show every field as received", "describe"),
    Key("refresh", Scope.EVERYWHERE, ("ctrl+r",), "refresh_now", "refresh now"),
    Key("pause", Scope.EVERYWHERE, ("p",), "pause", "pause or resume polling", "pause"),
    Key("copy", Scope.EVERYWHERE, ("c",), "copy", "copy the id, or the message"),
    Key("actions", Scope.EVERYWHERE, ("A",), "actions", "results of cancel and delete, per run"),
    Key("help", Scope.EVERYWHERE, ("?",), "help", "show the keys of this screen", "help"),
    Key("back", Scope.EVERYWHERE, ("escape",), "back", "clear search, filter or marks, else go back"),
    Key("leave", Scope.EVERYWHERE, ("q",), "leave", "go back, or quit on the first screen", "quit"),
    Key("quit", Scope.EVERYWHERE, ("ctrl+q",), "app.quit", "quit from anywhere", acts_first=True),
    Key("suspend", Scope.EVERYWHERE, ("ctrl+z",), "app.suspend_process", "suspend to the shell", acts_first=True),
    Key("interrupt", Scope.EVERYWHERE, ("ctrl+c",), "interrupt", "copy the selection, else show how to quit"),
    Key("palette", Scope.EVERYWHERE, (":", "ctrl+p"), "app.command_palette", "find a command by name"),
    Key("panes", Scope.EVERYWHERE, ("tab",), "panes", "next pane"),
    Key("order", Scope.LIST, ("o",), "screen.order", "choose sort order and columns", "order"),
    Key("reverse", Scope.LIST, ("O",), "screen.reverse", "reverse sort"),
    Key("launch-like", Scope.RUNS, ("N",), "launch_like", "launch a run like this one", destroys=True),
    Key("launch-again", Scope.RUNS, ("R",), "launch_again", "rerun this run's failures", "rerun", destroys=True),
    Key("launch-again-rollouts", Scope.ROLLOUTS, ("R",), "launch_again", "rerun the marked rollouts' tasks, else the failures", "rerun", destroys=True),
    Key("launch-again-tasks", Scope.MATRIX, ("R",), "launch_again", "rerun the marked tasks, else the failures", "rerun", destroys=True),
    Key("with-reruns", Scope.MATRIX, ("W",), "with_reruns", "combine the run with its parent and reruns, or not"),
    Key("form-launch", Scope.FORM, ("ctrl+l",), "screen.launch", "validate, then confirm and launch", "launch", destroys=True),
    Key("form-enter", Scope.FORM, ("enter",), "enter", "choose from the gym's list, or next field", "list"),
    Key("form-next", Scope.FORM, ("down", "tab"), "row(1)", "next field", "next"),
    Key("form-previous", Scope.FORM, ("up", "shift+tab"), "row(-1)", "previous field"),
    Key("form-choice-next", Scope.FORM, ("right",), "choice(1)", "next choice (or type its first letter)"),
    Key("form-choice-previous", Scope.FORM, ("left",), "choice(-1)", "previous choice"),
    Key("form-test", Scope.FORM, ("ctrl+t",), "screen.test", "test the model from the gym", "test model"),
    Key("form-advanced", Scope.FORM, ("ctrl+o",), "screen.advanced", "show or hide advanced fields", "advanced"),
    Key("form-help", Scope.FORM, ("f1",), "screen.help", "show the keys, while typing", "help"),
    Key("pick-take", Scope.PICK, ("enter",), "take", "choose the marked rows, else this one", "choose"),
    Key("pick-mark", Scope.PICK, ("tab",), "mark", "mark or unmark, then move down (space too, while the filter is empty)", "mark"),
    Key("mark-all", Scope.PICK, ("ctrl+a",), "mark_all", "mark or unmark all shown rows", "all"),
    Key("pick-down", Scope.PICK, ("down",), "move(1)", "down"),
    Key("pick-up", Scope.PICK, ("up",), "move(-1)", "up"),
    Key("pick-page-down", Scope.PICK, ("pagedown",), "page(1)", "page down"),
    Key("pick-page-up", Scope.PICK, ("pageup",), "page(-1)", "page up"),
    Key("pick-help", Scope.PICK, ("f1",), "help", "show the keys, while typing", "help"),
    Key("only-active", Scope.RUNS, ("f",), "only_active", "show only active runs, or all", "active only"),
    Key("group", Scope.RUNS, ("b",), "group", "group by model, scenario or name prefix, or ungroup", "group"),
    Key("watch", Scope.RUNS, ("w",), "watch", "notify about the run, or cancel it once a condition is certain", "watch"),
    Key("digest", Scope.RUNS, ("S",), "digest", "list what happened since you left", "since"),
    Key("replay", Scope.RUNS, ("r",), "replay", "play the recording from this run's start", "replay"),
    Key("source", Scope.RUNS, ("s",), "source", "choose the source of the runs"),
    Key("zoom-in", Scope.ROLLOUTS, ("plus", "equals_sign"), "zoom(1)", "zoom in on the timeline", "zoom"),
    Key("zoom-out", Scope.ROLLOUTS, ("minus",), "zoom(-1)", "zoom out of the timeline"),
    Key("fit", Scope.ROLLOUTS, ("0",), "fit", "fit the whole timeline"),
    Key("pan-left", Scope.ROLLOUTS, ("left",), "pan(-1)", "pan to earlier times"),
    Key("pan-right", Scope.ROLLOUTS, ("right",), "pan(1)", "pan to later times"),
    Key("wall-clock", Scope.ROLLOUTS, ("T",), "wall_clock", "align the timeline by clock, or by each start", "clock"),
    Key("group-tasks", Scope.ROLLOUTS, ("b",), "group", "group by task, or ungroup", "group"),
    Key("more-k", Scope.MATRIX, ("plus", "equals_sign"), "k(1)", "increase k of pass@k and pass^k", "k"),
    Key("less-k", Scope.MATRIX, ("minus",), "k(-1)", "decrease k of pass@k and pass^k"),
    Key("failures-view", Scope.MATRIX, ("f",), "failures_view", "failures by criterion, by tool or by message", "failures by"),
    Key("read-transcripts", Scope.MATRIX, ("F",), "read_transcripts", "read the transcripts missing from failures by tool"),
    Key("baseline", Scope.RUNS, ("B",), "baseline", "compare other runs with this one, or with the checkpoint before", "baseline"),
    Key("baseline-on-chart", Scope.CHARTS, ("B",), "baseline", "compare the others with this one, or each with the one before", "baseline"),
    Key("baseline-here", Scope.MATRIX, ("B",), "baseline", "compare other runs with this one, or with the checkpoint before"),
    Key("note-runs", Scope.RUNS, ("number_sign",), "note", "write a note, with #tags, on the marked runs, else this one", "note"),
    Key("note-rollouts", Scope.ROLLOUTS, ("number_sign",), "note", "write a note, with #tags, on the marked rollouts, else this one", "note"),
    Key("note-active", Scope.ACTIVE, ("number_sign",), "note", "write a note, with #tags, on the marked rollouts, else this one", "note"),
    Key("note-this", Scope.TRANSCRIPT, ("number_sign",), "note", "write a note, with #tags, on this rollout", "note"),
    Key("down", Scope.LIST, ("down", "j"), "move(1)", "down"),
    Key("up", Scope.LIST, ("up", "k"), "move(-1)", "up"),
    Key("page-down", Scope.LIST, ("pagedown",), "page(1)", "page down"),
    Key("page-up", Scope.LIST, ("pageup",), "page(-1)", "page up"),
    Key("top", Scope.LIST, ("g", "home"), "top", "first row"),
    Key("bottom", Scope.LIST, ("G", "end"), "bottom", "last row"),
    Key("mark-range", Scope.LIST, ("v",), "mark_range", "mark from the last mark to here"),
    Key("unmark", Scope.LIST, ("u",), "unmark", "unmark all"),
    Key("text-down", Scope.TEXT, ("down", "j"), "move(1)", "down"),
    Key("text-up", Scope.TEXT, ("up", "k"), "move(-1)", "up"),
    Key("text-page-down", Scope.TEXT, ("pagedown", "space"), "page(1)", "page down"),
    Key("text-page-up", Scope.TEXT, ("pageup",), "page(-1)", "page up"),
    Key("text-top", Scope.TEXT, ("g", "home"), "top", "to the start"),
    Key("text-bottom", Scope.TEXT, ("G", "end"), "bottom", "to the end"),
    Key("do-it", Scope.CONFIRM, ("y",), "confirm", "confirm"),
    Key("keep", Scope.CONFIRM, ("n", "enter", "escape"), "keep", "keep, change nothing"),
    Key("menu-down", Scope.MENU, ("down", "j", "tab"), "move(1)", "down"),
    Key("menu-up", Scope.MENU, ("up", "k", "shift+tab"), "move(-1)", "up"),
    Key("menu-choose", Scope.MENU, ("enter",), "choose", "choose"),
    Key("menu-switch", Scope.MENU, ("space",), "switch", "show or hide the column"),
    Key("menu-leave", Scope.MENU, ("escape", "q"), "leave", "close, change nothing"),
    Key("replay-play", Scope.REPLAY, ("semicolon",), "replay_play", "play or pause the recording", "play"),
    Key("replay-back", Scope.REPLAY, ("comma",), "replay_step(-1)", "previous change"),
    Key("replay-on", Scope.REPLAY, ("full_stop",), "replay_step(1)", "next change"),
    Key("replay-minute-back", Scope.REPLAY, ("less_than_sign",), "replay_skip(-60)", "a minute back"),
    Key("replay-minute-on", Scope.REPLAY, ("greater_than_sign",), "replay_skip(60)", "a minute forward"),
    Key("replay-mark-back", Scope.REPLAY, ("left_parenthesis",), "replay_mark(-1)", "previous mark: start or end of a run, error, stuck"),
    Key("replay-mark-on", Scope.REPLAY, ("right_parenthesis",), "replay_mark(1)", "next mark"),
    Key("replay-slower", Scope.REPLAY, ("left_curly_bracket",), "replay_speed(-1)", "play slower"),
    Key("replay-faster", Scope.REPLAY, ("right_curly_bracket",), "replay_speed(1)", "play faster, up to 600×"),
    Key("replay-live", Scope.REPLAY, ("L",), "replay_live", "to the end of the recording, and follow it"),
)  # fmt: skip


def bindings(*scopes: Scope) -> list[BindingType]:
    """The framework's bindings of these scopes, in the table's order."""
    return [
        Binding(
            ",".join(key.keys),
            key.action,
            key.text,
            show=False,
            priority=key.acts_first,
            id=key.name,
        )
        for key in TABLE
        if key.scope in scopes
    ]


def keys_of(scopes: Iterable[Scope], *, read_only: bool, table: Sequence[Key] = TABLE) -> list[Key]:
    """What can be done in these scopes, in the table's order."""
    wanted = set(scopes)
    return [key for key in table if key.scope in wanted and not (read_only and key.destroys)]


_NAMES = {
    **{"escape": "esc", "enter": "↵", "pagedown": "PgDn", "pageup": "PgUp"},
    **{"down": "↓", "up": "↑", "left": "←", "right": "→"},
}
_PLAIN_NAMES = {"↵": "Enter", "↓": "Down", "↑": "Up", "←": "Left", "→": "Right"}


def typed_character(key: str) -> str | None:
    """What a key types, by its name; None if it types nothing."""
    # To Unicode, escape and tab are characters too.
    typed = key if len(key) == 1 else key_to_character(REPLACED_KEYS.get(key, key))
    return typed if typed is not None and typed.isprintable() else None


def display_key(key: str, *, plain: bool = False) -> str:
    """A key as people write it: `^d`, `↵`, `PgDn`, `+`; `plain` is with ASCII alone."""
    held, plus, base = key.rpartition("+")
    word = _NAMES.get(base) or (base if base == "space" else typed_character(base) or base)
    if plain:
        word = _PLAIN_NAMES.get(word, word)
    return f"^{word}" if held == "ctrl" else f"{held}{plus}{word}"


def markdown() -> str:
    """The table as the README has it, a section's keys in a row each."""
    rows = ["| where | key | what it does | name |", "|---|---|---|---|"]
    for scope in Scope:
        for key in TABLE:
            if key.scope is scope:
                names = " ".join(f"`{display_key(name)}`" for name in key.keys)
                rows.append(f"| {scope} | {names} | {key.text} | `{key.name}` |")
    return "\n".join(rows) + "\n"
