"""The calendar server of the `hr` scenario."""

import json
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from gymtui.gym.scenarios.hr.company import (
    add_event,
    clashes,
    events_of,
    later,
)
from gymtui.gym.scenarios.hr.parameters import Address, Day, Moment
from gymtui.gym.tools.toolbox import Parameters, Tool, ToolError
from gymtui.gym.tools.workspace import Row, Workspace


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


TOOLS: tuple[Tool[Any], ...] = (
    Tool("calendar", "list_events", "Someone's events", ListEvents, list_events),
    Tool("calendar", "create_event", "Book an event", CreateEvent, create_event),
    Tool("calendar", "move_event", "Move an event", MoveEvent, move_event),
    Tool("calendar", "cancel_event", "Cancel an event", CancelEvent, cancel_event),
)
