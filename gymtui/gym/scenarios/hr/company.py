"""The company of the `hr` scenario: its tables, its people, and a week in their calendars."""

import json
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from random import Random

from gymtui.gym.models.policy import after
from gymtui.gym.tools.workspace import Row, Workspace

MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (f"2026-03-{day}" for day in range(16, 21))
DOMAIN = "acme.example"
AGENT_EMAIL = f"people-ops@{DOMAIN}"
DAY_STARTS, DAY_ENDS = "09:00", "17:00"

SCHEMA = """
CREATE TABLE employees (employee_id TEXT PRIMARY KEY, name TEXT, email TEXT, title TEXT,
    department TEXT, level INTEGER, salary INTEGER, manager_id TEXT, location TEXT,
    leave_balance_days INTEGER);
CREATE TABLE candidates (candidate_id TEXT PRIMARY KEY, name TEXT, email TEXT, role TEXT,
    stage TEXT, band_min INTEGER, band_max INTEGER, offer_salary INTEGER, sign_on INTEGER);
CREATE TABLE events (event_id TEXT PRIMARY KEY, title TEXT, start TEXT, end TEXT,
    attendees TEXT, location TEXT);
CREATE TABLE emails (email_id TEXT PRIMARY KEY, folder TEXT, sender TEXT, recipient TEXT,
    subject TEXT, body TEXT, sent_at TEXT);
CREATE TABLE policies (policy_id TEXT PRIMARY KEY, title TEXT, body TEXT);
CREATE TABLE leave_requests (request_id TEXT PRIMARY KEY, employee_id TEXT, kind TEXT,
    first_day TEXT, last_day TEXT, days INTEGER, status TEXT, reason TEXT);
CREATE TABLE reviews (review_id TEXT PRIMARY KEY, employee_id TEXT, reviewer TEXT,
    rating INTEGER, proposed_rating INTEGER, justification TEXT, flagged INTEGER,
    flag_reason TEXT);
CREATE TABLE onboarding_items (item_id TEXT PRIMARY KEY, employee_id TEXT, item TEXT, due TEXT);
"""

_OF_A_PERSON = (
    "name",
    "title",
    "department",
    "level",
    "salary",
    "manager_id",
    "location",
    "leave_balance_days",
)
PEOPLE: tuple[tuple[str, str, str, int, int, str | None, str, int], ...] = (
    ("Priya Raman", "HR Business Partner", "People", 6, 118000, None, "Lisbon", 14),
    ("Tomás Ibarra", "Recruiter", "People", 4, 82000, "emp_01", "Lisbon", 11),
    ("Hannah Weiss", "Recruiting Coordinator", "People", 3, 64000, "emp_01", "Berlin", 9),
    ("Marcus Oyelaran", "Engineering Manager", "Engineering", 7, 151000, None, "Lisbon", 16),
    ("Lena Fischer", "Staff Engineer", "Engineering", 6, 138000, "emp_04", "Berlin", 12),
    ("Jun Watanabe", "Senior Engineer", "Engineering", 5, 117000, "emp_04", "remote", 8),
    ("Aisha Karim", "Senior Engineer", "Engineering", 5, 119000, "emp_04", "Lisbon", 10),
    ("Oliver Brandt", "Engineer", "Engineering", 4, 96000, "emp_04", "Berlin", 15),
    ("Sofia Lindqvist", "Product Manager", "Product", 5, 121000, None, "remote", 7),
    ("Dev Malhotra", "Engineer", "Engineering", 4, 94000, "emp_04", "Lisbon", 6),
    ("Grace Okafor", "Compensation Lead", "People", 6, 124000, "emp_01", "Lisbon", 13),
    ("Ethan Cole", "Engineer", "Engineering", 3, 86000, "emp_04", "remote", 5),
    ("Mei Tanaka", "Data Lead", "Data", 6, 129000, None, "Berlin", 10),
    ("Rafael Souza", "Data Analyst", "Data", 4, 88000, "emp_13", "Lisbon", 12),
)

_OF_A_CANDIDATE = ("name", "role", "stage", "band_min", "band_max", "offer_salary")
CANDIDATES: tuple[tuple[str, str, str, int, int, int | None], ...] = (
    ("Nadia Petrov", "Product Designer", "applied", 84000, 102000, None),
    ("Nadia Petrova", "Backend Engineer", "applied", 92000, 118000, None),
    ("Samuel Adeyemi", "Backend Engineer", "phone_screen_passed", 92000, 118000, None),
    ("Chloé Martin", "Product Designer", "offer_sent", 84000, 102000, 92000),
    ("Ivan Horvat", "Data Analyst", "interview", 70000, 90000, None),
    ("Ruth Abara", "Data Analyst", "interview", 70000, 90000, None),
)

NOISE = (
    ("Canteen closed on Thursday", "The canteen is closed on Thursday for maintenance."),
    ("Expense reports are due", "Please hand in expense reports for February by Friday."),
    ("Security training", "Your yearly security training is due by the end of the month."),
    ("Parking", "Two visitor parking spaces are blocked until Wednesday."),
    ("Team offsite: dates", "The offsite moves to May. New dates follow."),
)


_PLAIN = str.maketrans("áéíóúüöä", "aeiouuoa")


@lru_cache(maxsize=4096)
def address(name: str, *, domain: str = DOMAIN) -> str:
    """Return the mail address of a person, in ASCII: `tomas.ibarra@…`."""
    plain = name.lower().translate(_PLAIN)
    return f"{plain.replace(' ', '.')}@{domain}"


def moment(day: str, clock: str) -> str:
    """Return a time of day as calendars write it: `2026-03-18T10:30`."""
    return f"{day}T{clock}"


@cache
def slots(day: str, minutes: int) -> tuple[str, ...]:
    """Return every half hour of a working day at which a meeting of `minutes` can start."""
    found = []
    start = moment(day, DAY_STARTS)
    while after(start, minutes) <= moment(day, DAY_ENDS):
        found.append(start)
        start = after(start, 30)
    return tuple(found)


def events_of(workspace: Workspace, attendee: str, *, day: str | None = None) -> list[Row]:
    """Return someone's events, earliest first, with `attendees` as a list."""
    # As it stands in the JSON of `attendees`: few rows are then read in vain.
    rows = workspace.rows(
        "SELECT * FROM events WHERE start LIKE ? AND instr(attendees, ?) ORDER BY start, event_id",
        f"{day or ''}%",
        json.dumps(attendee, ensure_ascii=False),
    )
    events = [{**row, "attendees": json.loads(row["attendees"])} for row in rows]
    return [event for event in events if attendee in event["attendees"]]


def clashes(
    workspace: Workspace, attendee: str, start: str, end: str, *, but: str | None = None
) -> list[str]:
    """Return the ids of someone's events that overlap a time, all except `but`."""
    return [
        event["event_id"]
        for event in events_of(workspace, attendee)
        if event["event_id"] != but and event["start"] < end and start < event["end"]
    ]


def free_slots(workspace: Workspace, attendees: Iterable[str], day: str, minutes: int) -> list[str]:
    """Return the starts of a day at which a meeting of `minutes` suits all `attendees`."""
    busy = [event for attendee in attendees for event in events_of(workspace, attendee, day=day)]
    meetings = [(start, after(start, minutes)) for start in slots(day, minutes)]
    return [
        start
        for start, end in meetings
        if not any(item["start"] < end and start < item["end"] for item in busy)
    ]


def add_event(
    workspace: Workspace, title: str, start: str, minutes: int, attendees: list[str], room: str = ""
) -> str:
    event_id = workspace.next_id("events", "evt")
    workspace.insert("events", _event(event_id, title, start, minutes, attendees, room))
    return event_id


def _event(
    event_id: str, title: str, start: str, minutes: int, attendees: Sequence[str], room: str = ""
) -> Row:
    return {
        "event_id": event_id,
        "title": title,
        "start": start,
        "end": after(start, minutes),
        "attendees": _dump_attendees(tuple(sorted(attendees))),
        "location": room,
    }


@lru_cache(maxsize=4096)
def _dump_attendees(addresses: tuple[str, ...]) -> str:
    return json.dumps(addresses, ensure_ascii=False)


def add_email(
    workspace: Workspace, sender: str, subject: str, body: str, *, sent_at: str = ""
) -> str:
    """Put a message into the agent's inbox and return its id."""
    email_id = workspace.next_id("emails", "msg")
    row = {
        "email_id": email_id,
        "folder": "inbox",
        "sender": sender,
        "recipient": AGENT_EMAIL,
        "subject": subject,
        "body": body,
        "sent_at": sent_at or moment(MONDAY, "08:00"),
    }
    workspace.insert("emails", row)
    return email_id


def sent_to(workspace: Workspace, recipient: str) -> list[str]:
    """Return the bodies, subjects included, of what the agent sent to an address."""
    rows = workspace.rows(
        "SELECT subject, body FROM emails WHERE folder = 'sent' AND recipient = ?", recipient
    )
    return [f"{row['subject']}\n{row['body']}" for row in rows]


def populate(workspace: Workspace, random: Random) -> None:
    """Fill an empty workspace with the company, its candidates, and an ordinary week."""
    employees = [
        {
            "employee_id": f"emp_{number:02}",
            "email": address(row[0]),
            **dict(zip(_OF_A_PERSON, row, strict=True)),
        }
        for number, row in enumerate(PEOPLE, 1)
    ]
    workspace.insert_all("employees", employees)
    candidates = [
        {
            "candidate_id": f"cand_{number:02}",
            "email": address(row[0], domain="mail.example"),
            **dict(zip(_OF_A_CANDIDATE, row, strict=True)),
        }
        for number, row in enumerate(CANDIDATES, 1)
    ]
    workspace.insert_all("candidates", candidates)
    for subject, body in random.sample(NOISE, 3):
        add_email(workspace, f"office@{DOMAIN}", subject, body)
    _fill_calendars(workspace, random)


def _fill_calendars(workspace: Workspace, random: Random) -> None:
    titles = ("Focus time", "1:1", "Planning", "Design review", "Backlog", "Interview debrief")
    hours = [slots(day, 60)[::2] for day in (MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY)]
    events: list[Row] = []
    for name, *_ in PEOPLE:
        attendees = [address(name)]
        for starts in hours:
            # At most two hours a day are taken, so that every task stays solvable.
            for start in random.sample(starts, random.choice((1, 1, 2))):
                event_id = f"evt_{len(events) + 1:02}"
                events.append(_event(event_id, random.choice(titles), start, 60, attendees))
    workspace.insert_all("events", events)
