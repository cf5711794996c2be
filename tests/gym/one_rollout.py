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
    """Run one rollout on a server that answers so."""
    time = FakeTime()
    async with (
        model_server(*plays) as server,
        engine_at(directory / "db", timer=Timer(time.now, time.sleep)) as engine,
    ):
        run_id = await start(engine, model="m", base_url=server.url, **changes)
        [rollout] = await finish(engine, run_id)
        artifacts = engine.database.artifacts(rollout.rollout_id)
        assert artifacts is not None
        return Ended(rollout, artifacts, server, time)
