"""One answer of tens of megabytes in one field: little of it is kept, and the next one mends it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from gymtui.api.item_limits import ITEM_BYTES
from gymtui.tui.app.app import GymtuiApp
from tests.tui.scripted import ScriptedGym, scripted_dashboard

LARGE = "x" * 4_000_000


class SwollenGym(ScriptedGym):
    """A gym in whose lists of a kind one field is swollen, as long as a test wants it.

    Attributes:
        swollen: What is put into the first item, by the name of the list.
    """

    def __init__(self) -> None:
        super().__init__()
        self.swollen: dict[str, dict[str, Any]] = {}

    def answer(self, request: httpx.Request) -> httpx.Response:
        answer = super().answer(request)
        name = request.url.path.strip("/")
        if name not in self.swollen:
            return answer
        document = answer.json()
        document[name][0].update(self.swollen[name])
        return httpx.Response(200, json=document, headers={"Date": answer.headers["Date"]})


def kept_bytes(app: GymtuiApp) -> int:
    """What the store keeps of all items, and of every id and text that was read of them."""
    rows = [*app.session.store.runs.values(), *app.session.store.rollouts.values()]
    read = [row.run if hasattr(row, "run") else row.rollout for row in rows]
    texts = [item.model_dump_json() for item in read if item is not None]
    ids = [*app.session.store.runs, *app.session.store.rollouts]
    return sum(len(row.raw) for row in rows) + sum(map(len, texts)) + sum(map(len, ids))


async def test_an_id_of_megabytes_is_over_with_the_next_answer(tmp_path: Path) -> None:
    gym = SwollenGym()
    gym.add("first", "task", "running")
    gym.add("second", "task", "running")
    gym.swollen["runs"] = {"run_id": LARGE}
    async with scripted_dashboard(gym, tmp_path, size=(200, 36), interval_s=2) as person:
        await person.sees("malformed: run_id", "second")
        assert ITEM_BYTES / 1000 < kept_bytes(person.app) < 3 * ITEM_BYTES
        del gym.swollen["runs"]
        await person.sees("first", "second")
        await person.sees_no("malformed")
        assert kept_bytes(person.app) < ITEM_BYTES / 20


async def test_a_text_of_megabytes_is_cut_and_the_rest_of_its_rollout_stays(tmp_path: Path) -> None:
    gym = SwollenGym()
    gym.add("run", "task-1", "fail")
    gym.add("run", "task-2", "running")
    async with scripted_dashboard(gym, tmp_path, interval_s=2) as person:
        await person.sees("▌ run")
        await person.press("enter")
        await person.sees("task-1")
        gym.swollen["rollouts"] = {"termination_reason": LARGE, "task_id": LARGE, "odd": [LARGE]}
        await person.sees_no("task-1")
        await person.sees("✗ fail", "task-2")
        assert ITEM_BYTES / 1000 < kept_bytes(person.app) < 3 * ITEM_BYTES
        gym.swollen.clear()
        await person.sees("task-1", "task-2")
        assert kept_bytes(person.app) < ITEM_BYTES / 20
