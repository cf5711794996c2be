"""The language scripted policies are written in: a plan asks, reads what came back, and decides.

Plans only ever see what tools return. Whether one does the careful thing at a decision is drawn
from its `Mind`, so that the same plan serves careful and hasty agents.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any

from gymtui.gym.tools.toolbox import Call, Observation


@dataclass(frozen=True)
class Ask:
    """One turn of a plan: something said and one or more tool calls made together."""

    say: str
    calls: tuple[Call, ...]


Steps = Generator[Ask, list[Observation], str]
"""A plan under way: yields turns, is sent their observations, returns the closing words."""

PlanPart = Generator[Ask, list[Observation], Any]
"""A part of a plan, used through `yield from`; returns what it found out."""

Record = dict[str, Any]


@dataclass(frozen=True)
class Mind:
    """The temperament a plan is carried out with."""

    random: Random
    care: float  # how likely it is to do the careful thing at one decision, 0 to 1

    def is_careful(self) -> bool:
        """Return whether it does the careful thing this time."""
        return self.random.random() < self.care


Plan = Callable[[Mind], Steps]


def ask(say: str, *calls: Call) -> Ask:
    return Ask(say, calls)


def call(server: str, tool: str, **parameters: Any) -> Call:
    return Call(server, tool, parameters)


def items(observation: Observation, key: str) -> list[Record]:
    """Return the records a search found under `key`; an error found none."""
    if observation.is_error or not isinstance(observation.value, dict):
        return []
    found: list[Record] = observation.value.get(key, [])
    return found


@lru_cache(maxsize=4096)
def after(start: str, minutes: int) -> str:
    """Return the moment `minutes` after `start`."""
    end = datetime.fromisoformat(start) + timedelta(minutes=minutes)
    return end.isoformat(timespec="minutes")


def latest_mail(query: str, say: str) -> PlanPart:
    """Search the mail, read the newest hit, and return its text, empty when there is none."""
    [hits] = yield ask(say, call("email", "search_emails", query=query))
    found = items(hits, "emails")
    if not found:
        return ""
    message = call("email", "read_email", email_id=found[0]["email_id"])
    [text] = yield ask(f"The newest is “{found[0]['subject']}”. Reading it.", message)
    return str(text.value)


def policy_text(query: str, say: str, reading: str = "Reading it.") -> PlanPart:
    """Find a policy by its words and return its text, empty when there is none."""
    [hits] = yield ask(say, call("hr_records", "search_policies", query=query))
    found = items(hits, "policies")
    if not found:
        return ""
    policy_id = found[0]["policy_id"]
    [text] = yield ask(reading, call("hr_records", "read_policy", policy_id=policy_id))
    return str(text.value)


def mail(to: str, subject: str, body: str) -> Call:
    return call("email", "send_email", to=to, subject=subject, body=body)
