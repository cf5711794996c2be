"""The world of the `hr` scenario: an office with the company and what a task is about."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from gymtui.gym.scenarios.base import Facts, Finding, judge
from gymtui.gym.scenarios.hr import interviews, judgement, people
from gymtui.gym.scenarios.hr.company import SCHEMA, populate
from gymtui.gym.tools.workspace import Workspace
from gymtui.gym.wire import Result

Seed = Callable[[Workspace, Random], Facts]
Verify = Callable[[Workspace, Facts], Sequence[Finding]]

TASKS: Mapping[str, tuple[Seed, Verify]] = {
    "schedule_phone_screen": (interviews.seed_phone_screen, interviews.verify_phone_screen),
    "book_panel_interview": (interviews.seed_panel, interviews.verify_panel),
    "cover_sick_interviewer": (interviews.seed_sick_day, interviews.verify_sick_day),
    "offer_negotiation": (judgement.seed_offer, judgement.verify_offer),
    "record_title_change": (people.seed_title_change, people.verify_title_change),
    "approve_leave_requests": (people.seed_leave, people.verify_leave),
    "onboard_new_hire": (people.seed_new_hire, people.verify_new_hire),
    "flag_biased_adjustment": (judgement.seed_calibration, judgement.verify_calibration),
}


class Office(Workspace):
    def __init__(self, task_id: str, random: Random) -> None:
        super().__init__(SCHEMA)
        populate(self, random)
        seed, self._verify = TASKS[task_id]
        self._facts = seed(self, random)

    def verdict(self) -> Result:
        return judge(self._verify(self, self._facts))


def make(task: Mapping[str, Any], random: Random) -> Office:
    """Return the company in an ordinary week, and in it what the task is about."""
    return Office(task["meta"]["task_id"], random)
