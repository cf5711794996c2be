"""What the launch form, its lists and its question look like, at three sizes."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gymtui.tui.launch.form_screen import FormScreen
from tests.tui.person import Person
from tests.tui.scripted import ScriptedGym, scripted_dashboard
from tests.tui.staged import picture
from tests.tui.transcript.test_pictures import SIZES, assert_pictured

TASKS = {
    "schedule_phone_screen": ("recruiting", "easy", "Schedule a phone screen"),
    "offer_negotiation": ("recruiting", "hard", "Answer a counter-offer in the budget"),
    "flag_biased_adjustment": ("reviews", "hard", "Flag biased rating changes"),
    "日本語 task \x1b[31m[/x]": (None, 3, "\u202ehostile"),
}
MODEL = {
    "model": "policy-8b-s4000",
    "provider": "openai",
    "temperature": 0.3,
    "max_steps": 12,
    "system_prompt": "Be brief.\nBe kind.",
}


class OfferingGym(ScriptedGym):
    """A gym that offers scenarios."""

    def _found(self, method: str, parts: list[str], params: dict[str, str]) -> Any:
        match method, parts:
            case "GET", ["scenarios"]:
                about = {"name": "Human Resources", "description": "A small company's HR desk"}
                crm = {"name": "Sales", "description": "Accounts and leads", "num_tasks": 0}
                return [
                    {"scenario_id": "hr", "num_tasks": len(TASKS), **about},
                    {"scenario_id": "crm", **crm},
                ]
            case "GET", ["scenarios", scenario, "tasks"]:
                names = ("category", "difficulty", "description")
                tasks = [
                    {"task_id": task, **dict(zip(names, about, strict=True))}
                    for task, about in TASKS.items()
                ]
                return {"scenario_id": scenario, "tasks": tasks if scenario == "hr" else []}
        return super()._found(method, parts, params)


def gym() -> OfferingGym:
    """A gym with a run in which all sorts of things went wrong."""
    made = OfferingGym()
    run = "nightly-hr-s4000"
    told = {"scenario_id": "hr", "model_config": MODEL}
    made.add(run, "schedule_phone_screen", "pass", "fail", "env", **told)
    made.add(run, "offer_negotiation", "env", "agent", "cancelled", **told)
    made.add(run, "flag_biased_adjustment", "pass", "pass", "limit", **told)
    return made


@asynccontextmanager
async def standing(size: str, directory: Path) -> AsyncIterator[Person]:
    """The dashboard with its run known."""
    # Asked seldom: on a busy machine too the picture of the gym is not yet old.
    async with scripted_dashboard(gym(), directory, size=SIZES[size], interval_s=2.0) as person:
        await person.sees("nightly-hr-s4000", "9/9")
        person.app.session.launches._rng = random.Random(7)
        yield person


@pytest.mark.parametrize("size", SIZES)
async def test_an_empty_form_and_its_lists_look_as_pictured(size: str, tmp_path: Path) -> None:
    async with standing(size, tmp_path) as person:
        await person.press("n")
        await person.sees("list of 2")
        assert_pictured(f"launch-empty-{size}", picture(person))
        await person.press("enter")
        await person.sees("2 scenarios")
        assert_pictured(f"launch-scenarios-{size}", picture(person))
        await person.press("enter")
        await person.sees("list of 4")
        await person.press("enter")
        await person.sees("4 tasks")
        await person.press("space", "down", "space")
        assert_pictured(f"launch-tasks-{size}", picture(person))


@pytest.mark.parametrize("size", SIZES)
async def test_a_rerun_its_causes_and_its_question_look_as_pictured(
    size: str, tmp_path: Path
) -> None:
    async with standing(size, tmp_path) as person:
        await person.press("R")
        await person.sees("environment errors", "no key")
        assert_pictured(f"launch-keyless-{size}", picture(person))
        screen = person.app.screen
        assert isinstance(screen, FormScreen)
        screen._form.go("model_config.provider")
        await person.press("c", "down")
        screen._form.go("model_config.temperature")
        await person.press("backspace", "backspace", "backspace", "9")
        await person.sees("should be 0 to 2")
        assert_pictured(f"launch-mistake-{size}", picture(person))
        await person.press("backspace", "1")
        screen._form.go("again")
        await person.press("enter")
        await person.sees("FAILURE")
        assert_pictured(f"launch-causes-{size}", picture(person))
        await person.press("escape", "ctrl+l")
        await person.sees("Launch this run?")
        assert_pictured(f"launch-question-{size}", picture(person))
