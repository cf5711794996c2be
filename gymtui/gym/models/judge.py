"""A model that judges a rollout by a rubric, in one call."""

import json
import re
from collections.abc import Mapping
from typing import Any

from gymtui.gym.json_text import parse
from gymtui.gym.models.agent import AgentError
from gymtui.gym.models.answers import read_answer
from gymtui.gym.models.exchange import BLOCKS
from gymtui.gym.models.model_servers import ModelServers
from gymtui.gym.wire import ModelConfig, Result

TEMPERATURE = 0.2
PASSES_FROM = 0.6  # the score from which a rollout passes, as in the vendor's client

PROMPT = """\
You judge what an assistant did by a rubric. Judge only by what the record shows: what tools
returned counts, what the assistant claims does not. Answer with one JSON object and nothing else:
{"score": 0.0 to 1.0, "verdict": "PASS" or "FAIL", "confidence": 0.0 to 1.0,
 "evidence": ["what in the record it rests on"], "failed_criteria": ["criteria that are not met"],
 "dimension_scores": [{"dimension": "criterion", "score": 0.0 to 1.0, "reason": "why"}]}"""


class JudgeError(Exception):
    """There is no judgement, for a reason that says nothing about the rollout."""


async def judge_by_rubric(
    servers: ModelServers,
    settings: ModelConfig,
    *,
    rubric: str,
    task: str,
    record: Mapping[str, Any],
) -> Result:
    """Ask a model for its judgement.

    Args:
        record: What happened: messages, tool calls and their results.

    Raises:
        JudgeError: The model does not answer, or with no judgement.
    """
    # What a model thought of its words is many times as long as these, and blocks say them again.
    messages = [
        {key: message[key] for key in message if key not in ("log_probs", BLOCKS)}
        for message in record["messages"]
    ]
    case = {"task": task, "rubric": rubric, "record": {**record, "messages": messages}}
    body = {
        "messages": [
            {"role": "system", "content": PROMPT},
            {"role": "user", "content": json.dumps(case, ensure_ascii=False)},
        ],
        "temperature": TEMPERATURE,
    }
    try:
        text = read_answer(await servers.complete(settings, body)).turn.text
    except AgentError as error:
        raise JudgeError(f"the judge gave no answer: {error}") from None
    return _result(text)


def _result(text: str) -> Result:
    found = re.search(r"\{.*\}", text, re.DOTALL)
    try:
        judgement = parse(found.group().encode()) if found else None
    except ValueError:
        judgement = None
    score = _share(judgement.get("score")) if isinstance(judgement, Mapping) else None
    if not isinstance(judgement, Mapping) or score is None:
        raise JudgeError(f"the judge's answer holds no score: {text[:200]}")
    success = score >= PASSES_FROM
    failed = _texts(judgement.get("failed_criteria"))
    output = {
        "score": score,
        # The score decides, so that the two never differ.
        "verdict": "PASS" if success else "FAIL",
        "confidence": _share(judgement.get("confidence")),
        "evidence": _texts(judgement.get("evidence")),
        "failed_criteria": failed,
        "dimension_scores": _dimensions(judgement.get("dimension_scores")),
    }
    message = "; ".join(failed) if failed and not success else f"judged {score:.2f} by the rubric"
    return Result(success=success, message=message, output=output)


def _share(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= 1 else None


def _texts(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _dimensions(value: Any) -> list[dict[str, Any]]:
    found = value if isinstance(value, list) else []
    return [
        {
            "dimension": str(item.get("dimension", "")),
            "score": _share(item.get("score")),
            "reason": str(item.get("reason", "")),
        }
        for item in found
        if isinstance(item, Mapping)
    ]
