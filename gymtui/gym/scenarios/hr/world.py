"""The world of the `hr` scenario: an office with the company and what a task is about."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from gymtui.gym.scenarios.base import Facts, Finding, judge
from gymtui.gym.scenarios.hr import interviews, judgement, people
from gymtui.gym.scenarios.hr.company import SCHEMA, populate
from gymtui.gym.scenarios.run_artifacts import RunArtifacts
from gymtui.gym.tools.workspace import Workspace
from gymtui.gym.wire import Result

SEEDS: Mapping[str, Callable[[Workspace, Random], Facts]] = {
    "schedule_phone_screen": interviews.seed_phone_screen,
    "book_panel_interview": interviews.seed_panel,
    "cover_sick_interviewer": interviews.seed_sick_day,
    "offer_negotiation": judgement.seed_offer,
    "record_title_change": people.seed_title_change,
    "approve_leave_requests": people.seed_leave,
    "onboard_new_hire": people.seed_new_hire,
    "flag_biased_adjustment": judgement.seed_calibration,
}


class Office(Workspace):
    """A workspace, and what its task's verifier must know of how it was set up."""

    facts: Facts


def make(task: Mapping[str, Any], random: Random) -> Office:
    """Return the company in an ordinary week, and in it what the task is about."""
    office = Office(SCHEMA)
    populate(office, random)
    office.facts = SEEDS[task["meta"]["task_id"]](office, random)
    return office


def verifier(
    find: Callable[[Workspace, Facts], Sequence[Finding]],
) -> Callable[[RunArtifacts], Result]:
    """Return a verifier: it judges the office that the agent left behind by what `find` finds."""

    def verify(run_artifacts: RunArtifacts) -> Result:
        return judge(find(run_artifacts.world, run_artifacts.world.facts))

    return verify
