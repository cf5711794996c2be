"""Launching from the dashboard, on a real local gym."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.events import Key, Paste
from textual.widgets import Input

from gymtui.config.schema import ModelKeySource
from gymtui.tui.kit.dialog import QuestionScreen
from gymtui.tui.kit.pick import PickScreen
from gymtui.tui.launch.form_screen import FormScreen
from gymtui.tui.rollouts.screen import RolloutsScreen
from gymtui.tui.runs.screen import RunsScreen
from tests.gym.running_gym import RunningGym, running_gym
from tests.tui.person import Person, dashboard

KEY = "sk_model_0123456789abcdef"


async def type_in(person: Person, text: str) -> None:
    """Type in one burst, as over a slow line: it is drawn once, and nothing of it is lost."""
    for character in text:
        person.app.post_message(_key({" ": "space", "/": "slash"}.get(character, character)))
    await person.pilot.pause()


async def fill(person: Person, model: str = "scripted/careful") -> None:
    """Open the form and name scenario, one task and a model."""
    await person.press("n")
    await person.sees("list of 1")
    await person.press("down")
    await type_in(person, "offer_negotiation")
    await person.press("down")
    await type_in(person, model)


def form(person: Person) -> FormScreen:
    assert isinstance(person.app.screen, FormScreen)
    return person.app.screen


def runs(person: Person) -> list[str]:
    return [run["run_id"] for run in person.http.get("/runs").json()["runs"]]


def faulty(gym: RunningGym, person: Person, **fault: Any) -> None:
    order = {"method": "POST", "path": "/runs$", "times": 1, **fault}
    person.http.post("/__faults__", json=order).raise_for_status()


def lost(gym: RunningGym, person: Person) -> None:
    """The next launch gets no answer, and its run is not found before the faults are cleared."""
    unseen = {"kind": "status", "status": 503}
    faulty(gym, person, method="GET", path="/runs/careful", times=None, fault=unseen)
    faulty(gym, person, fault={"kind": "drop", "when": "after"})


async def test_a_run_is_launched_from_the_gyms_lists_and_selected_when_it_appears(
    tmp_path: Path,
) -> None:
    async with running_gym(tmp_path, held=True) as gym, dashboard(gym, tmp_path) as person:
        person.launch("older")
        await person.sees("older")
        await person.press("n")
        await person.sees("list of 1")
        await person.press("enter")
        await person.sees("1 scenario")
        await person.press("enter")
        await person.sees("tasks", "list")
        await person.until(lambda: isinstance(person.app.screen, FormScreen))
        await person.sees("required · ↵ list of 8")
        await person.press("enter")
        await person.sees("8 tasks", "none marked")
        await person.press(*"interview", "ctrl+a", "enter")
        await person.sees("2 of 8")
        await type_in(person, "scripted/careful, scripted/hasty")
        await person.press("down", "down", "down", "backspace", "3")
        await person.sees("2 models × 2 tasks × 3 rollouts = 12")
        await person.press("ctrl+l")
        await person.sees("Launch these 2 runs?", "= 12 rollouts", "scripted/hasty · custom")
        await person.press("y")
        await person.sees("launched careful", "launched hasty")
        assert isinstance(person.app.screen, RunsScreen)
        assert len(runs(person)) == 3
        grid = person.app.screen._grid
        await person.until(lambda: str(grid.cursor_id).startswith("careful-"))
        seen = person.ask(str(grid.cursor_id)).json()
        assert seen["total"] == 6


async def test_the_wheel_goes_a_row_at_a_time(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await person.press("n")
        await person.sees("list of 1")
        rows = form(person)._form
        keys = [rows.key]
        for lines in (3, 3, -3, -3, -3):
            rows.scroll_by_lines(lines)
            keys.append(rows.key)
        first, second, third = keys[:3]
        assert len({first, second, third}) == 3
        assert keys[3:] == [second, first, first]


async def test_what_is_typed_narrows_what_there_is_to_choose_and_does_nothing_else(
    tmp_path: Path,
) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await person.press("n")
        await person.sees("list of 1")
        await person.press("enter", "enter")
        await person.sees("required · ↵ list of 8")
        await person.press("enter")
        await person.sees("8 tasks", "none marked")
        await person.press(*"phone")
        shown = await person.sees("schedule_phone_screen", "filter: phone (1 shown)")
        assert "offer_negotiation" not in shown
        assert "paused" not in shown
        await person.press("tab")
        await person.sees("1 marked")
        await person.press("escape")
        await person.sees("offer_negotiation", "1 marked")
        await person.press(*"nev")
        await person.sees("no matches")
        for key in ["escape", "pagedown", "space", *"pan", "tab", "enter"]:  # in one burst
            person.app.post_message(_key(key))
        await person.sees("3 of 8")
        chosen = form(person)._draft.ids_in("task_ids")
        wanted = {"schedule_phone_screen", "book_panel_interview", "flag_biased_adjustment"}
        assert set(chosen) == wanted


async def test_what_is_offered_is_filtered_by_the_names_of_its_columns(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await fill(person)
        form(person)._form.go("task_ids")
        await person.press("enter")
        shown = await person.sees("8 tasks", "CATEGORY", "DIFFICULTY", "words, or difficulty:")
        example = shown.partition("words, or ")[2].split()[0]
        await person.press(*example)
        await person.sees(f"filter: {example} (", " shown)")
        await person.press("escape", *"category:recruiting")
        await person.sees("filter: category:recruiting (", " shown)")


async def test_a_model_that_the_gym_turns_out_to_need_is_to_be_mended(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await fill(person, "")
        await person.press("ctrl+t")
        await person.sees("invalid_model: A model is needed", "1 refused")
        assert form(person)._state.error_of("model_config.model") == "A model is needed"
        form(person)._form.go("model_config.temperature")
        await person.press("3")
        await person.sees("2 fields to fix")


async def test_nothing_is_sent_before_it_was_asked_and_enter_keeps(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await person.sees("no runs")
        await fill(person)
        await person.press("ctrl+l")
        await person.sees("Launch this run?")
        await person.press("x", "space", "ctrl+l", "tab")
        assert isinstance(person.app.screen, QuestionScreen)
        await person.press("enter")
        assert "offer_negotiation" in person.screen()
        assert runs(person) == []


async def test_a_mistake_is_told_as_it_is_typed_and_gone_to_when_launching(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await fill(person)
        form(person)._form.go("model_config.temperature")
        await person.press("3")
        await person.sees("should be 0 to 2", "1 field to fix")
        await person.press("up", "up", "up", "ctrl+l")
        await person.sees("not sent: should be 0 to 2")
        assert form(person)._form.key == "model_config.temperature"
        await person.press("backspace", "1", "ctrl+l")
        await person.sees("Launch this run?")


async def test_a_task_that_the_gym_does_not_list_is_told_before_it_is_asked_for(
    tmp_path: Path,
) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await fill(person)
        form(person)._form.go("task_ids")
        await person.press("backspace")
        told = "not in the gym's list: offer_negotiatio; did you mean offer_negotiation?"
        form(person)._form.go("launch")
        await person.press("ctrl+l")
        await person.sees(f"{told}; ctrl+l again launches anyway")
        assert form(person)._form.key == "task_ids"
        await person.press("ctrl+l")
        await person.sees("Launch this run?", told)
        await person.press("n", "backspace", "ctrl+l")
        await person.sees("list: offer_negotiati;", "ctrl+l again")
        assert isinstance(person.app.screen, FormScreen)


async def test_what_was_typed_outlives_resizing_and_focus_and_is_not_thrown_away_unasked(
    tmp_path: Path,
) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await fill(person, model="half-")
        await person.pilot.resize_terminal(80, 24)
        person.app.app_focus = False
        await person.pilot.pause()
        person.app.app_focus = True
        await person.pilot.pause()
        await type_in(person, "typed")
        await person.sees("half-typed", "offer_negotiation")
        await person.press("escape")
        await person.sees("Discard this form?")
        await person.press("enter")
        await person.sees("half-typed")
        await person.press("escape", "y")
        assert isinstance(person.app.screen, RunsScreen)


async def test_a_form_that_nobody_touched_is_left_at_once(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await person.press("n")
        await person.sees("list of 1")
        await person.press("down", "down", "escape")
        assert isinstance(person.app.screen, RunsScreen)


async def test_several_pasted_lines_are_all_taken(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await fill(person)
        await person.press("ctrl+o")
        form(person)._form.go("model_config.system_prompt")
        await person.pilot.pause()
        person.app.screen.focused.post_message(Paste("be brief\nbe \x1b[31mkind\n"))
        await person.sees("be brief⏎be kind⏎")
        assert form(person)._draft.text("model_config.system_prompt") == "be brief⏎be kind⏎"


async def test_a_refusal_is_shown_at_its_field_and_the_form_stays(tmp_path: Path) -> None:
    async with (
        running_gym(tmp_path, faults=True) as gym,
        dashboard(gym, tmp_path, size=(120, 40)) as person,
    ):
        await fill(person)
        detail = [
            {"loc": ["body", "model_config", "context_stride"], "msg": "not today", "type": "x"}
        ]
        faulty(gym, person, fault={"kind": "status", "status": 422, "detail": detail})
        await person.press("ctrl+l", "y")
        await person.sees("not today", "context stride", "1 refused")
        assert form(person)._form.key == "model_config.context_stride"
        await person.sees("scripted/careful")
        assert not person.app._notifications, "it is told where it is seen"
        await person.press("up", "ctrl+l")
        await person.sees("not sent: not today; ctrl+l again launches anyway")
        await person.press("ctrl+l")
        await person.sees("Launch this run?", "context stride  not today")
        await person.press("n")
        await person.press("2")
        await person.sees_no("not today   ")
        await person.press("ctrl+l")
        await person.sees("Launch this run?")


async def test_a_name_that_is_taken_is_told_at_the_name(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        person.launch("taken")
        await fill(person)
        form(person)._form.go("run_name")
        await type_in(person, "taken")
        await person.press("ctrl+l", "y")
        await person.sees("exists already")
        assert form(person)._form.key == "run_name"


async def test_of_several_models_those_that_were_not_launched_stay_in_the_form(
    tmp_path: Path,
) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await fill(person, model="scripted/careful, nonsense, scripted/lost")
        await person.press("ctrl+l", "y")
        await person.sees("Unknown model nonsense")
        assert len(runs(person)) == 1
        assert form(person)._draft.text("model_config.model") == "nonsense, scripted/lost"
        (line,) = [line for line in person.screen().splitlines() if line.startswith("▌models")]
        assert line.split()[1:3] == ["nonsense,", "scripted/lost"], "what is sent is what is shown"


async def test_a_lost_answer_is_looked_up_and_the_run_launched_once(tmp_path: Path) -> None:
    async with (
        running_gym(tmp_path, faults=True) as gym,
        dashboard(gym, tmp_path) as person,
    ):
        await fill(person)
        lost(gym, person)
        await person.press("ctrl+l", "y")
        await person.sees("sent, no answer (dropped): looking for careful")
        person.http.delete("/__faults__").raise_for_status()
        await person.sees("found by its name")
        assert isinstance(person.app.screen, RunsScreen)
        assert len(runs(person)) == 1


async def test_a_launch_that_is_looked_for_is_seen_through_without_its_form(
    tmp_path: Path,
) -> None:
    async with (
        running_gym(tmp_path, faults=True) as gym,
        dashboard(gym, tmp_path) as person,
    ):
        await fill(person)
        lost(gym, person)
        await person.press("ctrl+l", "y")
        await person.sees("looking for careful")
        await person.press("escape")
        assert isinstance(person.app.screen, RunsScreen), "leaving asks nothing: it was sent"
        person.http.delete("/__faults__").raise_for_status()
        await person.sees("found by its name")
        assert len(runs(person)) == 1


async def test_going_to_another_gym_says_that_a_launch_is_left_open(tmp_path: Path) -> None:
    async with (
        running_gym(tmp_path, faults=True) as gym,
        dashboard(gym, tmp_path) as person,
    ):
        await fill(person)
        faulty(gym, person, fault={"kind": "drop", "when": "before"})
        await person.press("ctrl+l", "y")
        await person.sees("looking for careful")
        app = person.app
        app.enter(app.session.settings, app.session.client, None)
        await person.sees("was launched is unknown")
        assert isinstance(app.screen, RunsScreen)
        assert "launches" not in app.__dict__


async def test_without_lists_ids_are_typed(tmp_path: Path) -> None:
    async with (
        running_gym(tmp_path, faults=True) as gym,
        dashboard(gym, tmp_path) as person,
    ):
        order = {"path": "/scenarios", "times": None, "fault": {"kind": "status", "status": 404}}
        person.http.post("/__faults__", json=order).raise_for_status()
        await person.press("n")
        await type_in(person, "hr")
        await person.press("enter")
        await type_in(person, "offer_negotiation")
        await person.press("enter")
        await type_in(person, "scripted/careful")
        await person.sees("1 model × 1 task × 1 rollout = 1")
        await person.press("ctrl+l", "y")
        await person.sees("launched careful")


async def test_a_typed_key_is_sent_and_shown_nowhere(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await fill(person)
        form(person)._form.go("model_config.api_key")
        await type_in(person, KEY)
        await person.sees("•" * len(KEY))
        field = person.app.screen.focused
        assert isinstance(field, Input)
        field.select_all()
        field.action_copy()
        assert person.app.clipboard == ""
        await person.press("down")
        await person.sees("typed, sk_…cdef")
        await person.press("ctrl+l")
        shown = await person.sees("Launch this run?", "typed (sk_…cdef)")
        assert KEY not in shown
        await person.press("y")
        await person.sees("launched")
        assert KEY not in person.screen()
        assert not person.app.reporter.examine(ValueError(KEY)).headline.count(KEY)


async def test_a_key_from_the_environment_is_named_and_a_missing_one_told(tmp_path: Path) -> None:
    async with (
        running_gym(tmp_path) as gym,
        dashboard(
            gym,
            tmp_path,
            model_env={"OPENAI_API_KEY": KEY, "OTHER": KEY},
            model_keys={"gcp": ModelKeySource(env="MISSING")},
        ) as person,
    ):
        await fill(person)
        await person.press("down", "o")
        await person.sees("OPENAI_API_KEY (sk_…cdef)")
        await person.press("a")
        await person.sees("set ANTHROPIC_API_KEY")
        await person.press("g")
        shown = await person.sees("MISSING is not set")
        assert KEY not in shown
        await person.press("ctrl+l")
        assert form(person)._form.key == "model_config.api_key"


async def test_the_gym_tests_a_model_without_launching(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await fill(person, model="scripted/careful, nonsense")
        await person.press("ctrl+t")
        await person.sees("1 of 2 models answer", "✗ nonsense: invalid_model")
        await person.press(*["backspace"] * len(", nonsense"), "ctrl+t")
        await person.sees("✓ the gym reaches scripted/careful")
        assert runs(person) == []


async def test_a_run_like_another_has_its_tasks_and_settings(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        tasks = ["offer_negotiation", "schedule_phone_screen"]
        person.launch("first", task_ids=tasks, rollout_count=2, model="scripted/hasty", max_steps=9)
        await person.sees("first", "4/4")
        await person.press("N")
        await person.sees("scripted/hasty", "1 model × 2 tasks × 2 rollouts = 4")
        assert form(person)._draft.text("model_config.max_steps") == "9"
        assert form(person)._draft.parent is None
        await person.press("ctrl+l", "y")
        await person.sees("launched hasty")


async def test_a_rerun_of_what_failed_is_three_keys(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        tasks = ["offer_negotiation", "schedule_phone_screen"]
        person.launch("bad", task_ids=tasks, model="scripted/lost", max_steps=2)
        await person.sees("bad", "2/2")
        await person.press("R")
        await person.sees("2 fails", "1 model × 2 tasks × 1 rollout = 2")
        await person.press("enter", "y")
        await person.sees("launched bad-again-")
        (again,) = [run for run in runs(person) if run != "bad"]
        assert person.app.session.launches.kept.parents == {again: "bad"}


async def test_what_is_run_again_is_chosen_by_cause(tmp_path: Path) -> None:
    async with (
        running_gym(tmp_path, held=True) as gym,
        dashboard(gym, tmp_path) as person,
    ):
        person.launch("mixed", task_ids=["offer_negotiation"], rollout_count=3, max_parallel=1)
        await person.sees("mixed", "0/3")
        person.http.post("/runs/mixed/cancel").raise_for_status()
        gym.let_go()
        await person.sees("3/3")
        await person.press("R")
        await person.sees("3 cancelled", "1 model × 1 task × 3 rollouts = 3")
        form(person)._form.go("again")
        await person.press("enter")
        await person.sees("1 cause", "cancelled")
        assert isinstance(person.app.screen, PickScreen)
        await person.press("escape")
        assert isinstance(person.app.screen, FormScreen)


async def test_marked_rollouts_are_run_again_by_their_tasks(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        tasks = ["offer_negotiation", "schedule_phone_screen"]
        person.launch("good", task_ids=tasks)
        await person.sees("good", "2/2")
        await person.press("enter")
        await person.sees("2/2 done")
        await person.press("g", "space", "R")
        await person.sees("1 model × 1 task × 1 rollout = 1", "runs › good › rerun")
        await person.press("enter", "y")
        await person.sees("launched good-again-")
        assert isinstance(person.app.screen, RolloutsScreen)


async def test_nothing_that_failed_is_said(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        person.launch("good")
        await person.sees("good", "1/1")
        await person.press("R")
        await person.sees("no failures in this run")
        assert form(person)._form.key == "task_ids"


async def test_a_rerun_and_its_parent_are_read_as_one(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        person.launch("a", rollout_count=2)
        person.launch("a-again-abcde", rollout_count=3)
        # Their order is that of their beginning, which is known with the verdicts.
        await person.sees("2 runs", " of 2 ", " of 3 ")
        await person.press("g", "space", "space", "m")
        await person.sees("combined: tasks × attempts")
        await person.press("enter")
        await person.sees("combined with a-again-abcde", "5/5 done", "✓ ✓ ✓")
        await person.press("W")
        await person.sees("2/2 done", "W combined with its rerun")
        await person.press("R")
        await person.sees("no failures")


async def test_read_only_takes_launching_away(tmp_path: Path) -> None:
    async with (
        running_gym(tmp_path) as gym,
        dashboard(gym, tmp_path, read_only=True) as person,
    ):
        person.launch("any")
        shown = await person.sees("any", "1/1")
        assert "n launch" not in shown
        for key in "nNR":
            await person.press(key)
            await person.sees("read-only: launch is disabled")
            assert isinstance(person.app.screen, RunsScreen)


HOSTILE = "\x1b]52;c;aGk=\x07\x9b31m\u202eevil[/x][@click=app.quit], and*"


async def test_hostile_names_are_drawn_as_text_and_sent_as_they_are(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        person.launch(HOSTILE, model="scripted/lost", max_steps=1)
        await person.sees("and*", "1/1")
        await person.press("R")
        shown = await person.sees("evil", "1 fail")
        assert not set(shown) & {"\x1b", "\x9b", "\u202e", "\x07"}
        await person.press("enter", "y")
        await person.until(lambda: len(runs(person)) == 2)
        (again,) = [run for run in runs(person) if run != HOSTILE]
        assert again.startswith(f"{HOSTILE}-again-")


async def test_of_a_long_name_that_is_typed_nothing_shows_behind_its_field(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await fill(person)
        form(person)._form.go("run_name")
        await person.press(*"abcdefghij" * 8)
        await person.until(lambda: form(person)._draft.text("run_name") == "abcdefghij" * 8)
        [line] = [line for line in person.screen().splitlines() if line.startswith("▌run name")]
        field_ends = form(person)._form._value_x + form(person)._form._value_cells
        assert line[field_ends:].strip().startswith("optional")


async def test_the_cursor_of_a_field_does_not_blink(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await fill(person)
        assert all(not field.cursor_blink for field in person.app.screen.query(Input))


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
async def test_every_field_can_be_reached_at_any_size(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path, size=size) as person:
        await fill(person)
        await person.press("ctrl+o")
        for row in form(person)._form.rows:
            form(person)._form.go(row.key)
            await person.pilot.pause()
            assert any(line.startswith(f"▌{row.label}") for line in person.screen().splitlines())


async def test_what_is_typed_in_one_burst_lands_where_it_was_meant(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await person.press("n")
        await person.sees("list of 1")
        keys = ["tab", *"ab", "backspace", "tab", *"model", "tab", "o", "tab", *KEY, "tab", "3"]
        for key in keys:  # all before any is acted on, as when a slow line delivers them
            person.app.post_message(_key(key))
        await person.sees("3", "•" * 8)
        await person.pilot.pause()
        draft = form(person)._draft
        assert draft.texts == {
            "scenario_id": "hr",
            "task_ids": "a",
            "model_config.model": "model",
            "model_config.provider": "openai",
            "rollout_count": "3",
        }
        assert draft.keys["model_config.api_key"].reveal() == KEY
        assert KEY not in person.screen()


def _key(name: str) -> Key:
    typed = {"tab": "\t", "backspace": "\x7f", "enter": "\r", "escape": "\x1b"}
    typed |= {"space": " ", "slash": "/"}
    character = typed.get(name, name if len(name) == 1 else None)
    return Key({"_": "underscore", ",": "comma"}.get(name, name), character)
