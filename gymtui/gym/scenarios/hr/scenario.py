"""The `hr` scenario: a people-operations desk with calendar, email and HR records."""

from random import Random

from gymtui.gym.models.policy import Ask, ask, call
from gymtui.gym.scenarios.base import Scenario
from gymtui.gym.scenarios.hr import office_tools, records_tools, world
from gymtui.gym.scenarios.hr.tasks import ALL_SERVERS, TASKS
from gymtui.gym.tools.toolbox import Call, Toolbox


def wander(random: Random) -> Ask:
    """Return a turn that leads nowhere: a look at something, often at something not there."""
    person = random.choice(world.PEOPLE)[0]
    options: tuple[tuple[str, Call], ...] = (
        ("Maybe the inbox says more.", call("email", "list_emails")),
        (
            "Let me check whether this came up before.",
            call("email", "search_emails", query=random.choice(("budget", "urgent", "plan"))),
        ),
        (
            f"What does {person} do this week?",
            call("calendar", "list_events", attendee=world.address(person)),
        ),
        ("Who works here, again?", call("hr_records", "search_employees", query=person[:4])),
        (
            "I think there was a candidate I should look at.",
            call("hr_records", "get_candidate", candidate_id=f"cand_{random.randint(1, 14):02}"),
        ),
        (
            "There must be a policy on this.",
            call("hr_records", "read_policy", policy_id=f"pol_{random.randint(1, 9)}"),
        ),
        (
            "Reading that message once more.",
            call("email", "read_email", email_id=f"msg_{random.randint(1, 9):02}"),
        ),
    )
    say, made = random.choice(options)
    return ask(say, made)


HR = Scenario(
    scenario_id="hr",
    name="HR operations",
    description="A people-operations desk: interviews, offers, leave, reviews and onboarding.",
    servers={name: name for name in ALL_SERVERS},
    toolbox=Toolbox((*office_tools.TOOLS, *records_tools.TOOLS)),
    schema=world.SCHEMA,
    populate=world.populate,
    tasks={task.task_id: task for task in TASKS},
    wander=wander,
)
