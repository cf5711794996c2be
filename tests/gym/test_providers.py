"""The named providers where the extra that reaches them is not installed."""

from pathlib import Path

import pytest

from gymtui.gym.engine.launch_check import LaunchRefusedError
from gymtui.gym.models import providers
from gymtui.gym.wire import ModelConfig
from tests.gym.engines import engine_at, start


@pytest.mark.parametrize("provider", providers.NAMES)
async def test_without_the_extra_it_is_named(
    tmp_path: Path, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "find_spec", lambda _name: None)
    settings = {"model": "m", "provider": provider, "api_key": "k"}
    async with engine_at(tmp_path / "db") as engine:
        with pytest.raises(LaunchRefusedError) as refusal:
            await start(engine, model_config=settings)
        [problem] = refusal.value.problems
        assert problem.loc == ("model_config", "provider")
        assert "gymtui[providers]" in problem.message
        tried = await engine.test_model(ModelConfig.model_validate(settings))
        assert (tried.success, tried.error_type) == (False, "connection_error")
        assert engine.database.rollouts() == []
