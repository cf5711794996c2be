"""Where a gym's recording is: a directory of one's own, or this machine's copy of a team's."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from gymtui.store.history.journal_place import SharedPlace, place_at
from gymtui.store.history.recording_format import directory_name

if TYPE_CHECKING:
    from gymtui.config.settings import Settings


class RecordingPlace(Struct, frozen=True):
    """Where the files of a gym's recording are.

    Attributes:
        shared: The part of the gym in the database by which a team's copies agree; None for a
            recording of one's own.
    """

    directory: Path
    shared: SharedPlace | None = None


def recording_place(settings: Settings, journal_path: Path) -> RecordingPlace:
    """Where the recording of the settings' gym is, beside the journal's file."""
    place = place_at(settings, journal_path)
    name = directory_name(settings.base_url)
    if isinstance(place, Path):
        return RecordingPlace(journal_path.with_name(name))
    # Of its own, so that nothing is shared that was recorded before for oneself or another team.
    team = blake2b(place.url.encode(), digest_size=4).hexdigest()
    return RecordingPlace(journal_path.with_name(f"{name}-team-{team}"), place)
