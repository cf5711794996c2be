"""Every key of every screen does something that is seen, or says why it does nothing.

CI presses each in every state of every place that has it, `make test` in every eighth of them.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from textual.pilot import Pilot
from textual.screen import Screen

import gymtui.tui
from gymtui.session import run_actions
from gymtui.session.actions import Verb
from gymtui.session.confirmation import Question, Target
from gymtui.session.rollout_ref import RolloutRef
from gymtui.session.saved_layout import SavedLayout
from gymtui.tui.actions.screen import ActionsScreen
from gymtui.tui.active.screen import ActiveScreen
from gymtui.tui.app.confirm import ConfirmScreen
from gymtui.tui.app.file_app import FileApp
from gymtui.tui.charts.screen import ChartsScreen
from gymtui.tui.compare.screen import CompareScreen
from gymtui.tui.context.keymap import TABLE, Key, Scope
from gymtui.tui.context.routes import Describe, OpenCharts, OpenSearch
from gymtui.tui.describe.screen import DescribeScreen
from gymtui.tui.files.screen import FileScreen
from gymtui.tui.help.screen import HelpScreen
from gymtui.tui.kit.dialog import Dialog, QuestionScreen
from gymtui.tui.kit.list_screen import ListScreen
from gymtui.tui.kit.menu import Choice, MenuScreen
from gymtui.tui.kit.pick import PickOption, PickScreen, Titles
from gymtui.tui.kit.save_screen import SaveScreen
from gymtui.tui.kit.screen import GymScreen
from gymtui.tui.kit.styled_text import StyledText
from gymtui.tui.kit.text_question import TextQuestionScreen
from gymtui.tui.kit.text_view import TextScreen
from gymtui.tui.kit.transcript.reader_screen import ReaderScreen
from gymtui.tui.launch.form_screen import FormScreen
from gymtui.tui.launch.screen import LaunchScreen
from gymtui.tui.matrix.comparison_screen import CompareRunsScreen
from gymtui.tui.matrix.panes import MatrixPanes
from gymtui.tui.matrix.runs_screen import RunsMatrixScreen
from gymtui.tui.matrix.screen import MatrixScreen
from gymtui.tui.rollouts.screen import RolloutsScreen
from gymtui.tui.rollouts.several_screen import SeveralRolloutsScreen
from gymtui.tui.rules.screen import RulesScreen
from gymtui.tui.runs.screen import RunsScreen
from gymtui.tui.runtime.crash_report import Reporter
from gymtui.tui.runtime.guard import GuardedApp
from gymtui.tui.search.screen import SearchScreen
from gymtui.tui.transcript.screen import TranscriptScreen
from tests.conftest import THOROUGH
from tests.tui.app.test_file_app import MESSAGES, sees
from tests.tui.person import Person
from tests.tui.staged import StillGym, staged_dashboard
from tests.tui.transcript.test_stops import long_turns

RUNS = ("alpha", "beta", "gamma")
SIZE = (100, 24)

MOVES = frozenset(
    {
        *("down", "up", "page-down", "page-up", "top", "bottom"),
        *("text-down", "text-up", "text-page-down", "text-page-up", "text-top", "text-bottom"),
        *("menu-down", "menu-up", "pick-down", "pick-up", "pick-page-down", "pick-page-up"),
        *("form-next", "form-previous", "form-choice-next", "form-choice-previous"),
        *("next-attempt", "previous-attempt"),
    }
)
"""Where there is nowhere to go a cursor stays, as everywhere."""
ASKS = frozenset({"refresh"})
"""What it does is seen when the gym answers; the status line says how old the picture is."""
ENDS = frozenset({"quit", "suspend"})
"""The program is left by these."""
SILENT = MOVES | ASKS | ENDS
ALWAYS = frozenset({"help", "palette", "interrupt", "pause", "form-help", "pick-help"})
"""What these do depends on no state: they are pressed at the first row of each place alone."""
ANYWHERE = frozenset(key.name for key in TABLE if key.scope is Scope.EVERYWHERE) - {"copy", "back"}
"""What these do depends on whether there is anything, not on what the cursor stands on."""

BASES = {
    Dialog,
    TextScreen,
    GymScreen,
    ListScreen,
    MatrixPanes,
    ReaderScreen,
    SaveScreen,
    FormScreen,
}
"""Screens that others are made of."""


class UnreachableGym(StillGym):
    """Nobody answers."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        """No connection."""
        raise httpx.ConnectError("refused", request=request)


def full() -> StillGym:
    """Three runs of two tasks, all with transcripts."""
    gym = StillGym()
    for run in RUNS:
        gym.add(run, "book_room", "pass", "fail", "env", "running")
        for rollout_id in gym.add(run, "call_back", "pass", "agent"):
            gym.artifacts[rollout_id] = long_turns()
    return gym


def nothing(*_: object) -> None:
    """Take an answer."""


OFFERS = tuple(PickOption(name, about="words") for name in ("one", "two", "three"))
TITLES = Titles("TASK", about="ABOUT")
TRANSCRIPT = ("gamma", "gamma.005")

PLACES: dict[str, Callable[[], Screen[Any]]] = {
    "runs": RunsScreen,
    "rollouts": lambda: RolloutsScreen("gamma"),
    "several": lambda: SeveralRolloutsScreen(RUNS, ""),
    "active": ActiveScreen,
    "rules": RulesScreen,
    "matrix": lambda: MatrixScreen("gamma"),
    "across": lambda: RunsMatrixScreen(RUNS),
    "comparison": lambda: CompareRunsScreen(RUNS),
    "transcript": lambda: TranscriptScreen(*TRANSCRIPT),
    "charts": lambda: ChartsScreen(OpenCharts(RUNS)),
    "bins": lambda: ChartsScreen(OpenCharts(RUNS, "elapsed")),
    "search": lambda: SearchScreen(OpenSearch(RUNS, None, "3 runs", "role:assistant")),
    "compare": lambda: CompareScreen(RolloutRef(*TRANSCRIPT), RolloutRef("gamma", "gamma.006")),
    "describe": lambda: DescribeScreen(Describe("gamma", b'{"run_id": "gamma"}')),
    "actions": ActionsScreen,
    "help": lambda: HelpScreen((Scope.RUNS,)),
    "form": LaunchScreen,
    "pick": lambda: PickScreen("task", TITLES, OFFERS, nothing),
    "pick one": lambda: PickScreen("task", TITLES, OFFERS, nothing, several=False),
    "pick of none": lambda: PickScreen("task", TITLES, (), nothing),
    "menu": lambda: MenuScreen("choose", [Choice("a", "A"), Choice("b", "B", is_current=True)]),
    "ask": lambda: QuestionScreen("Sure?", ((StyledText("It is."),),), do="do it", keep="keep"),
    "confirm": lambda: ConfirmScreen(Question(Verb.DELETE, (Target("gamma", 1, 6),))),
}


def keys_at(screen: Screen[Any]) -> list[Key]:
    """All that is bound there."""
    if isinstance(screen, QuestionScreen):
        scopes: tuple[Scope, ...] = (Scope.CONFIRM,)
    elif isinstance(screen, MenuScreen):
        scopes = (Scope.MENU,)
    else:
        assert isinstance(screen, GymScreen)
        scopes = screen.scopes
    also = {"back"} if scopes in ((Scope.PICK,), (Scope.FORM,)) else set()
    return [key for key in TABLE if key.scope in scopes or key.name in also]


@dataclass
class Watcher:
    """What a key did: what is told, left or copied, and what is on screen."""

    app: GuardedApp
    told: list[str] = field(default_factory=list)

    def attach(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have it told instead of shown."""

        def tell(message: str, **_: object) -> None:
            assert message.strip()
            self.told.append(message)

        monkeypatch.setattr(self.app, "notify", tell)
        for name in ("exit", "copy_to_clipboard"):
            monkeypatch.setattr(self.app, name, lambda *_, **__: self.told.append("done"))

    def seen(self) -> object:
        """What is on screen."""
        screen: Screen[Any] = self.app.screen
        drawn = [[(s.text, s.style) for s in strip] for strip in screen._compositor.render_strips()]
        return [id(each) for each in self.app.screen_stack], drawn

    async def silent_among(
        self,
        keys: Iterable[Key],
        pilot: Pilot[Any],
        again: Callable[[], Awaitable[None]],
        skip: frozenset[str] = SILENT | ALWAYS,
    ) -> list[str]:
        """Which keys neither do anything nor say why.

        Args:
            keys: Those that are pressed, each where the one before left nothing.
            pilot: Who presses.
            again: Has all as before any was pressed.
            skip: Names of those that are not pressed.
        """
        found: list[str] = []
        await again()
        before, depth = self.seen(), len(self.app.screen_stack)
        for key in keys:
            if key.name in skip:
                continue
            self.told.clear()
            await pilot.press(key.keys[0])
            await pilot.pause()
            now = self.seen()
            if now == before:
                found += [] if self.told else [key.name]
                continue
            while len(self.app.screen_stack) > depth:
                self.app.pop_screen()
                await pilot.pause()
            if self.seen() != before:
                await again()
                before = self.seen()
        return found


async def opened(person: Person, place: str, *ready: str, press: tuple[str, ...] = ()) -> None:
    """One of the places, as if nothing had been done before."""
    app = person.app
    new = PLACES[place]()
    depth = 2 if place == "runs" else 3
    while len(app.screen_stack) > depth:
        app.pop_screen()
    app.saved_layout = SavedLayout()
    app.session.compared_first = app.screen.hint = None
    app.session.poller.pause(False)
    if len(app.screen_stack) == depth:
        app.switch_screen(new)  # what lies below is not drawn in between
    else:
        app.push_screen(new)
    await person.pilot.pause()
    if ready:
        await person.sees(*ready)
    await person.press(*press)


async def silent_keys(
    person: Person, watch: Watcher, states: Sequence[State]
) -> dict[State, list[str]]:
    """Which keys do nothing and say nothing in which of these states."""
    found: dict[State, list[str]] = {}
    for state in states:
        place, _, press = state
        words = shown_at(state)

        async def again(
            place: str = place, words: tuple[str, ...] = words, press: tuple[str, ...] = press
        ) -> None:
            await opened(person, place, *words, press=press)

        keys = pressed(state)
        if keys and (silent := await watch.silent_among(keys, person.pilot, again, SILENT)):
            found[state] = silent
    return found


def classes_of(kind: type[Any]) -> Iterator[type[Any]]:
    for each in kind.__subclasses__():
        yield each
        yield from classes_of(each)


def test_every_screen_and_every_scope_is_among_the_places() -> None:
    for module in pkgutil.walk_packages(gymtui.tui.__path__, "gymtui.tui."):
        importlib.import_module(module.name)
    ours = {each for each in classes_of(Screen) if each.__module__.startswith("gymtui.")}
    shown = {type(make()) for make in PLACES.values()} | {FileScreen, TextQuestionScreen}
    assert ours - BASES == shown
    assert {key.scope for make in PLACES.values() for key in keys_at(make())} == set(Scope) - {
        Scope.REPLAY  # of its app, on whichever screen (test_replay_app)
    }


READY = {
    "runs": ("alpha", "gamma"),
    "rollouts": ("call_back",),
    "active": ("gamma",),
    "matrix": ("call_back", "[", "]"),
    "across": ("call_back",),
    "comparison": ("call_back",),
    "transcript": ("turn 1 of",),
    "charts": ("CHECKPOINT",),
    "bins": ("ELAPSED",),
    "search": ("transcripts searched", "hit"),
    "compare": ("the same calls",),
}
ODD: dict[str, tuple[str, tuple[str, ...]]] = {
    "groups": ("runs", ("b",)),
    "groups, none left": ("runs", ("b", "slash", "z", "enter")),
    "nothing passes the filter": ("runs", ("slash", "z", "enter")),
    "no timeline": ("rollouts", ("t",)),
    "a close look": ("rollouts", ("plus", "plus", "plus")),
    "no rollout passes": ("rollouts", ("slash", "z", "enter")),
    "no task passes": ("matrix", ("slash", "z", "enter")),
    "least k": ("matrix", ("minus", "minus")),
    "most k": ("matrix", ("plus", "plus", "plus")),
    "reasons": ("matrix", ("tab",)),
    "reasons of runs": ("across", ("tab",)),
    "as received": ("transcript", ("r",)),
    "lines cut": ("transcript", ("w",)),
    "searched in vain": ("transcript", ("slash", "@", "enter")),
    "outline": ("transcript", ("tab",)),
    "bodies": ("compare", ("tab",)),
}
"""Further states: of which place, and how one gets there."""
NOTHING, UNREACHABLE = "there is nothing", "there is no gym"
OF_THE_GYM = [*READY, "form"]
"""Places that show what the gym says."""

State = tuple[str, str, tuple[str, ...]]
"""Of which place, what it is called, and what is pressed to get there."""
STATES: dict[State, frozenset[str]] = {
    **{(place, NOTHING, ()): SILENT | ALWAYS for place in OF_THE_GYM},
    **{(place, UNREACHABLE, ()): SILENT | ANYWHERE for place in OF_THE_GYM},
    **{(place, "first", ()): SILENT for place in PLACES},
    **{(place, "last", ("end",)): SILENT | ANYWHERE for place in READY},
    **{(place, odd, keys): SILENT | (ANYWHERE - {"panes"}) for odd, (place, keys) in ODD.items()},
}
"""All there are, and the names of keys that are not pressed there."""
ELSEWHERE = 8
"""`make test` presses a key in one of so many of the states in which it can be."""


def shown_at(state: State) -> tuple[str, ...]:
    """What is on screen there, before anything is pressed."""
    place, name, _ = state
    return () if name in (NOTHING, UNREACHABLE) else READY.get(place, ())


@cache
def presses() -> dict[State, list[Key]]:
    """Which keys are pressed in which state."""
    where: dict[str, list[State]] = {}
    bound = {place: keys_at(make()) for place, make in PLACES.items()}
    for state, skipped in STATES.items():
        for key in bound[state[0]]:
            if key.name not in skipped:
                where.setdefault(key.name, []).append(state)
    turns = {name: number for number, name in enumerate(where)}
    found: dict[State, list[Key]] = {state: [] for state in STATES}
    for state, skipped in STATES.items():
        for key in bound[state[0]]:
            if key.name in skipped:
                continue
            states = where[key.name]
            every = 1 if THOROUGH else min(ELSEWHERE, len(states))
            if states.index(state) % every == turns[key.name] % every:
                found[state].append(key)
    return found


def pressed(state: State) -> list[Key]:
    """The keys that are pressed in a state: its share of them, or all."""
    return presses()[state]


def named(*names: str) -> list[State]:
    """The states that are called so."""
    return [state for state in STATES if state[1] in names]


def test_every_key_is_pressed_somewhere() -> None:
    everywhere = {key.name for make in PLACES.values() for key in keys_at(make())}
    assert {key.name for keys in presses().values() for key in keys} == everywhere - SILENT


async def test_where_there_is_nothing_every_key_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged_dashboard(StillGym(), tmp_path, SIZE) as person:
        await person.until(lambda: person.app.session.link.synced)
        watch = Watcher(person.app)
        watch.attach(monkeypatch)
        assert await silent_keys(person, watch, named(NOTHING)) == {}


async def test_without_a_gym_every_key_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged_dashboard(UnreachableGym(), tmp_path, SIZE) as person:
        await person.until(lambda: person.app.session.link.error is not None)
        watch = Watcher(person.app)
        watch.attach(monkeypatch)
        assert await silent_keys(person, watch, named(UNREACHABLE)) == {}


PARTS = 6
"""So many dashboards the states on a full gym are shared out among."""


@pytest.mark.parametrize("part", range(PARTS))
async def test_on_a_full_gym_every_key_does_something_or_says_why(
    part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged_dashboard(full(), tmp_path, SIZE) as person:
        await person.until(lambda: len(person.app.session.store.rollouts) == 18)
        watch = Watcher(person.app)
        watch.attach(monkeypatch)
        states = named("first", "last", *ODD)[part::PARTS]
        assert await silent_keys(person, watch, states) == {}


@pytest.mark.parametrize("odd", ["malformed", "gone"])
async def test_on_a_row_that_is_no_run_any_more_every_key_says_why(
    odd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gym = StillGym()
    gym.add("gamma", "book_room", "pass", "fail")
    if odd == "malformed":
        gym.odd["gamma"] = {"total": 2}
    monkeypatch.setattr(run_actions, "SHOWN_S", 600.0)
    async with staged_dashboard(gym, tmp_path, SIZE) as person:
        await person.until(lambda: len(person.app.session.store.runs) == 1)
        if odd == "gone":
            await person.until(lambda: len(person.app.session.store.rollouts) == 2)
            del gym.runs["gamma"]
            await person.app.session.run_actions.act(Verb.DELETE, ["gamma"])
            await person.until(lambda: person.app.session.store.runs["gamma"].is_deleted)
        watch = Watcher(person.app)
        watch.attach(monkeypatch)
        shown = {"malformed": "malformed: run_id", "gone": "gamma"}[odd]

        async def again() -> None:
            await opened(person, "runs", shown)

        keys = [key for key in keys_at(RunsScreen()) if key.name not in ANYWHERE]
        assert await watch.silent_among(keys, person.pilot, again) == []


@pytest.mark.fair_part(3)
@pytest.mark.parametrize("files", [1, 2])
@pytest.mark.parametrize("what", ["transcript", "no transcript"])
async def test_every_key_on_a_file_does_something_or_says_why(
    files: int, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / f"{number}.json" for number in range(files)]
    for path in paths:
        path.write_text(json.dumps(MESSAGES) if what == "transcript" else "{")
    app = FileApp(paths, Reporter(tmp_path, secrets=[]))
    async with app.run_test(size=SIZE) as pilot:
        watch = Watcher(app)
        watch.attach(monkeypatch)

        async def again() -> None:
            while len(app.screen_stack) > 2:
                app.pop_screen()
            app.screen.hint = None
            app.switch_screen(FileScreen(paths))
            await sees(pilot, "hello" if what == "transcript" else "cut off")
            await pilot.pause()

        assert await watch.silent_among(keys_at(FileScreen(paths)), pilot, again) == []
