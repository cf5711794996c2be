"""What rollouts, their details, the active screen and the matrix look like, at three sizes.

The pictures lie in `pictures/`, without the footer; `GYMTUI_DRAW=1` draws them anew. Of the middle
size the inks are pictured too.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.person import Person
from tests.tui.staged import Life, StagedGym, inks, pass_time, picture, staged_dashboard
from tests.tui.transcript.test_pictures import SIZES, assert_pictured

PASS = {
    "status": "completed",
    "phase": "completed",
    "result": {"success": True, "message": "All 5 criteria met"},
}
FAIL = {
    "status": "completed",
    "phase": "completed",
    "result": {"success": False, "message": "Missing: calendar event for panel"},
}
JUDGED = {
    "status": "completed",
    "phase": "completed",
    "termination_reason": "max_steps_reached",
    "result": {
        "success": False,
        "message": "Missing: email to Priya Natarajan",
        "score": 0.42,
        "verdict": "FAIL",
        "confidence": 0.8,
        "failed_criteria": ["an email is sent to Priya", "the room has a screen"],
        "dimension_scores": [{"dimension": "tone", "score": 0.9, "reason": "polite"}],
    },
}
ENV = {"status": "workspace_error", "termination_reason": "Container email-mcp: image pull failed"}
AGENT = {"status": "failed", "termination_reason": "429 Too Many Requests, request req_8812"}
CANCELLED = {"status": "failed", "termination_reason": "cancelled"}

FAMILY = "👩\u200d👩\u200d👧\u200d👦"

TICKS = (2.0,) * 15
"""Half a minute, looked at every two seconds."""


def ordinary() -> StagedGym:
    """One run under way and one that has ended."""
    gym = StagedGym()
    gym.live(
        "nightly-s4000",
        "schedule_phone_screen",
        Life(1, (3, 1, 12, 3), PASS),
        Life(1, (4, 2, 14, 2), FAIL),
        Life(2, (3, 1, 21), AGENT),
    )
    gym.live(
        "nightly-s4000",
        "flag_biased_adjustment",
        Life(2, (5, 2, 9, 6), JUDGED),
        Life(3, (4,), ENV),
        Life(8, (3, 2, 60)),
    )
    gym.live(
        "nightly-s4000",
        "offer_negotiation",
        Life(18, (3, 1, 8), CANCELLED),
        Life(20, (3, 2, 60), steps_s=60),
        Life(None),
    )
    gym.live("older-s3750", "offer_negotiation", Life(0, (2, 1, 6, 1), PASS), Life(26, (9,)))
    return gym


def ugly() -> StagedGym:
    """Whatever a server may say: wide, long, hostile, unknown, absent."""
    gym = StagedGym()
    wide = "夜間-チェックポイント-s4000-" + "とても長い名前-" * 6 + "終"
    gym.live(
        wide,
        "\x1b[31mred\x1b]52;c;aGk=\x07[/x][@click=app.quit]task \u202egpj.exe",
        Life(1, (3, 1, 12, 3), PASS),
        Life(1, (2, 2), said={"phase": "defrosting 🧊"}),
        Life(2, (1,), said={"status": "on_fire", "phase": "burning"}),
    )
    gym.live(
        wide,
        "task_" + "x" * 90,
        Life(2, (4, 2, 4), {"status": "failed", "termination_reason": "\x9b31mboom\n" + "é" * 200}),
        Life(3, (3, 1, 60), said={"current_step": 999_999, "max_steps": None}),
    )
    gym.live(
        wide,
        None,
        Life(4, (2, 1, 3, 1), {"status": "completed", "phase": "completed", "result": None}),
        Life(5, (2, 1, 60), said=dict.fromkeys(("model_config", "status_events", "created_at"))),
        Life(5, (2, 1, 60), said={"started_at": "yesterday", "scenario_id": 7, "task_id": FAMILY}),
    )
    return gym


STAGES = {"ordinary": ordinary, "ugly": ugly}


def assert_pictured_here(person: Person, name: str, size: str) -> None:
    assert_pictured(f"{name}-{size}", picture(person))
    if size == "middle":
        assert_pictured(f"{name}-{size}-inks", inks(person))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stage", STAGES)
async def test_a_run_its_details_and_its_matrix_look_as_pictured(
    stage: str, size: str, tmp_path: Path
) -> None:
    gym = STAGES[stage]()
    async with staged_dashboard(gym, tmp_path, SIZES[size]) as person:
        await person.sees("RUN", "●")
        await pass_time(person, 0.5)
        await person.press("G", "enter")
        await person.sees("runs ›", "STATE")
        await pass_time(person, *TICKS)
        assert_pictured_here(person, f"rollouts-{stage}", size)
        await person.press("down")
        assert_pictured_here(person, f"details-{stage}", size)
        await person.press("g", "m")
        await person.sees("› matrix", "ATTEMPTS", "PASS@1")
        assert_pictured_here(person, f"matrix-{stage}", size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stage", STAGES)
async def test_what_runs_looks_as_pictured(stage: str, size: str, tmp_path: Path) -> None:
    gym = STAGES[stage]()
    async with staged_dashboard(gym, tmp_path, SIZES[size]) as person:
        await person.sees("RUN", "●")
        await pass_time(person, 0.5)
        await person.press("a")
        await person.sees("IDLE")
        await pass_time(person, *TICKS)
        assert_pictured_here(person, f"active-{stage}", size)
