"""Tasks about employees of the `hr` scenario: a promotion, leave requests, a new hire."""

from datetime import date, timedelta
from random import Random

from gymtui.gym.models.policy import after
from gymtui.gym.scenarios.base import Facts, Finding, check
from gymtui.gym.scenarios.hr.company import (
    PEOPLE,
    add_email,
    address,
    events_of,
    moment,
    sent_to,
)
from gymtui.gym.tools.workspace import Workspace

MARCUS, MEI = address("Marcus Oyelaran"), address("Mei Tanaka")
PROMOTED, PROMOTED_NAME = "emp_06", "Jun Watanabe"
FIRST_DAY = "2026-03-23"
HIRE, HIRE_NAME = "emp_15", "Yusuf Demir"


def _id_of(name: str) -> str:
    names = [person[0] for person in PEOPLE]
    return f"emp_{names.index(name) + 1:02}"


# -- record_title_change -----------------------------------------------------------------------


def seed_title_change(workspace: Workspace, random: Random) -> Facts:
    """A manager announces a promotion by mail and, half of the time, corrects the salary."""
    salary = 1000 * random.randint(124, 134)
    body = (
        f"Please record that {PROMOTED_NAME} is promoted to Staff Engineer, level 6, with a"
        f" salary of {salary}. Effective now. Let me know when it is done.\nMarcus"
    )
    subject = f"Promotion of {PROMOTED_NAME}"
    add_email(workspace, MARCUS, subject, body, sent_at=moment("2026-03-12", "11:05"))
    if random.random() < 0.5:
        salary += 500 * random.randint(1, 6)
        again = f"Sorry, the salary was wrong: it is {salary}. The rest stands.\nMarcus"
        add_email(workspace, MARCUS, f"Re: {subject}", again, sent_at=moment("2026-03-13", "09:40"))
    return {"salary": salary, "others": _records_but(workspace, PROMOTED)}


def _records_but(workspace: Workspace, employee_id: str) -> list[dict[str, object]]:
    return workspace.rows("SELECT * FROM employees WHERE employee_id != ?", employee_id)


def verify_title_change(workspace: Workspace, facts: Facts) -> list[Finding]:
    """The record has the new title, level and the last salary; the manager knows."""
    row = workspace.row("SELECT * FROM employees WHERE employee_id = ?", PROMOTED) or {}
    return [
        check(
            "title and level recorded",
            (row.get("title"), row.get("level")) == ("Staff Engineer", 6),
            f"Missing: title Staff Engineer at level 6 for {PROMOTED_NAME}",
        ),
        check(
            "salary recorded",
            row.get("salary") == facts["salary"],
            f"Wrong: salary is {row.get('salary')}, not {facts['salary']}",
        ),
        check(
            "nobody else changed",
            _records_but(workspace, PROMOTED) == facts["others"],
            "Wrong: record of another employee was changed",
        ),
        check(
            "manager told",
            any(PROMOTED_NAME.split()[0] in text for text in sent_to(workspace, MARCUS)),
            "Missing: confirmation email to Marcus Oyelaran",
        ),
    ]


# -- approve_leave_requests --------------------------------------------------------------------

LEAVE_POLICY = (
    "Annual leave is approved when the balance covers it and no colleague of the same department"
    " has approved leave on any of the days.\n"
    "Parental leave is always approved, whatever the balance or the others' leave.\n"
    "Who asked gets an email with the decision."
)


def seed_leave(workspace: Workspace, random: Random) -> Facts:
    """Pending requests: plain, over the balance, overlapping, and parental; and one approved."""
    workspace.insert("policies", {"policy_id": "pol_leave", "title": "Leave", "body": LEAVE_POLICY})
    start = date(2026, 4, 6) + timedelta(days=7 * random.randint(0, 3))
    _request(workspace, "Ethan Cole", "annual", start, 3, "approved")
    wanted = [
        ("Rafael Souza", "annual", start, 4, "approved"),
        ("Oliver Brandt", "annual", start + timedelta(days=1), 2, "denied"),
        ("Sofia Lindqvist", "annual", start, random.randint(8, 10), "denied"),
        ("Aisha Karim", "parental", start, 15, "approved"),
        ("Grace Okafor", "annual", start + timedelta(days=21), 3, "approved"),
    ]
    random.shuffle(wanted)
    expected = {}
    for name, kind, first, days, decision in wanted[: random.choice((4, 5))]:
        request_id = _request(workspace, name, kind, first, days, "pending")
        expected[request_id] = {"name": name, "decision": decision}
    return {"expected": expected}


def _request(
    workspace: Workspace, name: str, kind: str, first: date, days: int, status: str
) -> str:
    request_id = workspace.next_id("leave_requests", "req")
    row = {
        "request_id": request_id,
        "employee_id": _id_of(name),
        "kind": kind,
        "first_day": first.isoformat(),
        "last_day": (first + timedelta(days=days - 1)).isoformat(),
        "days": days,
        "status": status,
        "reason": "",
    }
    workspace.insert("leave_requests", row)
    return request_id


def verify_leave(workspace: Workspace, facts: Facts) -> list[Finding]:
    """Every pending request decided as the policy says, and everyone told the decision."""
    findings = []
    for request_id, expected in facts["expected"].items():
        name, decision = expected["name"], expected["decision"]
        row = workspace.row("SELECT status FROM leave_requests WHERE request_id = ?", request_id)
        status = "gone" if row is None else row["status"]
        problem = (
            f"Missing: decision on {name}'s request"
            if status == "pending"
            else f"Wrong: {name}'s request {status}, policy says {decision}"
        )
        is_informed = any(decision in text for text in sent_to(workspace, address(name)))
        findings += [
            check(f"{name}'s request {decision}", status == decision, problem),
            check(f"{name} told", is_informed, f"Missing: email to {name} with the decision"),
        ]
    return findings


# -- onboard_new_hire --------------------------------------------------------------------------

ONBOARDING_POLICY = (
    "Every new hire: `contract signed` 5 days before the first day, `accounts created` 1 day"
    " before, `security training` 7 days after.\n"
    "Who works remote also: `laptop shipped` 7 days before. Who works in an office also:"
    " `desk assigned` 1 day before.\n"
    "On the first day there is a 45-minute orientation with the manager, and before it a welcome"
    " email to the new hire."
)
DUE_DAYS = {
    "contract signed": -5,
    "accounts created": -1,
    "security training": 7,
    "laptop shipped": -7,
    "desk assigned": -1,
}


def seed_new_hire(workspace: Workspace, random: Random) -> Facts:
    """A hire on the books, remote or not, whose manager has meetings on the first day."""
    remote = random.random() < 0.5
    row = {
        "employee_id": HIRE,
        "name": HIRE_NAME,
        "email": address(HIRE_NAME),
        "title": "Data Analyst",
        "department": "Data",
        "level": 3,
        "salary": 78000,
        "manager_id": "emp_13",
        "location": "remote" if remote else random.choice(("Berlin", "Lisbon")),
        "leave_balance_days": 20,
    }
    workspace.insert("employees", row)
    policy = {"policy_id": "pol_onboarding", "title": "Onboarding", "body": ONBOARDING_POLICY}
    workspace.insert("policies", policy)
    extra = "laptop shipped" if remote else "desk assigned"
    items = ("contract signed", "accounts created", "security training", extra)
    first = date.fromisoformat(FIRST_DAY)
    due = {item: (first + timedelta(days=DUE_DAYS[item])).isoformat() for item in items}
    return {"due": due}


def verify_new_hire(workspace: Workspace, facts: Facts) -> list[Finding]:
    """Exactly the items the policy asks for, on time; the orientation; the welcome."""
    rows = workspace.rows("SELECT item, due FROM onboarding_items WHERE employee_id = ?", HIRE)
    made = {row["item"]: row["due"] for row in rows}
    hire = address(HIRE_NAME)
    orientation = [
        event
        for event in events_of(workspace, hire, day=FIRST_DAY)
        if MEI in event["attendees"] and event["end"] == after(event["start"], 45)
    ]
    wanted: dict[str, str] = facts["due"]
    surplus = sorted(set(made) - set(wanted))
    findings = [
        check(f"{item} by {due}", made.get(item) == due, f"Missing: {item} due {due}")
        for item, due in wanted.items()
    ]
    return [
        *findings,
        check("no other items", not surplus, f"Wrong: {', '.join(surplus)} does not apply"),
        check(
            "orientation with the manager",
            bool(orientation),
            f"Missing: 45-minute orientation on {FIRST_DAY}",
        ),
        check(
            "welcome email",
            bool(sent_to(workspace, hire)),
            f"Missing: welcome email to {HIRE_NAME}",
        ),
    ]
