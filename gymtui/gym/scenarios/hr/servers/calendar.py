"""The calendar server of the `hr` scenario."""

import json
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from gymtui.gym.models.policy import after
from gymtui.gym.scenarios.hr.company import add_event, clashes, events_of
from gymtui.gym.scenarios.hr.parameters import Address, Day, Moment, Text
from gymtui.gym.tools.toolbox import ToolError
from gymtui.gym.tools.workspace import Row, Workspace


def list_events(workspace: Workspace, attendee: Address, day: Day | None = None) -> dict[str, Any]:
    """Return someone's events, of a day or of all."""
    return {"events": events_of(workspace, attendee, day=day)}


def create_event(
    workspace: Workspace,
    title: Text,
    start: Moment,
    duration_minutes: Annotated[int, Field(ge=15, le=480)],
    attendees: Annotated[list[Address], Field(min_length=1)],
    location: str = "",
) -> dict[str, Any]:
    """Book an event, unless an attendee or the room that `location` may name is busy."""
    _refuse_conflicts(workspace, attendees, location, start, after(start, duration_minutes))
    event_id = add_event(workspace, title, start, duration_minutes, attendees, location)
    return {"text": f"Event {event_id} created.", "event_id": event_id}


def move_event(workspace: Workspace, event_id: str, start: Moment) -> str:
    """Move an event, unless that makes a conflict; its duration stays."""
    event = _event(workspace, event_id)
    was = (datetime.fromisoformat(event[side]) for side in ("end", "start"))
    minutes = int((next(was) - next(was)).total_seconds() // 60)
    end = after(start, minutes)
    attendees = json.loads(event["attendees"])
    _refuse_conflicts(workspace, attendees, event["location"], start, end, but=event_id)
    workspace.update("events", event_id, {"start": start, "end": end})
    return f"Event {event_id} moved."


def cancel_event(workspace: Workspace, event_id: str) -> str:
    """Take an event out of the calendars."""
    _event(workspace, event_id)
    workspace.delete("events", event_id)
    return f"Event {event_id} cancelled."


TOOLS = (list_events, create_event, move_event, cancel_event)


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
