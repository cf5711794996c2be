"""The calendar and email servers of the `hr` scenario."""

import json
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from gymtui.gym.scenarios.hr.world import (
    AGENT_EMAIL,
    DOMAIN,
    MONDAY,
    add_event,
    clashes,
    events_of,
    later,
    moment,
)
from gymtui.gym.tools.toolbox import Parameters, Tool, ToolError
from gymtui.gym.tools.workspace import Row, Workspace


def _moment(value: str) -> str:
    parsed = datetime.fromisoformat(value)
    if parsed.tzinfo is not None:
        raise ValueError("give local time without a zone, like 2026-03-18T10:30")
    return parsed.isoformat(timespec="minutes")


def _day(value: str) -> str:
    return date.fromisoformat(value).isoformat()


Moment = Annotated[str, AfterValidator(_moment), Field(description="Local time, YYYY-MM-DDTHH:MM")]
Day = Annotated[str, AfterValidator(_day), Field(description="YYYY-MM-DD")]
Address = Annotated[str, Field(min_length=3, pattern=r"^\S+@\S+$", description="E-mail address")]


class ListEvents(Parameters):
    """Whose events, and of which day."""

    attendee: Address
    day: Day | None = None


def list_events(workspace: Workspace, given: ListEvents) -> dict[str, Any]:
    """Return someone's events."""
    return {"events": events_of(workspace, given.attendee, day=given.day)}


class CreateEvent(Parameters):
    """A new event; `location` may name a room."""

    title: Annotated[str, Field(min_length=1)]
    start: Moment
    duration_minutes: Annotated[int, Field(ge=15, le=480)]
    attendees: Annotated[list[Address], Field(min_length=1)]
    location: str = ""


def create_event(workspace: Workspace, given: CreateEvent) -> dict[str, Any]:
    """Book an event, unless one of its attendees or its room is busy."""
    end = later(given.start, given.duration_minutes)
    _refuse_conflicts(workspace, given.attendees, given.location, given.start, end)
    event_id = add_event(
        workspace,
        given.title,
        given.start,
        given.duration_minutes,
        given.attendees,
        given.location,
    )
    return {"text": f"Event {event_id} created.", "event_id": event_id}


class MoveEvent(Parameters):
    """A new start for an event; its duration stays."""

    event_id: str
    start: Moment


def move_event(workspace: Workspace, given: MoveEvent) -> str:
    """Move an event, unless that makes a conflict."""
    event = _event(workspace, given.event_id)
    was = (datetime.fromisoformat(event[side]) for side in ("end", "start"))
    minutes = int((next(was) - next(was)).total_seconds() // 60)
    end = later(given.start, minutes)
    attendees = json.loads(event["attendees"])
    _refuse_conflicts(workspace, attendees, event["location"], given.start, end, but=given.event_id)
    workspace.update("events", given.event_id, {"start": given.start, "end": end})
    return f"Event {given.event_id} moved."


class CancelEvent(Parameters):
    """Which event goes."""

    event_id: str


def cancel_event(workspace: Workspace, given: CancelEvent) -> str:
    """Take an event out of the calendars."""
    _event(workspace, given.event_id)
    workspace.delete("events", given.event_id)
    return f"Event {given.event_id} cancelled."


def _event(workspace: Workspace, event_id: str) -> Row:
    event = workspace.row("SELECT * FROM events WHERE event_id = ?", event_id)
    if event is None:
        raise ToolError("not_found", event_id=event_id)
    return event


def _refuse_conflicts(
    workspace: Workspace,
    attendees: list[str],
    room: str,
    start: str,
    end: str,
    *,
    but: str | None = None,
) -> None:
    for attendee in attendees:
        busy = clashes(workspace, attendee, start, end, but=but)
        if busy:
            raise ToolError("conflict", attendee=attendee, **{"with": busy[0]})
    if not room:
        return
    taken = workspace.row(
        "SELECT event_id FROM events WHERE location = ? AND start < ? AND end > ?"
        " AND event_id IS NOT ?",
        room,
        end,
        start,
        but,
    )
    if taken is not None:
        raise ToolError("conflict", location=room, **{"with": taken["event_id"]})


class ListEmails(Parameters):
    """Which folder."""

    folder: str = "inbox"


def list_emails(workspace: Workspace, given: ListEmails) -> dict[str, Any]:
    """Return the messages of a folder without their bodies, newest first."""
    rows = workspace.rows(
        "SELECT email_id, sender, recipient, subject, sent_at FROM emails WHERE folder = ?"
        " ORDER BY sent_at DESC, email_id DESC",
        given.folder,
    )
    return {"folder": given.folder, "emails": rows}


class SearchEmails(Parameters):
    """Words to look for in addresses, subjects and bodies."""

    query: Annotated[str, Field(min_length=1)]


def search_emails(workspace: Workspace, given: SearchEmails) -> dict[str, Any]:
    """Return the messages that hold the words, newest first."""
    rows = workspace.rows(
        "SELECT email_id, sender, subject, sent_at FROM emails"
        " WHERE instr(lower(sender || ' ' || subject || ' ' || body), lower(?))"
        " ORDER BY sent_at DESC, email_id DESC",
        given.query,
    )
    return {"query": given.query, "emails": rows}


class ReadEmail(Parameters):
    """Which message."""

    email_id: str


def read_email(workspace: Workspace, given: ReadEmail) -> str:
    """Return a message as text."""
    row = workspace.row("SELECT * FROM emails WHERE email_id = ?", given.email_id)
    if row is None:
        raise ToolError("not_found", email_id=given.email_id)
    head = (f"{name}: {row[key]}" for name, key in HEADERS)
    return "\n".join([*head, "", str(row["body"])])


HEADERS = (("From", "sender"), ("To", "recipient"), ("Subject", "subject"), ("Date", "sent_at"))


class SendEmail(Parameters):
    """A message to one address."""

    to: Address
    subject: Annotated[str, Field(min_length=1)]
    body: Annotated[str, Field(min_length=1)]


def send_email(workspace: Workspace, given: SendEmail) -> str:
    """Send a message; an address of the company that nobody has bounces."""
    known = workspace.row("SELECT 1 FROM employees WHERE email = ?", given.to)
    if given.to.endswith(f"@{DOMAIN}") and known is None:
        raise ToolError("undeliverable", address=given.to)
    email_id = workspace.next_id("emails", "msg")
    row = {
        "email_id": email_id,
        "folder": "sent",
        "sender": AGENT_EMAIL,
        "recipient": given.to,
        "subject": given.subject,
        "body": given.body,
        "sent_at": moment(MONDAY, "09:00"),
    }
    workspace.insert("emails", row)
    return f"Sent to {given.to}."


TOOLS: tuple[Tool[Any], ...] = (
    Tool("calendar", "list_events", "Someone's events", ListEvents, list_events),
    Tool("calendar", "create_event", "Book an event", CreateEvent, create_event),
    Tool("calendar", "move_event", "Move an event", MoveEvent, move_event),
    Tool("calendar", "cancel_event", "Cancel an event", CancelEvent, cancel_event),
    Tool("email", "list_emails", "List a folder's messages", ListEmails, list_emails),
    Tool("email", "search_emails", "Search all messages", SearchEmails, search_emails),
    Tool("email", "read_email", "Read one message", ReadEmail, read_email),
    Tool("email", "send_email", "Send a message", SendEmail, send_email),
)
