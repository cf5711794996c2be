"""The scenarios that come with the local gym; `SCENARIOS` holds them by id."""

from gymtui.gym.scenarios.base import Scenario
from gymtui.gym.scenarios.hr.scenario import HR

SCENARIOS: dict[str, Scenario] = {HR.scenario_id: HR}
