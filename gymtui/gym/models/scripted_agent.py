"""The scripted agents: seeded temperaments that carry out a task's plan with no model at all."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from gymtui.gym.clock import DurationRange
from gymtui.gym.models.agent import AgentError, Turn
from gymtui.gym.models.policy import Ask, Mind, Plan
from gymtui.gym.tools.toolbox import Call, Observation

PREFIX = "scripted/"
CHARACTERS_PER_TOKEN = 4

Wander = Callable[[Random], Ask]  # returns a turn that leads nowhere


@dataclass(frozen=True)
class Temperament:
    care: float  # how likely it does the careful thing at one decision, 0 to 1
    distraction: float  # how likely a turn goes to something else, 0 to 1
    fumbles: float  # how likely a call is first made with a parameter misnamed, 0 to 1
    gives_answers: bool  # whether it ever says that it is done
    thinks: DurationRange


TEMPERAMENTS = {
    f"{PREFIX}careful": Temperament(0.965, 0.06, 0.02, True, DurationRange(1.4, 3.0)),
    f"{PREFIX}hasty": Temperament(0.78, 0.02, 0.1, True, DurationRange(0.8, 1.7)),
    f"{PREFIX}lost": Temperament(0.6, 0.8, 0.15, False, DurationRange(0.9, 2.2)),
}


class ScriptedAgent:
    """A plan carried out with a temperament; everything it does is drawn from one seed."""

    def __init__(
        self,
        temperament: Temperament,
        plan: Plan,
        wander: Wander,
        *,
        random: Random,
        pace: Random,
    ) -> None:
        """Begin a plan.

        Args:
            pace: Where durations come from; apart, so that speed never changes an outcome.
        """
        self._temperament = temperament
        self._wander = wander
        self._random = random
        self._pace = pace
        self._steps = plan(Mind(random, temperament.care))
        self._next: Ask | None = None
        self._awaiting = False
        self._closing = ""
        self._read = 0
        self._calls = 0
        self._advance(None)

    def take_summaries(self) -> Sequence[Turn]:
        """Return none: it has no context to summarise."""
        return ()

    def thinks_for_s(self) -> float:
        return self._temperament.thinks.draw(self._pace)

    async def act(self, results: Sequence[Observation], user_text: str | None = None) -> Turn:
        """Return the next turn: of the plan, a fumble, or a distraction."""
        self._read += sum(len(json.dumps(result.value)) for result in results)
        if self._awaiting:
            self._advance(list(results))
        turn = self._decide()
        characters = len(turn.text) + sum(len(json.dumps(call.parameters)) for call in turn.calls)
        read, self._read = self._read, self._read + characters
        return Turn(
            turn.text,
            turn.calls,
            prompt_tokens=600 + read // CHARACTERS_PER_TOKEN,
            completion_tokens=12 + characters // CHARACTERS_PER_TOKEN,
        )

    def _advance(self, results: list[Observation] | None) -> None:
        self._awaiting = False
        try:
            self._next = next(self._steps) if results is None else self._steps.send(results)
        except StopIteration as stop:
            self._next, self._closing = None, stop.value
        except (LookupError, TypeError, ValueError) as error:
            # A plan met something it was not written for: its agent is at its wits' end.
            raise AgentError(f"the policy could not go on: {type(error).__name__}") from error

    def _decide(self) -> Turn:
        temperament, chance = self._temperament, self._random.random
        if chance() < temperament.distraction:
            return self._turn(self._wander(self._random))
        if self._next is None:
            if temperament.gives_answers:
                return Turn(self._closing)
            return self._turn(self._wander(self._random))
        if chance() < temperament.fumbles:
            fumbled = _fumble(self._next, self._random)
            if fumbled is not None:
                return self._turn(fumbled)
        self._awaiting = True
        return self._turn(self._next)

    def _turn(self, ask: Ask) -> Turn:
        calls = []
        for call in ask.calls:
            self._calls += 1
            call_id = f"call_{self._calls:03}"
            calls.append(Call(call.server, call.tool, call.parameters, call_id))
        return Turn(ask.say, tuple(calls))


def _fumble(ask: Ask, random: Random) -> Ask | None:
    """Return the turn's first call with a parameter misnamed, which tools always refuse."""
    first = ask.calls[0]
    if not first.parameters:
        return None
    slip = random.choice(sorted(first.parameters))
    misnamed = {
        f"{name}_value" if name == slip else name: value for name, value in first.parameters.items()
    }
    return Ask(ask.say, (Call(first.server, first.tool, misnamed),))
