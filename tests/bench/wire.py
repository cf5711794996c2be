"""Bodies as the gym would send them, in sizes that it cannot make: a model gym that only moves.

Pure: what a run or a rollout looks like is a function of its number and of how far it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

BEGAN = datetime(2026, 3, 20, 10, 0, tzinfo=UTC)
TASKS = ("schedule_phone_screen", "flag_biased_adjustment", "offer_negotiation", "onboard_hire")
MODELS = ("gpt-4o", "qwen3-32b", "nightly-checkpoint-2026-03-19-lr3e-6-s4000")
MAX_STEPS = 30


def rollout(
    run_id: str,
    number: int,
    step: int | None,
    *,
    began: datetime = BEGAN,
    task: str | None = None,
) -> bytes:
    """One rollout.

    Args:
        run_id: Its run.
        number: Its place in the run.
        step: How far it is: None is not begun, `MAX_STEPS` is finished.
        began: When the first of the run was created.
        task: Its task; by default one of a few, by its number.
    """
    created = began + timedelta(seconds=number)
    started = created + timedelta(seconds=5)
    ended = started + timedelta(seconds=140 + number % 60)
    waiting, done = step is None, step is not None and step >= MAX_STEPS
    status = "pending" if waiting else "completed" if done else "running"
    events = [{"status": "pending", "timestamp": created.isoformat()}]
    if not waiting:
        events.append({"status": "running", "timestamp": started.isoformat()})
    if done:
        events.append({"status": "completed", "timestamp": ended.isoformat()})
    passed = number % 4 != 0
    message = "all criteria met" if passed else "Missing: calendar event for panel"
    document = {
        "rollout_id": f"rol_{run_id}_{number:05d}",
        "scenario_id": "hr",
        "task_id": task or TASKS[number % len(TASKS)],
        "run_id": run_id,
        "status": status,
        "phase": None if waiting else "completed" if done else "agent_running",
        "current_step": None if waiting or done else step,
        "max_steps": MAX_STEPS,
        "created_at": created.isoformat(),
        "started_at": None if waiting else started.isoformat(),
        "completed_at": ended.isoformat() if done else None,
        "result": {"success": passed, "message": message} if done else None,
        "termination_reason": "final answer" if done else None,
        "model_config": {
            "model": MODELS[hash_of(run_id) % len(MODELS)],
            "provider": "custom",
            "temperature": 0.7,
            "max_steps": MAX_STEPS,
        },
        "status_events": events,
    }
    return json.dumps(document, separators=(",", ":")).encode()


def hash_of(run_id: str) -> int:
    """A number that is the same in every process."""
    return sum(run_id.encode())


@dataclass(frozen=True)
class Counts:
    """How a run's rollouts stand."""

    completed: int
    running: int
    pending: int


def run(run_id: str, counts: Counts) -> bytes:
    """One run of the list."""
    unfinished = counts.running + counts.pending
    document = {
        "run_id": run_id,
        "scenario_id": "hr",
        "source": "rl-gym",
        "total": counts.completed + unfinished,
        "completed": counts.completed,
        "failed": 0,
        "in_progress": unfinished,
        "pending": counts.pending,
        "running": counts.running,
        "rollout_ids": [],
    }
    return json.dumps(document, separators=(",", ":")).encode()


def listing(key: str, items: Iterable[bytes], total: int | None = None) -> bytes:
    """A list answer: `{"total": …, "rollouts": […]}`."""
    several = list(items)
    count = len(several) if total is None else total
    return b'{"total":%d,"%s":[%s]}' % (count, key.encode(), b",".join(several))


class Moving:
    """The rollouts of one run, of which some move whenever asked to.

    Args:
        run_id: The run.
        size: How many rollouts it has.
        step: The step at which all begin.
    """

    def __init__(self, run_id: str, size: int, step: int = 1) -> None:
        self.run_id = run_id
        self._steps = [step] * size
        self._items = [rollout(run_id, number, step) for number in range(size)]

    @property
    def items(self) -> Sequence[bytes]:
        """The rollouts as they are now."""
        return self._items

    def body(self) -> bytes:
        """The list as it is now."""
        return listing("rollouts", self._items)

    def move(self, count: int) -> tuple[str, ...]:
        """Let the first so many rollouts take a step.

        Returns:
            Their ids.
        """
        moved: list[str] = []
        for number in range(count):
            self._steps[number] = self._steps[number] % (MAX_STEPS - 2) + 1
            self._items[number] = rollout(self.run_id, number, self._steps[number])
            moved.append(f"rol_{self.run_id}_{number:05d}")
        return tuple(moved)


class Mixed:
    """The rollouts of one large run: half ended, a quarter running, a quarter waiting.

    Args:
        run_id: The run.
        size: How many rollouts it has.
        began: When the first was created; one a second follows.
        attempts: Of each task.
    """

    def __init__(self, run_id: str, size: int, began: datetime, attempts: int = 20) -> None:
        self.run_id = run_id
        self._began = began
        self._attempts = attempts
        self._steps = [_mixed(number) for number in range(size)]
        self._items = [self._item(number) for number in range(size)]
        self._next = 0

    @property
    def items(self) -> Sequence[bytes]:
        """The rollouts as they are now."""
        return self._items

    @property
    def counts(self) -> Counts:
        """How they stand."""
        ended = self._steps.count(MAX_STEPS)
        waiting = self._steps.count(None)
        return Counts(ended, len(self._steps) - ended - waiting, waiting)

    def move(self, count: int) -> None:
        """Let so many running ones take a step; one that ends makes way for one that waits."""
        running = [n for n, step in enumerate(self._steps) if step not in (None, MAX_STEPS)]
        for turn in range(min(count, len(running))):
            number = running[(self._next + turn) % len(running)]
            step = (self._steps[number] or 0) + 1
            self._set(number, step)
            if step == MAX_STEPS and None in self._steps:
                self._set(self._steps.index(None), 1)
        self._next += count

    def _set(self, number: int, step: int) -> None:
        self._steps[number] = step
        self._items[number] = self._item(number)

    def _item(self, number: int) -> bytes:
        task = f"{TASKS[number // self._attempts % len(TASKS)]}_{number // self._attempts:03d}"
        return rollout(self.run_id, number, self._steps[number], began=self._began, task=task)


def _mixed(number: int) -> int | None:
    """How far a rollout of a mixed run is at first."""
    if number % 4 < 2:
        return MAX_STEPS
    return None if number % 4 == 3 else 1 + number // 4 % (MAX_STEPS - 2)
