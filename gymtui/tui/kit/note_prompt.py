"""The line that a note on runs or rollouts is typed into."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen

from gymtui.store.history.notes import LONGEST, NoteOf
from gymtui.tui.context.selection import Selection
from gymtui.tui.context.services import Services
from gymtui.tui.kit.ask_line import AskLineScreen
from gymtui.tui.kit.refusal import refuse


def edit_note(screen: Screen[Any], services: Services, chosen: Selection) -> None:
    """Ask for a note on what is chosen, and keep it; an empty one removes it."""
    session = services.session
    if session is None:
        refuse(screen, "notes are on what a gym lists")
        return
    kind, ids = (
        (NoteOf.ROLLOUT, chosen.rollout_ids) if chosen.rollout_ids else (NoteOf.RUN, chosen.run_ids)
    )
    if not ids:
        refuse(screen, "nothing to write a note on")
        return

    def typed(text: str | None) -> None:
        if text is None:
            return
        try:
            session.notes.write(kind, ids, text)
        except OSError as error:
            words = f"the note is not kept on disk: {error.strerror}"
            services.notify(words, severity="warning")

    title = f"Note on {ids[0]}" if len(ids) == 1 else f"Note on {len(ids)} {kind}"
    known = session.notes.all(kind).get(ids[0], "")
    screen.app.push_screen(
        AskLineScreen(title, known, hint="#word is a tag", longest=LONGEST), typed
    )
