"""Notes on runs and rollouts: written with `#`, shown in lists, found by their tags."""

from __future__ import annotations

from pathlib import Path

from gymtui.store.history.notes import NoteOf
from tests.tui.staged import Life, StagedGym, pass_time, staged_dashboard

ENDED = {"status": "completed", "phase": "completed", "result": {"success": True}}


async def test_a_note_is_written_shown_and_filtered_by_its_tag(tmp_path: Path) -> None:
    gym = StagedGym()
    for name in ("nightly", "weekly"):
        gym.live(name, "offer", Life(1, (1, 1, 2, 1), ENDED))
    async with staged_dashboard(gym, tmp_path, (140, 30)) as person:
        await pass_time(person, 20.0)
        await person.sees("nightly", "weekly")
        assert "NOTE" not in person.screen()
        await person.press("slash", *"weekly", "enter", "number_sign")
        await person.sees("Note on weekly", "#word is a tag")
        await person.press(*"see #infra [b]", "enter")
        await person.sees("NOTE", "see #infra [b]")
        await person.press("slash", "ctrl+u", *"tag:infra", "enter")
        await person.sees("weekly", "(1 shown)")
        await person.press("number_sign", "escape")
        assert person.app.session.notes.all(NoteOf.RUN) == {"weekly": "see #infra [b]"}
        await person.press("enter")
        await person.sees("› weekly", "see #infra [b]", "offer")
        await person.press("number_sign", *"slow", "enter")
        await person.sees("note: slow")
        await person.press("number_sign", "ctrl+u", "enter")
        await person.sees_no("note: slow")
        assert person.app.session.notes.all(NoteOf.ROLLOUT) == {}
