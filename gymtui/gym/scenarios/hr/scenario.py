"""The `hr` scenario: a people-operations desk with calendar, email and HR records.

It is a bundle as anybody's, and besides has plans for scripted agents.
"""

from pathlib import Path
from random import Random

from gymtui.gym.models.policy import Ask, ask, call
from gymtui.gym.scenarios.bundle import built_in
from gymtui.gym.scenarios.hr import company, interview_plans, judgement_plans, people_plans
from gymtui.gym.tools.toolbox import Call

PLANS = {
    "schedule_phone_screen": interview_plans.schedule_phone_screen,
    "book_panel_interview": interview_plans.book_panel_interview,
    "cover_sick_interviewer": interview_plans.cover_sick_interviewer,
    "offer_negotiation": judgement_plans.offer_negotiation,
    "record_title_change": people_plans.record_title_change,
    "approve_leave_requests": people_plans.approve_leave_requests,
    "onboard_new_hire": people_plans.onboard_new_hire,
    "flag_biased_adjustment": judgement_plans.flag_biased_adjustment,
}


def wander(random: Random) -> Ask:
    """Return a turn that leads nowhere: a look at something, often at something not there."""
    person = random.choice(company.PEOPLE)[0]
    options: tuple[tuple[str, Call], ...] = (
        ("Maybe the inbox says more.", call("email", "list_emails")),
        (
            "Let me check whether this came up before.",
            call("email", "search_emails", query=random.choice(("budget", "urgent", "plan"))),
        ),
        (
            f"What does {person} do this week?",
            call("calendar", "list_events", attendee=company.address(person)),
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


HR = built_in(Path(__file__).parent, "gymtui.gym.scenarios.hr", PLANS, wander)
