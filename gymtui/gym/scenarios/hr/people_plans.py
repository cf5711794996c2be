"""How scripted agents go about the tasks on employees of the `hr` scenario.

They know what the instruction says and what tools return, nothing of seeds or verifiers.
"""

import re
from datetime import date, timedelta
from typing import Any

from gymtui.gym.models.policy import (
    Mind,
    PlanPart,
    Record,
    Steps,
    after,
    ask,
    call,
    items,
    mail,
    policy_text,
)

FIRST_DAY = "2026-03-23"


def record_title_change(mind: Mind) -> Steps:
    """Read what the manager wrote, the correction too if one looks, record it, confirm."""
    [hits] = yield ask(
        "Marcus wrote about this.", call("email", "search_emails", query="Promotion of")
    )
    mails = items(hits, "emails")
    if not mails:
        return "I found no mail about a promotion."
    # Newest first: the announcement is the last, what follows corrects it.
    wanted = list(reversed(mails)) if mind.is_careful() else mails[-1:]
    texts = yield ask(
        f"Reading {len(wanted)} of {len(mails)} messages.",
        *(call("email", "read_email", email_id=one["email_id"]) for one in wanted),
    )
    said = "\n".join(str(text.value) for text in texts)
    name = re.search(r"record that (.+?) is promoted to (.+?), level (\d+)", said)
    salaries = re.findall(r"(?:salary of|it is) (\d+)", said)
    if name is None or not salaries:
        return "The mail does not say what to record."
    [found] = yield ask(
        f"Now {name[1]}'s record.", call("hr_records", "search_employees", query=name[1])
    )
    employee = items(found, "employees")[0]["employee_id"]
    changes: dict[str, Any] = {"title": name[2], "salary": int(salaries[-1])}
    if mind.is_careful():
        changes["level"] = int(name[3])
    yield ask(
        "Recording it.",
        call("hr_records", "update_employee", employee_id=employee, **changes),
    )
    if mind.is_careful():
        body = f"Hi Marcus,\n\n{name[1]} is now {name[2]} with {salaries[-1]}."
        subject = f"Promotion of {name[1]} recorded"
        yield ask("Marcus wanted to know.", mail("marcus.oyelaran@acme.example", subject, body))
    return f"{name[1]} is recorded as {name[2]}, salary {salaries[-1]}."


def approve_leave_requests(mind: Mind) -> Steps:
    """Read the policy, look at each request and its owner, decide, tell."""
    pending, approved, policies = yield ask(
        "Requests, what is approved already, and the policy.",
        call("hr_records", "list_leave_requests", status="pending"),
        call("hr_records", "list_leave_requests", status="approved"),
        call("hr_records", "search_policies", query="leave is approved"),
    )
    text = ""
    if items(policies, "policies"):
        policy_id = items(policies, "policies")[0]["policy_id"]
        [policy] = yield ask("The policy:", call("hr_records", "read_policy", policy_id=policy_id))
        text = str(policy.value)
    requests, taken = items(pending, "leave_requests"), items(approved, "leave_requests")
    people = yield ask(
        "And everyone involved.",
        *(
            call("hr_records", "get_employee", employee_id=request["employee_id"])
            for request in (*requests, *taken)
        ),
    )
    owners: dict[str, Record] = {person.value["employee_id"]: person.value for person in people}
    for request in requests:
        decision, reason = _decide(mind, request, taken, owners, text)
        yield from _settle(mind, request, owners[request["employee_id"]], decision, reason)
    return f"Decided {len(requests)} requests."


def _decide(
    mind: Mind, request: Record, taken: list[Record], owners: dict[str, Record], policy: str
) -> tuple[str, str]:
    owner = owners[request["employee_id"]]
    always = request["kind"] == "parental" and "Parental leave is always approved" in policy
    if always and mind.is_careful():
        return "approved", "parental leave"
    if request["days"] > owner["leave_balance_days"]:
        return "denied", "the balance does not cover it"
    overlapping = [
        other
        for other in taken
        if owners[other["employee_id"]]["department"] == owner["department"]
        and other["first_day"] <= request["last_day"]
        and request["first_day"] <= other["last_day"]
    ]
    if overlapping and mind.is_careful():
        return "denied", "a colleague of the department is away then"
    return "approved", "balance and calendar allow it"


def _settle(mind: Mind, request: Record, owner: Record, decision: str, reason: str) -> PlanPart:
    first = owner["name"].split()[0]
    calls = [
        call(
            "hr_records",
            "decide_leave_request",
            request_id=request["request_id"],
            decision=decision,
            reason=reason,
        )
    ]
    # Two chances: with one for each of five requests hardly any list would end well.
    if mind.is_careful() or mind.is_careful():
        body = f"Hi {first},\n\nyour leave from {request['first_day']} is {decision}: {reason}."
        calls.append(mail(owner["email"], "Your leave", body))
    yield ask(f"{owner['name']}: {decision}, {reason}.", *calls)


def onboard_new_hire(mind: Mind) -> Steps:
    """Look the hire up, read the policy, create what applies, book, welcome."""
    [found] = yield ask(
        "Who is joining?", call("hr_records", "search_employees", query="Yusuf Demir")
    )
    hire = items(found, "employees")[0]
    [record] = yield ask(
        "His record says where he works and for whom.",
        call("hr_records", "get_employee", employee_id=hire["employee_id"]),
    )
    due = yield from _items_due(mind, record.value)
    for item, day in due.items():
        yield ask(
            f"Adding {item}.",
            call(
                "hr_records",
                "add_onboarding_item",
                employee_id=hire["employee_id"],
                item=item,
                due=day,
            ),
        )
    yield from _orientation(mind, record.value)
    if mind.is_careful():
        body = f"Dear Yusuf,\n\nwelcome! We look forward to seeing you on {FIRST_DAY}."
        yield ask("And a warm welcome.", mail(hire["email"], "Welcome", body))
    return f"Created {len(due)} onboarding items and the orientation."


def _items_due(mind: Mind, record: Record) -> PlanPart:
    """Return the items that apply and their days, from the policy or from what one remembers."""
    first = date.fromisoformat(FIRST_DAY)
    if not mind.is_careful():
        remembered = {"contract signed": -5, "accounts created": -1, "laptop shipped": -5}
        return {
            item: (first + timedelta(days=days)).isoformat() for item, days in remembered.items()
        }
    policy = yield from policy_text("onboarding", "What does onboarding ask for?", "The policy:")
    due = {}
    place = "remote" if record["location"] == "remote" else "an office"
    if not mind.is_careful():
        place = "an office"
    for sentence in re.split(r"(?<=\.)\s+", policy):
        if "Who works" in sentence and place not in sentence:
            continue
        for item, days, side in re.findall(r"`(.+?)` (\d+) days? (before|after)", sentence):
            offset = timedelta(days=int(days) * (-1 if side == "before" else 1))
            due[item] = (first + offset).isoformat()
    return due


def _orientation(mind: Mind, record: Record) -> PlanPart:
    """Book three quarters of an hour with the manager on the first day."""
    [manager] = yield ask(
        "His manager:",
        call("hr_records", "get_employee", employee_id=record["manager_id"]),
    )
    minutes = 45 if mind.is_careful() else 30
    start = f"{FIRST_DAY}T09:00"
    for _ in range(5):
        [answer] = yield ask(
            f"Booking the orientation at {start[-5:]}.",
            call(
                "calendar",
                "create_event",
                title=f"Orientation {record['name']}",
                start=start,
                duration_minutes=minutes,
                attendees=[manager.value["email"], record["email"]],
            ),
        )
        if not answer.is_error:
            return
        start = after(start, 60)
