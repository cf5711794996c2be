"""Launching, for as long as the program talks to one gym: what outlives the form that it began in.

A launch that was sent is seen through whether its form is still there or not.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import GymError, NotFound
from gymtui.api.launch_request import LaunchRequest
from gymtui.api.models import ConfigCheck, Scenario, Task
from gymtui.config.api_key import run_command
from gymtui.config.settings import Settings
from gymtui.core.paths import beside
from gymtui.core.secret import ApiKey
from gymtui.launching.draft import Draft, ModelChoice, draft_of_variant, run_names
from gymtui.launching.launch_history import LaunchHistory
from gymtui.launching.lineage import rerun_family
from gymtui.launching.model_keys import ModelKeys
from gymtui.launching.requests import build_configs, build_requests
from gymtui.launching.submission import Submission, SubmissionState, describe_submission, launch
from gymtui.session.host import LaunchHost, Work
from gymtui.store.rules import RuleSpec
from gymtui.store.store import Store

_HIDDEN_FROM = 8  # characters from which on a key is kept out of reports: "none" is no secret


class ScenarioCatalog:
    """The lists, once asked for. A gym without them is no error: then ids are typed."""

    def __init__(self, client: Endpoints) -> None:
        self._client = client
        self._scenarios: tuple[Scenario, ...] | None = None
        self._tasks: dict[str, tuple[Task, ...]] = {}

    async def scenarios(self) -> tuple[Scenario, ...] | None:
        """The scenarios; None where the gym offers no list."""
        if self._scenarios is None:
            try:
                self._scenarios = await self._client.list_scenarios()
            except NotFound:
                return None
        return self._scenarios

    async def tasks(self, scenario_id: str) -> tuple[Task, ...] | None:
        """A scenario's tasks; None where the gym offers no list, or has no such scenario."""
        if scenario_id not in self._tasks:
            try:
                self._tasks[scenario_id] = await self._client.list_tasks(scenario_id)
            except NotFound:
                return None
        return self._tasks[scenario_id]


class Launches:
    def __init__(
        self,
        client: Endpoints,
        store: Store,
        host: LaunchHost,
        refresh: Callable[[], None],
        *,
        settings: Settings,
        env: Mapping[str, str],
        journal: Path | None,
        rng: random.Random,
        arm: Callable[[str, Sequence[RuleSpec]], None],
    ) -> None:
        self._client = client
        self._arm = arm
        self._store = store
        self._host = host
        self._refresh = refresh
        # A password manager must not ask on the terminal that is drawn on.
        run = partial(run_command, own_session=True)
        self._keys = ModelKeys(settings.model_keys, env, run)
        self.kept = LaunchHistory.read(beside(journal, "launches"))
        self._rng = rng
        self.catalog = ScenarioCatalog(client)
        self._under_way: dict[str, Work] = {}
        # A run that was just launched, until it is seen in the list.
        self.to_select: str | None = None

    # -- before ----------------------------------------------------------------------------

    def missing_key_reason(self, provider: str) -> str | None:
        """Why there is no key for a provider, or None."""
        found = self._keys.key_source(provider)
        return None if found.there else found.words

    def key_source(self, provider: str) -> str:
        return self._keys.key_source(provider).words

    def names(self, draft: Draft) -> tuple[str, ...]:
        return run_names(draft, now=datetime.now(UTC), rng=self._rng)

    def family(self, run_id: str) -> tuple[str, ...]:
        """A run with its parent and reruns, as far as they are in the list."""
        runs = self._store.runs
        listed = (run for run, row in runs.items() if row.malformed is None and not row.is_deleted)
        return rerun_family(run_id, self.kept.parents, listed)

    async def requests(
        self, draft: Draft, tasks: Sequence[str], names: Sequence[str]
    ) -> tuple[LaunchRequest, ...]:
        """What a draft sends; its keys are fetched now, by a command if need be.

        Raises:
            NoModelKey: There is none for one of its providers.
        """
        made = await asyncio.to_thread(build_requests, draft, tasks, names, self._keys.get)
        for request in made:
            for key in request.secrets():
                self.hide(key)
        return made

    def hide(self, key: ApiKey) -> None:
        """Keep a key out of reports of defects."""
        value = key.reveal()
        if len(value) >= _HIDDEN_FROM:
            self._host.hide(value)

    async def test(self, draft: Draft) -> list[tuple[ModelChoice, ConfigCheck]]:
        """Have the gym try a draft's models, one after the other.

        Raises:
            NoModelKey: There is none for one of the providers.
            GymError: As the client.
        """
        tried = []
        for choice, config in await asyncio.to_thread(build_configs, draft, self._keys.get):
            self.hide(config.api_key)
            tried.append((choice, await self._client.test_model_config(config)))
        return tried

    # -- sending ---------------------------------------------------------------------------

    def send(
        self,
        draft: Draft,
        made: Sequence[LaunchRequest],
        *,
        lost: Callable[[LaunchRequest, GymError], None],
        done: Callable[[Sequence[Submission]], bool],
    ) -> None:
        """Send launches one after the other, up to the first that is not launched.

        Args:
            lost: Called when one got no answer and is looked for.
            done: Called with what became of those that were sent; whether that is seen there.
        """
        work = self._send(draft, made, lost, done)
        worker = self._host.begin(work, "launch")
        self._under_way[made[0].run_name] = worker

    async def _send(
        self,
        draft: Draft,
        made: Sequence[LaunchRequest],
        lost: Callable[[LaunchRequest, GymError], None],
        done: Callable[[Sequence[Submission]], bool],
    ) -> None:
        sent: list[Submission] = []
        for variant, request in zip(draft.variants, made, strict=True):
            one = await launch(self._client, request, lost=partial(lost, request))
            sent.append(one)
            if one.state is not SubmissionState.LAUNCHED or one.run_id is None:
                break
            self.kept.remember(one.run_id, draft_of_variant(draft, variant))
            self._arm(one.run_id, draft.rules)
            if self.to_select is None or len(sent) == 1:
                self.to_select = one.run_id
        self._under_way.pop(made[0].run_name, None)
        self._refresh()
        if not done(sent):
            self._tell(sent)

    def close(self) -> None:
        """End what is under way, since another gym is gone to, and say what is left open."""
        for name, worker in self._under_way.items():
            worker.cancel()
            words = f"whether {name} was launched is unknown: gymtui left before it answered"
            self._host.notify_later(words, "warning")
        self._under_way.clear()

    def _tell(self, sent: Sequence[Submission]) -> None:
        well = sent[-1].state is SubmissionState.LAUNCHED
        words = "\n".join(describe_submission(one) for one in sent)
        self._host.notify_later(words, "information" if well else "warning")

    def take_launched(self, run_ids: Mapping[str, object]) -> str | None:
        """The run that was just launched, once it is among these; each is told once."""
        wanted = self.to_select
        if wanted is None or wanted not in run_ids:
            return None
        self.to_select = None
        return wanted
