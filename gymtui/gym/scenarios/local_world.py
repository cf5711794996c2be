"""A bundle's world where its Python is imported: in the bundle's own process, or in the gym's."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from gymtui.gym.scenarios.base import WorldError
from gymtui.gym.scenarios.code import BundleCode
from gymtui.gym.scenarios.run_artifacts import RunArtifacts, combine_verdicts, verdict_of
from gymtui.gym.tools.step_server import StepServer
from gymtui.gym.tools.toolbox import Call, Observation
from gymtui.gym.wire import Result


class WorldCore:
    """The world of one attempt at a task: made, called, verified, closed."""

    def __init__(
        self, code: BundleCode, task: Mapping[str, Any], urls: Mapping[str, str] = {}
    ) -> None:
        """Begin one.

        Args:
            task: In the vendor's form.
            urls: Where tool servers are that are elsewhere.
        """
        self._code = code
        self._task = task
        self._urls = urls
        self._world: Any = None

    def make(self, seed: str) -> None:
        """Make what the task starts from.

        Raises:
            WorldError: The bundle's Python failed.
        """
        random = Random(seed)  # noqa: S311  (repeatable, not secret)
        try:
            self._world = self._code.make(self._task, random)
        except Exception as error:
            raise WorldError(self._code.describe_fault(error)) from error
        if hasattr(self._world, "forget_changes"):
            self._world.forget_changes()

    def call(self, call: Call) -> Observation:
        """Make a call; an error of the tool's is told to the agent."""
        try:
            return self._code.toolbox.call(self._world, call)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is the tool's answer)
            payload = {"error": type(error).__name__, "text": str(error)}
            return Observation(payload, is_error=True)

    def verify(self, modules: Sequence[str], record: Mapping[str, Any]) -> Result:
        """Return the verdict of the task's verifiers.

        Raises:
            WorldError: One of them failed itself.
        """
        with StepServer(self._code.toolbox, self.call) as serving:
            given = RunArtifacts(record, self._task, self._world, self._urls, serving)
            verdicts = {}
            for name in modules:
                try:
                    verdicts[name] = verdict_of(self._code.verifiers[name](run_artifacts=given))
                except Exception as error:
                    raise WorldError(self._code.describe_fault(error)) from error
        return combine_verdicts(verdicts)

    def close(self) -> None:
        if hasattr(self._world, "close"):
            self._world.close()


class LocalWorld:
    """A world of Python that comes with the gym, and so may run in its process."""

    def __init__(self, code: BundleCode, task: Mapping[str, Any], verifiers: Sequence[str]) -> None:
        self._core = WorldCore(code, task)
        self._verifiers = verifiers
        self.functions: Sequence[Mapping[str, Any]] = code.toolbox.functions()

    async def seed(self, seed: str) -> None:
        self._core.make(seed)

    async def call(self, call: Call) -> Observation:
        return self._core.call(call)

    async def verify(self, record: Mapping[str, Any]) -> Result:
        return self._core.verify(self._verifiers, record)

    def close(self) -> None:
        self._core.close()
