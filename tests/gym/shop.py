"""The example bundle with more tools, and a task for each of many verifiers."""

import json
from pathlib import Path
from typing import Any

from tests.gym.bundles import SERVER_FILE, TASK_FILE, example

VERDICTS = {
    "True": (True, "passed"),
    "False": (False, "failed"),
    "(True, 'fine')": (True, "fine"),
    "{'success': False, 'message': 'no', 'output': {'score': 0.5}}": (False, "no"),
    "VerifierResult(True, 'v', 'more')": (True, "v"),
    "(run_artifacts.final_observation == 'Done.', run_artifacts.model)": (True, "m"),
    "(run_artifacts.tool_calls[0]['tool_name'] == 'refund', str(run_artifacts.steps_taken))": (
        *(True, "1"),
    ),
    "('orders' in run_artifacts.seed_data, run_artifacts.tool_server_name)": (True, "desk"),
    "helper.shared()": (True, "shared"),
}
"""What a verifier returns, and the verdict that it is."""
FAULTS = {
    "raise KeyError('total')": ":5: KeyError: 'total'",
    "return None": "no verdict",
    "import os; os._exit(3)": "the process of the verifier ended",
    "return run_artifacts.nothing": "run_artifacts has no nothing",
}
"""What a verifier does, and what is said of its failure."""
BODIES = {
    **{f"return {said}": None for said in VERDICTS},
    **FAULTS,
    "by_url": None,
    "while True: pass": None,
}
BY_URL = """\
import json, urllib.request
    url = run_artifacts.server_url('desk')
    listed = json.load(urllib.request.urlopen(url + '/tools'))
    action = {'tool_name': 'find_orders', 'parameters': {'customer': 'Dana Kim'}}
    asked = urllib.request.Request(url + '/step', json.dumps({'action': action}).encode())
    seen = json.load(urllib.request.urlopen(asked))['observation']
    orders = seen['structured_content']['orders']
    return orders[0]['refunded'] == 24.5, listed['tools'][0]['name']
"""
HEAD = (
    "from collinear.core.verifier import VerifierResult\n"
    "from collinear.scenarios.shop.verifiers import helper\n"
)
MODULE = "collinear.scenarios.shop.verifiers."
DESK = """
import os

def pid(world): return {'pid': os.getpid(), 'keys': [k for k in os.environ if 'KEY' in k]}
def leave(world): os._exit(3)
def hang(world):
    while True: pass
def odd(world): return {1: {2, 3}, 'x': float('nan')}
TOOLS += [pid, leave, hang, odd]
"""


def task_of(body: str) -> str:
    """The id of the task that a verifier with this body verifies."""
    return f"task_{list(BODIES).index(body)}"


def write_shop(directory: Path) -> Path:
    """Write it and return where it is."""
    bundle = example(directory)
    (bundle / SERVER_FILE).write_text((bundle / SERVER_FILE).read_text() + DESK)
    (bundle / "verifiers" / "helper.py").write_text("def shared(): return True, 'shared'\n")
    plain = json.loads((bundle / TASK_FILE).read_text())

    def add(task_id: str, **changes: Any) -> None:
        meta = {**plain["meta"], "task_id": task_id}
        task = {**plain, "meta": meta, "scripted": [], **changes}
        (bundle / "tasks" / f"{task_id}.json").write_text(json.dumps(task))

    for body in BODIES:
        text = HEAD + "\ndef verify(run_artifacts):\n    "
        written = BY_URL if body == "by_url" else f"{body}\n"
        (bundle / "verifiers" / f"{task_of(body)}.py").write_text(text + written)
        verifier = {"func": "python_module", "module": MODULE + task_of(body)}
        add(task_of(body), verifiers=[verifier])
    several = [task_of(f"return {said}") for said in ("True", "False", "(True, 'fine')")]
    add("several", verifiers=[{"func": "python_module", "module": MODULE + n} for n in several])
    (bundle / "rubrics" / "judged.md").write_text("# Refund it")
    add("judged", verifiers=[])
    (bundle / "rubrics" / "self_judged.md").write_text("# Refund it")
    add("self_judged", verifiers=[], judged_by="run")
    (bundle / "skills.md").write_text("Be kind.")
    return bundle
