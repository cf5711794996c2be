"""A scenario as a person writes it: a directory in the layout of the vendor's task bundles.

    scenario.json          its id, name, tool servers (ours; the rest is the vendor's)
    tasks/NAME.json        meta, task, tool_servers, verifiers, what it seeds
    verifiers/NAME.py      verify(run_artifacts)
    rubrics/TASK_ID.md     what counts, for a model that judges, and for readers
    npcs/profiles.json     the people in it
    servers/NAME.py        a tool server: TOOLS, functions of the world
    world.py               make(task, random): the world, if it is more than what the task seeds
    skills.md              what every agent is told

Read and checked here without running any of its Python; every mistake is named by file and line.
"""

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from gymtui.gym.scenarios.json_lines import JsonPath, line_of, lines_of
from gymtui.gym.scenarios.seed_calls import EMAIL_SERVERS

Name = Annotated[str, StringConstraints(min_length=1)]
SEEDS = ("seed_emails", "seed_calendar_events", "seed_group_channels")
"""What the vendor's tasks seed; the local gym adds `seed_data`."""
DIFFICULTY, CATEGORY = "unknown", ""
TIME_LIMIT_S = 60.0


class _Part(BaseModel):
    # What nobody here knows is the bundle's own: its Python gets the whole task.
    model_config = ConfigDict(frozen=True, extra="allow", strict=True)


class ServerPart(_Part):
    name: Name
    server_type: str | None = None
    tool_server_url: Annotated[str, StringConstraints(pattern=r"^https?://")] | None = None


class ScenarioPart(_Part):
    """`scenario.json`."""

    scenario_id: Name
    name: str = ""
    description: str = ""
    tool_servers: list[ServerPart] = []
    time_limit_s: Annotated[float, Field(gt=0, strict=False)] = TIME_LIMIT_S


class MetaPart(_Part):
    """`meta` of a task."""

    task_id: Name
    display_name: str
    difficulty: str = DIFFICULTY
    category: str = CATEGORY
    aliases: list[Name] = []


class PersonPart(_Part):
    """Somebody in a task."""

    id: Name


class VerifierPart(_Part):
    func: Literal["python_module"]
    module: Name


class CallPart(_Part):
    """A tool call that a scripted agent makes."""

    tool_server: Name
    tool_name: Name
    parameters: dict[str, Any] = {}


class TurnPart(_Part):
    """What a scripted agent says and calls in one turn."""

    say: str = ""
    calls: list[CallPart] = []


class TaskPart(_Part):
    """A file of `tasks/`."""

    meta: MetaPart
    task: Name
    tool_servers: list[ServerPart]
    npcs: list[PersonPart] = []
    verifiers: list[VerifierPart] = []
    seed_data: dict[str, Any] = {}
    seed_emails: list[dict[str, Any]] = []
    seed_calendar_events: list[dict[str, Any]] = []
    seed_group_channels: list[dict[str, Any]] = []
    judged_by: Literal["gym", "run"] = "gym"
    scripted: list[TurnPart] = []


@dataclass(frozen=True)
class Mistake:
    """What is wrong with a bundle, and where."""

    file: Path
    line: int
    words: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.words}"


class BundleError(Exception):
    """A bundle cannot be used; says every mistake on a line of its own."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


@dataclass(frozen=True)
class TaskFiles:
    """A task, with what stands in other files about it."""

    part: TaskPart
    content: Mapping[str, Any]
    rubric: str
    npcs: tuple[Mapping[str, Any], ...]

    @property
    def verifiers(self) -> list[str]:
        """The names of its verifiers' files, without their ending."""
        return [stem_of(verifier.module) for verifier in self.part.verifiers]


@dataclass(frozen=True)
class BundleFiles:
    """A bundle as it was read, without a mistake."""

    directory: Path
    scenario: ScenarioPart
    servers: Mapping[str, ServerPart]  # its tool servers; those with a URL are elsewhere
    tasks: tuple[TaskFiles, ...]
    guidance: str

    @property
    def own_servers(self) -> list[str]:
        return [name for name, server in self.servers.items() if server.tool_server_url is None]

    @property
    def verifiers(self) -> list[str]:
        """The names of all verifiers' files, without their ending."""
        return sorted({stem for task in self.tasks for stem in task.verifiers})


def stem_of(module: str) -> str:
    """Return the file's name of a module: the last part of `collinear.scenarios.hr.verifiers.x`."""
    return module.rpartition(".")[2]


def module_of(server: str) -> str:
    """Return the module's name of a tool server: `email_env` of `email-env`."""
    return "".join(c if c.isalnum() else "_" for c in server)


def bundles_in(directory: Path) -> list[Path]:
    """Return the bundles of a directory: itself, or those in it.

    Raises:
        BundleError: There is none.
    """
    if (directory / "tasks").is_dir():
        return [directory]
    found = sorted(path.parent for path in directory.glob("*/tasks") if path.is_dir())
    if not found:
        raise BundleError(Mistake(directory, 1, "no bundle: a bundle has a directory tasks/"))
    return found


def read(directory: Path) -> BundleFiles:
    """Read a bundle.

    Raises:
        BundleError: With everything that is wrong in it.
    """
    return _Reader(directory).read()


@dataclass
class _Reader:
    directory: Path
    mistakes: list[Mistake] = field(default_factory=list)

    def read(self) -> BundleFiles:
        scenario = self._scenario()
        profiles = self._profiles()
        files = sorted((self.directory / "tasks").glob("*.json"))
        if not files:
            self._note(self.directory / "tasks", 1, "no task: a task is a file tasks/NAME.json")
        read = [found for file in files if (found := self._json(file, TaskPart)) is not None]
        servers = self._servers(scenario, [part for part, _, _ in read])
        tasks = []
        ids: dict[str, Path] = {}
        for part, content, about in read:
            for task_id in (part.meta.task_id, *part.meta.aliases):
                if task_id in ids:
                    words = f"the id {task_id} is also in {ids[task_id].name}"
                    about.note(("meta", "task_id"), words)
                ids[task_id] = about.file
            tasks.append(self._task(part, content, about, servers, profiles))
        for name, server in servers.items():
            if server.tool_server_url is None:
                self._python(self.directory / "servers" / f"{module_of(name)}.py", "TOOLS")
        if (self.directory / "world.py").exists():
            self._python(self.directory / "world.py", "make")
        if self.mistakes:
            raise BundleError(*self.mistakes)
        guidance = self.directory / "skills.md"
        text = guidance.read_text("utf-8") if guidance.exists() else ""
        return BundleFiles(self.directory, scenario, servers, tuple(tasks), text)

    def _note(self, file: Path, line: int, words: str) -> None:
        self.mistakes.append(Mistake(file, line, words))

    def _scenario(self) -> ScenarioPart:
        file = self.directory / "scenario.json"
        plain = ScenarioPart(scenario_id=self.directory.resolve().name)
        if not file.exists():
            return plain
        found = self._json(file, ScenarioPart)
        return plain if found is None else found[0]

    def _profiles(self) -> Mapping[str, Mapping[str, Any]]:
        file = self.directory / "npcs" / "profiles.json"
        if not file.exists():
            return {}
        found = self._loaded(file)
        if found is None:
            return {}
        profiles, about = found
        if not isinstance(profiles, list):
            about.note((), "not a list of profiles")
            return {}
        by_id = {}
        for index, profile in enumerate(profiles):
            name = profile.get("profile_id") if isinstance(profile, dict) else None
            if isinstance(name, str):
                by_id[name] = profile
            else:
                about.note((index,), "profile_id is missing")
        return by_id

    def _servers(self, scenario: ScenarioPart, tasks: list[TaskPart]) -> Mapping[str, ServerPart]:
        """Return every server that is named; a file of the bundle goes before a task's URL."""
        servers = {server.name: server for server in scenario.tool_servers}
        for task in tasks:
            for server in task.tool_servers:
                if server.name in servers:
                    continue
                file = self.directory / "servers" / f"{module_of(server.name)}.py"
                here = {"tool_server_url": None} if file.exists() else {}
                servers[server.name] = server.model_copy(update=here)
        return servers

    def _task(
        self,
        part: TaskPart,
        content: Mapping[str, Any],
        about: "_JsonFile",
        servers: Mapping[str, ServerPart],
        profiles: Mapping[str, Mapping[str, Any]],
    ) -> TaskFiles:
        for index, person in enumerate(part.npcs):
            if person.id not in profiles:
                about.note(("npcs", index, "id"), f"{person.id} is not in npcs/profiles.json")
        for index, turn in enumerate(part.scripted):
            for number, call in enumerate(turn.calls):
                if call.tool_server not in servers:
                    place = ("scripted", index, "calls", number, "tool_server")
                    about.note(place, f"there is no tool server {call.tool_server}")
        for verifier in part.verifiers:
            file = self.directory / "verifiers" / f"{stem_of(verifier.module)}.py"
            self._python(file, "verify")
        away = [item.name for item in part.tool_servers if servers[item.name].tool_server_url]
        has_own = len(away) < len(part.tool_servers)
        for key in ("seed_data", *SEEDS):
            if key == "seed_emails" and not {*away}.isdisjoint(EMAIL_SERVERS):
                continue
            if content.get(key) and not has_own:
                words = f"nothing seeds {', '.join(away)}: a server elsewhere is as it is"
                about.note((key,), words)
        rubric = self._rubric(part.meta.task_id)
        if not part.verifiers and not rubric.strip():
            words = "nothing verifies it: neither verifiers nor rubrics/TASK_ID.md"
            about.note(("verifiers",), words)
        people = tuple(profiles[person.id] for person in part.npcs if person.id in profiles)
        return TaskFiles(part, content, rubric, people)

    def _rubric(self, task_id: str) -> str:
        for name in (task_id, task_id.replace("-", "_"), task_id.replace("_", "-")):
            file = self.directory / "rubrics" / f"{name}.md"
            if "/" not in name and file.exists():
                return file.read_text("utf-8")
        return ""

    def _python(self, file: Path, wanted: str) -> None:
        """See that a file is Python and has what is wanted of it, without running it."""
        try:
            tree = ast.parse(file.read_text("utf-8"), filename=str(file))
        except OSError as error:
            self._once(file, 1, f"cannot be read: {error.strerror}")
        except SyntaxError as error:
            self._once(file, error.lineno or 1, f"not Python: {error.msg}")
        except ValueError as error:
            self._once(file, 1, f"not Python: {error}")
        else:
            if wanted not in _names(tree):
                self._once(file, 1, f"{wanted} is missing")

    def _once(self, file: Path, line: int, words: str) -> None:
        if Mistake(file, line, words) not in self.mistakes:
            self._note(file, line, words)

    def _loaded(self, file: Path) -> tuple[Any, "_JsonFile"] | None:
        try:
            text = file.read_text("utf-8")
            return json.loads(text), _JsonFile(self, file, lines_of(text))
        except OSError as error:
            self._note(file, 1, f"cannot be read: {error.strerror}")
        except json.JSONDecodeError as error:
            self._note(file, error.lineno, f"not JSON: {error.msg}")
        except (ValueError, RecursionError) as error:
            self._note(file, 1, f"not JSON: {error}")
        return None

    def _json(
        self, file: Path, model: type[Any]
    ) -> tuple[Any, Mapping[str, Any], "_JsonFile"] | None:
        found = self._loaded(file)
        if found is None:
            return None
        content, about = found
        try:
            return model.model_validate(content), content, about
        except ValidationError as error:
            for problem in error.errors(include_url=False, include_context=False):
                where = ".".join(map(str, problem["loc"]))
                words = "is missing" if problem["type"] == "missing" else problem["msg"].lower()
                about.note(problem["loc"], f"{where} {words}".strip())
        return None


@dataclass(frozen=True)
class _JsonFile:
    """A JSON file that is being read."""

    reader: _Reader
    file: Path
    lines: Mapping[JsonPath, int]

    def note(self, place: JsonPath, words: str) -> None:
        self.reader.mistakes.append(Mistake(self.file, line_of(self.lines, place), words))


def _names(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (item.id for item in node.targets if isinstance(item, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
