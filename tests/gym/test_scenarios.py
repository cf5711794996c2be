"""The tasks of `hr`: verifiers look at the state, plans work through the tools, seeds repeat."""

from collections.abc import Callable, Sequence
from random import Random
from types import SimpleNamespace

import pytest

from gymtui.gym.clock import DurationRange
from gymtui.gym.models.scripted_agent import ScriptedAgent, Temperament
from gymtui.gym.scenarios.base import Task
from gymtui.gym.scenarios.code import tool_of
from gymtui.gym.scenarios.hr.scenario import HR
from gymtui.gym.scenarios.hr.servers import calendar, email, hr_records
from gymtui.gym.scenarios.hr.verifiers.office import verify
from gymtui.gym.scenarios.hr.world import Office, make
from gymtui.gym.tools.toolbox import Call, Observation, Toolbox
from gymtui.gym.wire import Result

FLAWLESS = Temperament(1.0, 0.0, 0.0, True, DurationRange(0.0, 0.0))
SEEDS = range(12)
TOOLBOX = Toolbox(
    tool_of(server.__name__.rpartition(".")[2], function)
    for server in (calendar, email, hr_records)
    for function in server.TOOLS
)


def prepared(task: Task, seed: int) -> Office:
    office = make(task.content, Random(seed))
    office.take_changes()
    return office


async def acted(
    workspace: Office,
    task: Task,
    *,
    skip: Callable[[Call], bool] = lambda call: False,
) -> list[Observation]:
    """Let a flawless agent act; calls to `skip` are answered as if made, and are not."""
    assert task.plan is not None
    agent = ScriptedAgent(FLAWLESS, task.plan, HR.wander, random=Random(1), pace=Random(1))
    observations: list[Observation] = []
    seen: list[Observation] = []
    for _ in range(30):
        turn = await agent.act(observations)
        if not turn.calls:
            return seen
        observations = [
            Observation("Done.") if skip(call) else TOOLBOX.call(workspace, call)
            for call in turn.calls
        ]
        seen += observations
    raise AssertionError("the plan does not end within 30 steps")


def verdict(workspace: Office) -> Result:
    result = verify(SimpleNamespace(world=workspace))  # type: ignore[arg-type]
    assert isinstance(result, Result)
    return result


@pytest.mark.parametrize("task_id", HR.tasks)
async def test_a_flawless_agent_passes_whatever_the_seed(task_id: str) -> None:
    task = HR.tasks[task_id]
    for seed in SEEDS:
        workspace = prepared(task, seed)
        with workspace:
            await acted(workspace, task)
            result = verdict(workspace)
        assert result.success, (seed, result.message)
        assert result.message.startswith("All ")
        assert result.output is not None
        assert (result.output["score"], result.output["failed_criteria"]) == (1, [])


@pytest.mark.parametrize("task_id", HR.tasks)
def test_doing_nothing_fails_and_says_what_is_missing(task_id: str) -> None:
    task = HR.tasks[task_id]
    for seed in SEEDS:
        workspace = prepared(task, seed)
        with workspace:
            result = verdict(workspace)
        assert not result.success
        assert "Missing: " in result.message
        assert result.output is not None
        assert result.output["score"] < 1
        assert result.output["failed_criteria"]


WRITES = {
    "schedule_phone_screen": ("create_event", "send_email", "update_candidate"),
    "book_panel_interview": ("create_event", "send_email", "update_candidate"),
    "cover_sick_interviewer": ("move_event", "send_email"),
    "offer_negotiation": ("send_email", "update_candidate"),
    "record_title_change": ("send_email", "update_employee"),
    "approve_leave_requests": ("send_email", "decide_leave_request"),
    "onboard_new_hire": ("send_email", "create_event", "add_onboarding_item"),
    "flag_biased_adjustment": ("send_email", "flag_review"),
}


@pytest.mark.parametrize(
    ("task_id", "tool"), [(task, tool) for task, tools in WRITES.items() for tool in tools]
)
async def test_claiming_to_have_acted_is_not_enough(task_id: str, tool: str) -> None:
    task = HR.tasks[task_id]
    workspace = prepared(task, 3)
    with workspace:
        await acted(workspace, task, skip=lambda call: call.tool == tool)
        result = verdict(workspace)
    assert not result.success, f"nobody noticed that {tool} was never called"


TAMPERINGS: dict[str, tuple[Sequence[str], str]] = {
    "schedule_phone_screen": (
        ["UPDATE events SET start = '2026-03-18T07:00', end = '2026-03-18T07:30'"],
        "outside the candidate's availability",
    ),
    "book_panel_interview": (["UPDATE events SET location = ''"], "Missing: room for panel"),
    "cover_sick_interviewer": (["DELETE FROM events"], "Missing: interview of"),
    "offer_negotiation": (
        ["UPDATE candidates SET offer_salary = band_max + 1"],
        "Wrong: offered base is",
    ),
    "record_title_change": (
        ["UPDATE employees SET salary = 1 WHERE employee_id = 'emp_12'"],
        "Wrong: record of another employee was changed",
    ),
    "approve_leave_requests": (
        ["UPDATE leave_requests SET status = 'denied'"],
        "policy says approved",
    ),
    "onboard_new_hire": (
        ["INSERT INTO onboarding_items VALUES ('x', 'emp_15', 'free lunch', '2026-03-23')"],
        "Wrong: free lunch does not apply",
    ),
    "flag_biased_adjustment": (["UPDATE reviews SET flagged = 1"], "Wrong: flag on rev_"),
}


@pytest.mark.parametrize("task_id", HR.tasks)
async def test_a_tampered_state_fails(task_id: str) -> None:
    task = HR.tasks[task_id]
    workspace = prepared(task, 5)
    statements, words = TAMPERINGS[task_id]
    with workspace:
        await acted(workspace, task)
        assert verdict(workspace).success
        for statement in statements:
            workspace.rows(statement)
        result = verdict(workspace)
    assert not result.success
    assert words in result.message


def test_a_seed_makes_the_same_world_again_and_another_makes_another() -> None:
    def dump(seed: int) -> list[list[dict[str, object]]]:
        workspace = prepared(HR.tasks["book_panel_interview"], seed)
        with workspace:
            return [workspace.rows(f"SELECT * FROM {name}") for name in ("events", "emails")]

    assert dump(4) == dump(4)
    assert dump(4) != dump(5)


def test_a_busy_attendee_and_a_taken_room_are_conflicts() -> None:
    task = HR.tasks["book_panel_interview"]
    workspace = prepared(task, 1)
    with workspace:
        event = workspace.row("SELECT * FROM events WHERE location != ''")
        assert event is not None
        fields = {"title": "X", "start": event["start"], "duration_minutes": 30}
        guest = {"attendees": ["guest@mail.example"]}
        in_room = Call(
            "calendar", "create_event", {**fields, **guest, "location": event["location"]}
        )
        with_busy = Call(
            "calendar", "create_event", {**fields, "attendees": ["facilities@acme.example"]}
        )
        for call in (in_room, with_busy):
            answer = TOOLBOX.call(workspace, call)
            assert answer.is_error
            assert answer.value["error"] == "conflict"
            assert answer.value["with"].startswith("evt_")


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (Call("calendar", "teleport"), "unknown_tool"),
        (Call("moon", "list_events"), "unknown_tool"),
        (Call("calendar", "list_events"), "invalid_parameters"),
        (
            Call("calendar", "list_events", {"attendee": "a@b.c", "day": "soon"}),
            "invalid_parameters",
        ),
        (Call("email", "read_email", {"email_id": "x", "y": 1}), "invalid_parameters"),
        (Call("email", "read_email", {"email_id": "x"}), "not_found"),
        (
            Call("email", "send_email", {"to": "no@acme.example", "subject": "a", "body": "b"}),
            "undeliverable",
        ),
    ],
)
def test_a_wrong_call_is_an_observation_and_changes_nothing(call: Call, error: str) -> None:
    workspace = prepared(HR.tasks["schedule_phone_screen"], 1)
    with workspace:
        answer = TOOLBOX.call(workspace, call)
        assert answer.is_error
        assert answer.value["error"] == error
        assert workspace.take_changes() == []


def test_a_write_tells_its_state_diff() -> None:
    workspace = prepared(HR.tasks["schedule_phone_screen"], 1)
    change = Call("hr_records", "update_candidate", {"candidate_id": "cand_02", "stage": "panel"})
    with workspace:
        answer = TOOLBOX.call(workspace, change)
    assert str(answer.value).split("\n")[2:] == [
        "[STATE DIFF]",
        '- candidates/cand_02.stage: "applied"',
        '+ candidates/cand_02.stage: "panel"',
    ]
