"""Inspect's logs, `.eval` and `.json`: a log is a run, samples × epochs are tasks × attempts.

Read in Inspect's source (`log/_log.py`, `log/_recorders/eval.py`, `log/_condense.py`). A `.eval` is
a zip archive: while it is written it has `_journal/` alone, `header.json` and `summaries.json` come
at its end, and a killed log stays as it is. A log that is run again has the same `task_id`: what it
supersedes is left out. Samples are read when they are opened.

Inspect's own reader is asked, where it is installed, only for logs of a newer format, or packed in
a way that nothing here unpacks: to import it takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from gymtui.core.replacement import replace
from gymtui.sources.files import Entries, Files, UnsupportedError, files_in
from gymtui.sources.inspect_samples import artifacts_of
from gymtui.sources.json_fields import JsonFields, list_in, number_in, objects_in
from gymtui.sources.rollout_facts import RolloutFacts, RunFacts, add_missing, artifacts_body
from gymtui.sources.source import LOOKED_AT, ReadContext, Source
from gymtui.sources.zip_members import ZipMembers

_EVAL: Final = ".eval"
_NEWEST: Final = 2
"""The newest version of the format that is known here (`log/_log.py`, `LOG_SCHEMA_VERSION`)."""
_NO_LOGS: Final = frozenset({"logs.json", "eval-set.json", "flow.json"})
"""What Inspect writes beside logs."""
_LETTERS: Final = {"c": 1.0, "i": 0.0, "p": 0.5, "n": 0.0, "yes": 1.0, "true": 1.0, "no": 0.0}
"""What a value in words is worth: correct, incorrect, partial, no answer (`scorer/_metric.py`)."""


@dataclass(frozen=True, slots=True)
class _Log:
    """A log."""

    task: str | None
    task_id: str | None
    created: str
    model: str | None
    status: str  # `started` while it is written, and of one that was killed
    planned: Mapping[str, int]  # how many samples there are to be, by their ids
    reported: Mapping[str, Any]
    samples: tuple[RolloutFacts, ...]


class InspectLogs(Source):
    """Reads Inspect's logs."""

    name = "inspect"
    title = "Inspect's logs (.eval, .json)"
    inner = frozenset()
    by_file = True

    def owns(self, place: Path, found: Entries, files: Files) -> bool:
        """A directory with a log in it."""
        if any(name.endswith(_EVAL) for name in found.files):
            return True
        names = sorted(found.files)[:LOOKED_AT]
        return any(self.owns_file(place / name, files) for name in names)

    def owns_file(self, file: Path, files: Files) -> bool:
        """A log, by its name or by how it begins."""
        if file.suffix == ".json" and file.name not in _NO_LOGS:
            head = files.head(file)
            return b'"eval"' in head[:512] and b'"run_id"' in head and b'"task"' in head
        return file.suffix == _EVAL

    def read(self, place: Path, context: ReadContext) -> Iterable[RunFacts]:
        """A run for each log, but for those that a later one supersedes."""
        found: dict[str, tuple[Path, _Log]] = {}
        for file, log in context.files.cached_of(files_in(place), _of_file, self.owns_file):
            known = found.get(log.task_id or str(file))
            if known is None or known[1].created <= log.created:
                found[log.task_id or str(file)] = (file, log)
        for file, log in found.values():
            dead = log.status != "started" or context.is_quiet(file)
            yield RunFacts(
                run_id=file.stem,
                source=self.name,
                rollouts=add_missing(log.samples, log.planned, dead=dead),
                scenario_id=log.task,
                began=log.created,
                reported=log.reported or None,
                graded=True,
                over=dead,
            )


def _of_file(file: Path) -> _Log:
    """A log; read by Inspect itself where that is needed and can be had."""
    try:
        return _of_archive(file) if file.suffix == _EVAL else _of_json(file)
    except UnsupportedError as error:
        try:
            import_module("inspect_ai.log")
        except ImportError:
            raise UnsupportedError(f"{error}; pip install inspect_ai reads it") from None
        document = _inspects_document(file)
        body = partial(_from_document, _inspects_document)
        return _log_of(file, document, document.objects("samples"), body)


def _inspects_document(file: Path) -> JsonFields:
    """A log with its samples, as Inspect itself reads it."""
    read = import_module("inspect_ai.log").read_eval_log
    try:
        text: str = read(str(file), resolve_attachments=True).model_dump_json()
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001  (whatever it raises, the log cannot be read)
        raise ValueError(f"Inspect cannot read it: {error}") from None
    return JsonFields(text.encode())


def _check_version(header: JsonFields) -> None:
    if (version := header.integer("version") or 0) > _NEWEST:
        raise UnsupportedError(f"a log of version {version}")


def _of_archive(file: Path) -> _Log:
    members = ZipMembers(file)
    whole = "header.json" in members
    header = JsonFields(members.read("header.json" if whole else "_journal/start.json"))
    _check_version(header)
    if "summaries.json" in members:
        parts = ["summaries.json"]
    else:
        journal = [name for name in members.names if name.startswith("_journal/summaries/")]
        parts = sorted(journal, key=lambda name: int(Path(name).stem))
    samples = [sample for part in parts for sample in objects_in(list_in(members.read(part)))]
    listed = {_member(sample) for sample in samples}
    # Early versions kept no summaries.
    samples += [
        JsonFields(members.read(name))
        for name in members.names
        if name.startswith("samples/") and name not in listed
    ]
    return _log_of(file, header, samples, _from_archive)


def _of_json(file: Path) -> _Log:
    document = _document(file)
    _check_version(document)
    body = partial(_from_document, _document)
    return _log_of(file, document, document.objects("samples"), body)


def _document(file: Path) -> JsonFields:
    return JsonFields(file.read_bytes())


def _log_of(file: Path, header: JsonFields, samples: list[JsonFields], body: Any) -> _Log:
    spec = header.mapping("eval")
    if not spec.text("task"):
        raise ValueError("no log of Inspect's")
    model = spec.text("model")
    results = header.mapping("results").objects("scores")
    scorers = _scorers(results, spec.objects("scorers"))
    dataset, config = spec.mapping("dataset"), spec.mapping("config")
    ids = dataset.value("sample_ids")
    planned = [str(one) for one in ids] if isinstance(ids, list) else []
    order = {one: place for place, one in enumerate(planned)}
    samples.sort(key=lambda one: (order.get(one.label("id") or "", len(order)), _epoch(one)))
    read: dict[str, RolloutFacts] = {}
    for sample in samples:
        facts = _sample(sample, file.stem, scorers)
        provider = model.partition("/")[0] if model and "/" in model else None
        read[facts.rollout_id] = replace(
            facts,
            model=model,
            provider=provider,
            body=partial(body, file, facts.rollout_id, _member(sample), model),
        )
    epochs = config.integer("epochs") or 1
    return _Log(
        task=spec.text("task"),
        task_id=spec.text("task_id"),
        created=spec.time("created") or "",
        model=model,
        status=header.text("status") or "started",
        planned=dict.fromkeys(planned, epochs),
        reported=_reported(results),
        samples=tuple(read.values()),
    )


def _scorers(results: Iterable[JsonFields], specs: Iterable[JsonFields]) -> dict[str, bool]:
    """The scorers in their order, each with whether its numbers are right or wrong answers."""
    found: dict[str, bool] = {}
    for one in (*results, *specs):
        name = _score_name(one)
        metrics = one.raw("metrics") or b""
        found[name] = found.get(name, False) or b"accuracy" in metrics
    return found


def _score_name(score: JsonFields) -> str:
    """What a score of the results is called: with its scorer, where that gives several."""
    name, scorer = score.text("name") or "", score.text("scorer")
    return name if scorer in (None, name) else f"{scorer}.{name}"


def _epoch(sample: JsonFields) -> int:
    return sample.integer("epoch") or 1


def _member(sample: JsonFields) -> str:
    return f"samples/{sample.label('id')}_epoch_{_epoch(sample)}.json"


def _reported(results: Iterable[JsonFields]) -> dict[str, Any]:
    """Inspect's own metrics: its accuracy is a mean of task means, without errors."""
    found: dict[str, Any] = {}
    for score in results:
        reducer = score.text("reducer")
        name = f"{_score_name(score)}{f' ({reducer})' if reducer else ''}"
        metrics = score.mapping("metrics")
        found[name] = {metric: metrics.mapping(metric).number("value") for metric in metrics}
    return found


def _sample(sample: JsonFields, log: str, scorers: Mapping[str, bool]) -> RolloutFacts:
    identity = f"{sample.label('id')}.{_epoch(sample)}@{log.rpartition('_')[2][:6]}"
    error = sample.text("error") or sample.mapping("error").text("message")
    limit = sample.text("limit") or sample.mapping("limit").text("type")
    scores = sample.mapping("scores")
    given = {name: scores.mapping(name).value("value") for name in scores}
    values = dict(_values(given))
    main = next((name for name in scorers if name in values), next(iter(values), ""))
    reward, success = _score_of(values.get(main))
    if main not in given:
        success = None
    elif success is None and reward is not None and scorers.get(main):
        success = reward == 1
    failed = [name for name, value in values.items() if _score_of(value)[0] == 0]
    alike = [name for name in values if name.partition(".")[0] == main.partition(".")[0]]
    parts = (f"{name} {values[name]}" for name in alike if not isinstance(values[name], list))
    message = " · ".join(parts)
    return RolloutFacts(
        rollout_id=identity,
        task_id=sample.label("id"),
        status="failed" if error and not given else "completed",
        started_at=sample.time("started_at"),
        created_at=sample.time("started_at"),
        completed_at=sample.time("completed_at"),
        reward=reward,
        success=success,
        message=error or ("" if success else message),
        failed_criteria=tuple(failed) if len(values) > 1 else (),
        termination_reason=error or (f"{limit} limit" if limit else None),
        details={"output": {"scores": given}} if given else None,
    )


def _values(given: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """What each scorer gave; of one that gives several values each of these, `scorer.value`."""
    for name, value in given.items():
        if isinstance(value, Mapping) and value:
            yield from ((f"{name}.{part}", one) for part, one in value.items())
        else:
            yield name, value


def _score_of(value: object) -> tuple[float | None, bool | None]:
    """What a score's value is worth, and whether it is a pass where it says so itself.

    A number has no pass of its own; neither has a score of several values.
    """
    if isinstance(value, bool):
        return float(value), value
    if isinstance(value, str):
        worth = _LETTERS.get(value.lower(), 0.0 if value.lower() == "false" else None)
        if worth is not None:
            return worth, worth == 1
        try:
            return number_in(float(value)), None
        except ValueError:
            return None, None
    return number_in(value), None


def _from_archive(file: Path, rollout_id: str, member: str, model: str | None) -> bytes:
    sample = JsonFields(ZipMembers(file).read(member))
    return artifacts_body(rollout_id, artifacts_of(sample, model))


def _from_document(
    load: Callable[[Path], JsonFields], file: Path, rollout_id: str, member: str, model: str | None
) -> bytes:
    for sample in load(file).objects("samples"):
        if _member(sample) == member:
            return artifacts_body(rollout_id, artifacts_of(sample, model))
    raise ValueError("the sample is no longer in its log")
