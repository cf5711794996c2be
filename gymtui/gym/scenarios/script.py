"""What a task lays down for scripted agents, as a plan: turn by turn, and the last words."""

from collections.abc import Sequence

from gymtui.gym.models.policy import Mind, Plan, Steps, ask, call
from gymtui.gym.scenarios.bundle_files import TurnPart


def plan_of(turns: Sequence[TurnPart]) -> Plan:
    """Return a plan that takes these turns; a hasty mind leaves some of them out."""

    def plan(mind: Mind) -> Steps:
        closing = ""
        for turn in turns:
            if not turn.calls:
                closing = turn.say
            elif mind.is_careful():
                calls = (
                    call(item.tool_server, item.tool_name, **item.parameters) for item in turn.calls
                )
                yield ask(turn.say, *calls)
        return closing

    return plan
