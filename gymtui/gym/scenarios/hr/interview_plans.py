"""How scripted agents go about the interview tasks of the `hr` scenario.

They know what the instruction says and what tools return, nothing of seeds or verifiers.
"""

import re
from collections.abc import Sequence

from gymtui.gym.models.policy import (
    Mind,
    PlanPart,
    Record,
    Steps,
    after,
    ask,
    call,
    items,
    latest_mail,
    mail,
    policy_text,
)

TUESDAY, WEDNESDAY, THURSDAY = "2026-03-17", "2026-03-18", "2026-03-19"


def hours(day: str) -> tuple[str, str]:
    """Return when a working day begins and ends."""
    return f"{day}T09:00", f"{day}T17:00"


def half_hours(window: tuple[str, str], minutes: int) -> list[str]:
    """Return the starts at which a meeting of `minutes` fits a window."""
    starts = []
    start = window[0]
    while after(start, minutes) <= window[1]:
        starts.append(start)
        start = after(start, 30)
    return starts


def availability(mind: Mind, person: Record, day: str) -> PlanPart:
    """Return when a candidate can, from their mail; a hasty mind takes the whole day."""
    if not mind.is_careful():
        return hours(day)
    text = yield from latest_mail(person["email"], f"When is {person['name']} available?")
    window = re.search(r"between (\d\d:\d\d) and (\d\d:\d\d)", text)
    if window is None:
        return hours(day)
    return f"{day}T{window[1]}", f"{day}T{window[2]}"


def free_starts(
    attendees: Sequence[str], day: str, minutes: int, window: tuple[str, str]
) -> PlanPart:
    """Look at everyone's calendar in one turn and return the starts that suit all."""
    looks = [call("calendar", "list_events", attendee=name, day=day) for name in attendees]
    answers = yield ask("Let me look at the calendars before I book anything.", *looks)
    busy = [event for answer in answers for event in items(answer, "events")]
    return [
        start
        for start in half_hours(window, minutes)
        if not any(item["start"] < after(start, minutes) and start < item["end"] for item in busy)
    ]


def book(title: str, starts: Sequence[str], minutes: int, people: list[str], room: str) -> PlanPart:
    """Book at the first start that is not refused and return it, or None."""
    for start in list(starts)[:4]:
        event = call(
            "calendar",
            "create_event",
            title=title,
            start=start,
            duration_minutes=minutes,
            attendees=people,
            location=room,
        )
        [answer] = yield ask(f"Booking {start[-5:]}.", event)
        if not answer.is_error:
            return start
    return None


def pick(mind: Mind, found: Sequence[Record], name: str) -> Record | None:
    """Return the record of exactly that name; a hasty mind takes the first that came."""
    if not found:
        return None
    if mind.is_careful():
        return next((record for record in found if record["name"] == name), found[0])
    return found[0]


def schedule_phone_screen(mind: Mind) -> Steps:
    """Find the candidate and the recruiter, a time for both, book, invite, record."""
    people = yield ask(
        "I'll find Nadia and Tomás first.",
        call("hr_records", "search_candidates", query="Nadia Petrov"),
        call("hr_records", "search_employees", query="Tomás"),
    )
    nadia = pick(mind, items(people[0], "candidates"), "Nadia Petrova")
    recruiters = items(people[1], "employees")
    if nadia is None or not recruiters:
        return "I could not find the candidate or the recruiter."
    recruiter = recruiters[0]["email"]
    window = yield from availability(mind, nadia, WEDNESDAY)
    if mind.is_careful():
        starts = yield from free_starts([recruiter], WEDNESDAY, 30, window)
    else:
        starts = half_hours(window, 30)[::2]
    title = f"Phone screen {nadia['name']}"
    start = yield from book(title, starts, 30, [recruiter, nadia["email"]], "")
    if start is None:
        return "Nothing suits both on Wednesday, so I booked nothing."
    yield ask(
        "Booked. Inviting her and moving her stage.",
        mail(
            nadia["email"],
            "Phone screen on Wednesday",
            f"Hello,\n\nyour phone screen with Tomás is on Wednesday at {start[-5:]}.",
        ),
        call(
            "hr_records",
            "update_candidate",
            candidate_id=nadia["candidate_id"],
            stage="phone_screen",
        ),
    )
    return f"The phone screen is on Wednesday at {start[-5:]}; {nadia['name']} has been invited."


def _bar_raiser(mind: Mind) -> PlanPart:
    """Return the bar raiser's name by the policy and, if one is careful, by who is away."""
    policy = yield from policy_text(
        "bar raiser", "Who is the bar raiser?", "The panel policy names them."
    )
    names = re.search(r"Backend Engineer: (.+?)\. Backup when away: (.+?)\.", policy)
    if names is None:
        return None
    if not mind.is_careful():
        return names[1]
    note = yield from latest_mail("out of office", f"Is {names[1]} there on Thursday?")
    away = THURSDAY in note and names[1] in note
    return names[2] if away else names[1]


def book_panel_interview(mind: Mind) -> Steps:
    """Find who sits on the panel, a time for all of them, a room, then tell everyone."""
    [found] = yield ask(
        "Starting with the candidate.",
        call("hr_records", "search_candidates", query="Samuel Adeyemi"),
    )
    samuel = pick(mind, items(found, "candidates"), "Samuel Adeyemi")
    raiser = (yield from _bar_raiser(mind)) or "Aisha Karim"
    people = yield ask(
        "Now everyone's addresses.",
        *(
            call("hr_records", "search_employees", query=name)
            for name in ("Marcus Oyelaran", "Lena Fischer", raiser)
        ),
    )
    panel = [record["email"] for answer in people for record in items(answer, "employees")[:1]]
    if samuel is None or len(panel) < 3:
        return "I could not find everyone who belongs on this panel."
    window = yield from availability(mind, samuel, THURSDAY)
    if mind.is_careful():
        starts = yield from free_starts(panel, THURSDAY, 60, window)
    else:
        starts = half_hours(window, 60)[::2]
    start = None
    for room in ("Room Kepler", "Room Noether"):
        if start is None:
            people_in = [*panel, samuel["email"]]
            start = yield from book("Panel Samuel Adeyemi", starts[:3], 60, people_in, room)
    if start is None:
        return "There is no time on Thursday that suits the whole panel."
    yield from _announce_panel(mind, samuel, panel, start)
    return f"The panel is booked for Thursday at {start[-5:]}."


def _announce_panel(mind: Mind, samuel: Record, panel: list[str], start: str) -> PlanPart:
    subject, body = "Panel on Thursday", f"The panel is on Thursday 19 March at {start[-5:]}."
    recipients = [samuel["email"], *(panel if mind.is_careful() else panel[:1])]
    yield ask("Telling everyone.", *(mail(name, subject, body) for name in recipients))
    if mind.is_careful():
        candidate_id = samuel["candidate_id"]
        record = call("hr_records", "update_candidate", candidate_id=candidate_id, stage="panel")
        yield ask("And the record.", record)


def cover_sick_interviewer(mind: Mind) -> Steps:
    """Move a sick colleague's interviews to the next day, at a free time, and tell candidates."""
    [found] = yield ask(
        "Which meetings did Oliver have?",
        call("hr_records", "search_employees", query="Oliver Brandt"),
    )
    oliver = items(found, "employees")[0]["email"]
    [day] = yield ask("His Tuesday:", call("calendar", "list_events", attendee=oliver, day=TUESDAY))
    strict = mind.is_careful()
    chosen = [
        event
        for event in items(day, "events")
        if event["title"].startswith("Interview ")
        and (not strict or any("mail.example" in name for name in event["attendees"]))
    ]
    moved = 0
    for event in chosen:
        moved += yield from _move_interview(mind, event)
    return f"Moved {moved} of {len(chosen)} interviews to Wednesday."


def _move_interview(mind: Mind, event: Record) -> PlanPart:
    """Move one interview; return 1 when it has a new time."""
    if mind.is_careful():
        starts = yield from free_starts(event["attendees"], WEDNESDAY, 60, hours(WEDNESDAY))
    else:
        starts = half_hours(hours(WEDNESDAY), 60)[::2]
    for start in starts[:4]:
        move = call("calendar", "move_event", event_id=event["event_id"], start=start)
        [answer] = yield ask(f"Moving “{event['title']}” to Wednesday {start[-5:]}.", move)
        if answer.is_error:
            continue
        candidates = [name for name in event["attendees"] if "mail.example" in name]
        if candidates and mind.is_careful():
            body = f"Hello,\n\nyour interview is now on Wednesday at {start[-5:]}."
            told = mail(candidates[0], "Your interview has moved", body)
            yield ask("The candidate should know.", told)
        return 1
    return 0
