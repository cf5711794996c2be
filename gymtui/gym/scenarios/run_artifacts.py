"""What a verifier is given, under the names of the vendor's, and what it may answer.

A verifier is `verify(run_artifacts)`. It looks at what was said and done, at the world itself
(`run_artifacts.world`, ours), or asks a tool server by URL (`run_artifacts.server_url(name)`).
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

from gymtui.gym.scenarios.bundle_files import SEEDS
from gymtui.gym.tools.step_server import StepServer
from gymtui.gym.wire import Result


class VerifierResult:
    """A verdict as the vendor's verifiers return it."""

    def __init__(self, success: bool, message: str = "", output: Any = "") -> None:
        self.success = success
        self.message = message
        self.output = output

    def __bool__(self) -> bool:
        return self.success


@dataclass
class RunArtifacts:
    """What happened in a rollout, for its verifiers."""

    record: Mapping[str, Any]
    task_content: Mapping[str, Any]
    world: Any  # what the tools acted on, as the agent left it
    # Where tool servers are that are elsewhere.
    urls: Mapping[str, str] = field(default_factory=dict)
    serving: StepServer | None = None  # serves the scenario's own ones while a verifier asks them
    task_file: str = ""
    agent_strategy: str = "tool-calling"
    diffs: Sequence[Any] = ()
    rollout_trace_path: None = None
    reference_folder_id: None = None

    def __getattr__(self, name: str) -> Any:
        """Return a field of the artifacts: messages, tool_calls, final_observation and so on."""
        if name.startswith("__") or name not in self.record:
            raise AttributeError(f"run_artifacts has no {name}")
        return self.record[name]

    @property
    def seed_data(self) -> dict[str, Any]:
        seeds = {key: self.task_content[key] for key in SEEDS if key in self.task_content}
        return {**seeds, **self.task_content.get("seed_data", {})}

    @property
    def tool_servers(self) -> list[SimpleNamespace]:
        names = [server["name"] for server in self.task_content.get("tool_servers", ())]
        return [SimpleNamespace(name=name, tool_server_url=self.server_url(name)) for name in names]

    @property
    def tool_server_name(self) -> str:
        """The first tool server's name."""
        return next((server.name for server in self.tool_servers), "")

    @property
    def tool_server_url(self) -> str | None:
        """The first tool server's URL."""
        return self.server_url()

    def server_url(self, name: str | None = None) -> str | None:
        """Return where a tool server is asked: `POST /step` and `GET /tools`."""
        names = [server["name"] for server in self.task_content.get("tool_servers", ())]
        wanted = name if name is not None else next(iter(names), "")
        if wanted in self.urls:
            return self.urls[wanted]
        return self.serving.url(wanted) if self.serving is not None else None

    @property
    def last_tool_message(self) -> str | None:
        contents = [item["content"] for item in self.record["messages"] if item["role"] == "tool"]
        return str(contents[-1]) if contents else None

    @property
    def verifier_input(self) -> str:
        """What the agent said last."""
        return self.record.get("final_observation") or ""

    rollback_input = verifier_input

    @property
    def log_probs(self) -> list[Any] | None:
        """The log probabilities of its messages, where there are any."""
        found = [m["log_probs"] for m in self.record["messages"] if "log_probs" in m]
        return found or None


def install_vendor_modules(directory: str, scenario_id: str) -> None:
    """Let verifiers import what the vendor's import: `collinear.core.verifier` and each other."""

    def package(name: str, *path: str) -> ModuleType:
        module = sys.modules[name] = ModuleType(name)
        module.__path__ = list(path)
        return module

    package("collinear")
    package("collinear.core")
    package("collinear.core.run_artifacts").__dict__["RunArtifacts"] = RunArtifacts
    package("collinear.core.verifier").__dict__["VerifierResult"] = VerifierResult
    package("collinear.scenarios")
    package(f"collinear.scenarios.{scenario_id}", directory)


def verdict_of(answer: Any) -> Result:
    """Return what a verifier said: a pair, a mapping, an object or a truth.

    Raises:
        TypeError: It said nothing that is a verdict.
    """
    if isinstance(answer, Result):
        return answer
    if isinstance(answer, bool):
        return Result(success=answer, message="passed" if answer else "failed")
    if isinstance(answer, tuple) and len(answer) == 2:
        return Result(success=bool(answer[0]), message=str(answer[1]))
    if isinstance(answer, Mapping) and "success" in answer:
        answer = SimpleNamespace(**answer)
    if not hasattr(answer, "success"):
        raise TypeError(f"verify returned {type(answer).__name__}, which is no verdict")
    output = getattr(answer, "output", None) or None
    return Result(
        success=bool(answer.success),
        message=str(getattr(answer, "message", "") or ""),
        output=output if output is None or isinstance(output, dict) else {"text": str(output)},
    )


def combine_verdicts(verdicts: Mapping[str, Result]) -> Result:
    """Return the verdict of several verifiers: all must pass, as in the vendor's client."""
    if len(verdicts) == 1:
        return next(iter(verdicts.values()))
    failed = {name: verdict for name, verdict in verdicts.items() if not verdict.success}
    deciding = failed or verdicts
    results = [
        {"module": name, **verdict.model_dump(mode="json")} for name, verdict in verdicts.items()
    ]
    return Result(
        success=not failed,
        message="; ".join(verdict.message for verdict in deciding.values() if verdict.message),
        output={"verifier_results": results, "failed_criteria": list(failed)},
    )
