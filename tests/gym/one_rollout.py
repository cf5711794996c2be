"""One rollout of a served model, on a server that answers as a test says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gymtui.gym.models.limiter import Timer
from gymtui.gym.wire import Artifacts, Rollout
from tests.gym.engines import engine_at, finish, start
from tests.gym.model_server import FakeTime, ModelServer, calling, model_server, saying

LOOK = calling("hr_records__search_candidates", '{"query": "Nadia"}')
DONE = saying("That is all.")


@dataclass(frozen=True)
class Ended:
    """A rollout, what it recorded, and what the server saw of it."""

    rollout: Rollout
    artifacts: Artifacts
    server: ModelServer
    time: FakeTime

    @property
    def reason(self) -> str:
        return self.rollout.termination_reason or ""


async def rolled_out(directory: Path, *plays: Any, **changes: Any) -> Ended:
    """Run one rollout on a server that answers so.

    Args:
        directory: Where the gym's state is kept.
        plays: What the server answers.
        changes: Of the launch; `settings` go into its model settings, `gym` into the engine.
    """
    time = FakeTime()
    settings = {"model": "m", "api_key": "k", **changes.pop("settings", {})}
    gym = changes.pop("gym", {})
    async with (
        model_server(*plays) as server,
        engine_at(directory / "db", timer=Timer(time.now, time.sleep), **gym) as engine,
    ):
        settings = {"base_url": server.url, **settings}
        run_id = await start(engine, model_config=settings, **changes)
        [rollout] = await finish(engine, run_id)
        artifacts = engine.database.artifacts(rollout.rollout_id)
        assert artifacts is not None
        return Ended(rollout, artifacts, server, time)
