"""Interview tasks of the `hr` scenario: what they seed and what their verifiers look at."""

import json
from random import Random

from gymtui.gym.models.policy import after
from gymtui.gym.scenarios.base import Facts, Finding, check
from gymtui.gym.scenarios.hr.company import (
    DOMAIN,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    add_email,
    add_event,
    address,
    clashes,
    events_of,
    free_slots,
    moment,
    sent_to,
    slots,
)
from gymtui.gym.tools.workspace import Row, Workspace

NADIA, DECOY = "cand_02", "cand_01"
SAMUEL = "cand_03"
NADIA_EMAIL = address("Nadia Petrova", domain="mail.example")
SAMUEL_EMAIL = address("Samuel Adeyemi", domain="mail.example")
TOMAS, OLIVER = address("Tomás Ibarra"), address("Oliver Brandt")
MARCUS, LENA = address("Marcus Oyelaran"), address("Lena Fischer")
ROOMS = ("Room Kepler", "Room Noether")


def clock(start: str) -> str:
    """Return the time of day of a moment: `10:30`."""
    return start.partition("T")[2]


def _stage(workspace: Workspace, candidate_id: str) -> str | None:
    row = workspace.row("SELECT stage FROM candidates WHERE candidate_id = ?", candidate_id)
    return None if row is None else str(row["stage"])


def _is_informed(workspace: Workspace, recipient: str, *needed: str) -> bool:
    return any(all(word in text for word in needed) for text in sent_to(workspace, recipient))


def _write_availability(
    workspace: Workspace, random: Random, sender: str, name: str, day: str, free: list[str]
) -> tuple[str, str]:
    """Have a candidate write when they can; the window is around one of the `free` starts."""
    inside = random.choice(free)
    first = max(moment(day, "09:00"), after(inside, -random.choice((0, 30, 60))))
    last = min(moment(day, "17:00"), after(inside, random.choice((90, 120))))
    body = (
        f"Hi,\n\nthank you for getting back to me. On {day} I can do any time between"
        f" {clock(first)} and {clock(last)}; outside of that I am at work.\n\nBest,\n{name}"
    )
    add_email(workspace, sender, "My availability", body, sent_at=moment("2026-03-13", "18:20"))
    return first, last


# -- schedule_phone_screen ---------------------------------------------------------------------


def seed_phone_screen(workspace: Workspace, random: Random) -> Facts:
    """A candidate with a near namesake, her availability, and a recruiter with a busy day."""
    for start in random.sample(slots(WEDNESDAY, 60)[::2], 2):
        if not clashes(workspace, TOMAS, start, after(start, 60)):
            add_event(workspace, "Sourcing call", start, 60, [TOMAS])
    free = free_slots(workspace, [TOMAS], WEDNESDAY, 30)
    first, last = _write_availability(
        workspace, random, NADIA_EMAIL, "Nadia Petrova", WEDNESDAY, free
    )
    return {"first": first, "last": last}


def verify_phone_screen(workspace: Workspace, facts: Facts) -> list[Finding]:
    """One half hour on the right day, in her window, with both; she knows; her stage says so."""
    events = [
        event
        for event in events_of(workspace, TOMAS, day=WEDNESDAY)
        if NADIA_EMAIL in event["attendees"]
    ]
    event = events[0] if len(events) == 1 else None
    return [
        check(
            "one event with candidate and recruiter",
            event is not None,
            f"Wrong: {len(events)} phone screens booked"
            if events
            else "Missing: calendar event for phone screen",
        ),
        check(
            "30 minutes long",
            event is None or event["end"] == after(event["start"], 30),
            "Wrong: phone screen is not 30 minutes long",
        ),
        check(
            "within the candidate's availability",
            event is None or _within(event, facts),
            "Wrong: phone screen is outside the candidate's availability",
        ),
        check(
            "candidate told the time",
            _is_informed(workspace, NADIA_EMAIL, *([clock(event["start"])] if event else [])),
            "Missing: invitation email to candidate with the time",
        ),
        check(
            "stage recorded",
            _stage(workspace, NADIA) == "phone_screen",
            "Missing: stage phone_screen for Nadia Petrova",
        ),
        check(
            "other candidates untouched",
            _stage(workspace, DECOY) == "applied",
            "Wrong: stage of another candidate was changed",
        ),
    ]


def _within(event: Row, facts: Facts) -> bool:
    return bool(facts["first"] <= event["start"] and event["end"] <= facts["last"])


# -- book_panel_interview ----------------------------------------------------------------------


def seed_panel(workspace: Workspace, random: Random) -> Facts:
    """A panel whose third member depends on the policy and on who is away, and scarce rooms."""
    raiser, backup = random.sample(["Aisha Karim", "Jun Watanabe", "Dev Malhotra"], 2)
    away = random.random() < 0.5
    body = (
        "A panel has the hiring manager, one engineer named by the request, and a bar raiser.\n"
        f"Bar raiser for Backend Engineer: {raiser}. Backup when away: {backup}.\n"
        "Bar raiser for Data Analyst: Mei Tanaka. Backup when away: Rafael Souza.\n"
        "Panels need a room. Every panellist and the candidate get an email with the time."
    )
    row = {"policy_id": "pol_interviews", "title": "Interview panels", "body": body}
    workspace.insert("policies", row)
    if away:
        note = f"I am away on {THURSDAY}, the whole day. My backup takes my panels.\n{raiser}"
        add_email(workspace, address(raiser), "Out of office", note)
    third = address(backup if away else raiser)
    free = free_slots(workspace, [MARCUS, LENA, third], THURSDAY, 60)
    first, last = _write_availability(
        workspace, random, SAMUEL_EMAIL, "Samuel Adeyemi", THURSDAY, free
    )
    taken = random.choice(ROOMS)
    for start in slots(THURSDAY, 60)[::2]:
        add_event(workspace, "Room blocked", start, 60, [f"facilities@{DOMAIN}"], taken)
    return {"first": first, "last": last, "panel": sorted([MARCUS, LENA, third])}


def verify_panel(workspace: Workspace, facts: Facts) -> list[Finding]:
    """The right panel in a room, an hour, in the window; everyone knows; the stage says so."""
    panel: list[str] = facts["panel"]
    events = [
        event
        for event in events_of(workspace, SAMUEL_EMAIL, day=THURSDAY)
        if MARCUS in event["attendees"]
    ]
    event = events[-1] if events else None
    absent = [name for name in panel if event is not None and name not in event["attendees"]]
    at = [] if event is None else [clock(event["start"])]
    untold = [name for name in panel if not _is_informed(workspace, name, *at)]
    findings = [
        check(
            "calendar event for the panel",
            event is not None,
            "Missing: calendar event for panel",
        ),
        check(
            "the right panellists",
            event is None or not absent,
            f"Missing: {', '.join(absent)} on the panel",
        ),
        check(
            "60 minutes in the candidate's availability",
            event is None or (_within(event, facts) and event["end"] == after(event["start"], 60)),
            "Wrong: panel is not 60 minutes within the candidate's availability",
        ),
        check("a room", event is None or event["location"] in ROOMS, "Missing: room for panel"),
        check(
            "candidate told the time",
            _is_informed(workspace, SAMUEL_EMAIL, *at),
            "Missing: email to candidate with the time",
        ),
        check(
            "panellists told the time",
            not untold,
            f"Missing: email to {', '.join(untold)}",
        ),
        check(
            "stage recorded",
            _stage(workspace, SAMUEL) == "panel",
            "Missing: stage panel for Samuel Adeyemi",
        ),
    ]
    return findings


# -- cover_sick_interviewer --------------------------------------------------------------------


def seed_sick_day(workspace: Workspace, random: Random) -> Facts:
    """An interviewer falls ill on a day with interviews and with other meetings."""
    candidates = ["Ivan Horvat", "Ruth Abara"][: random.choice((1, 2, 2))]
    interviews = {}
    for name in candidates:
        email = address(name, domain="mail.example")
        start = random.choice(free_slots(workspace, [OLIVER, TOMAS], TUESDAY, 60))
        title = f"Interview {name}"
        event_id = add_event(workspace, title, start, 60, [OLIVER, TOMAS, email])
        interviews[event_id] = email
        busy = random.choice(free_slots(workspace, [OLIVER, TOMAS], WEDNESDAY, 60))
        add_event(workspace, "On site", busy, 60, [email])
    start = random.choice(free_slots(workspace, [OLIVER, TOMAS], TUESDAY, 30))
    kept = add_event(workspace, "Interview process retro", start, 30, [OLIVER, TOMAS])
    body = "I woke up ill and will not make it on Tuesday. Please move what needs me.\nOliver"
    add_email(workspace, OLIVER, "Sick on Tuesday", body, sent_at=moment("2026-03-16", "21:40"))
    return {"interviews": interviews, "kept": kept, "kept_start": start}


def verify_sick_day(workspace: Workspace, facts: Facts) -> list[Finding]:
    """Interviews moved to the next day without conflict, candidates told, the rest left alone."""
    findings = []
    for event_id, email in facts["interviews"].items():
        event = workspace.row("SELECT * FROM events WHERE event_id = ?", event_id)
        name = event_id if event is None else event["title"].removeprefix("Interview ")
        moved = event is not None and event["start"].startswith(WEDNESDAY)
        overlaps = event is not None and any(
            clashes(workspace, attendee, event["start"], event["end"], but=event_id)
            for attendee in json.loads(event["attendees"])
        )
        at = [clock(event["start"])] if event is not None and moved else []
        findings += [
            check(f"{name} moved", moved, f"Missing: interview of {name} on Wednesday"),
            check(f"{name} at a free time", not overlaps, f"Wrong: interview of {name} overlaps"),
            check(
                f"{name} told",
                bool(at) and _is_informed(workspace, email, *at),
                f"Missing: email to {name} with the new time",
            ),
        ]
    kept = workspace.row("SELECT start FROM events WHERE event_id = ?", facts["kept"])
    untouched = kept is not None and kept["start"] == facts["kept_start"]
    findings.append(
        check("other meetings left alone", untouched, "Wrong: a meeting that is no interview moved")
    )
    return findings
