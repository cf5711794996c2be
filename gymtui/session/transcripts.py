"""The transcripts of one gym: where they are kept, and what asks for those that are not."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from gymtui.api.endpoints import Endpoints
from gymtui.config.settings import Settings
from gymtui.store.records import RolloutRow
from gymtui.store.store import Store

if TYPE_CHECKING:
    from gymtui.session.archive import Archive
    from gymtui.session.artifacts import ArtifactLoader, Artifacts

MIB = 1024 * 1024


class Transcripts:
    """The transcripts of one gym.

    Args:
        on_read: Called with a rollout and its artifacts whenever some were read.
        archive: Makes, or has made, what they are kept in; None keeps them in memory.
    """

    def __init__(
        self,
        settings: Settings,
        client: Endpoints,
        store: Store,
        on_read: Callable[[str, Artifacts], None],
        archive: Callable[[], Archive] | None = None,
    ) -> None:
        self._settings = settings
        self._client = client
        self._store = store
        self._on_read = on_read
        self._archive = archive
        # Rollouts of runs that the store does not hold, as a search listed them.
        self.listed_elsewhere: dict[str, RolloutRow] = {}

    @cached_property
    def loader(self) -> ArtifactLoader:
        from gymtui.session.archive_key import key_of
        from gymtui.session.artifacts import ArtifactLoader

        return ArtifactLoader(
            self._client,
            cap_bytes=self._settings.artifact_limit_mib * MIB,
            on_read=self._on_read,
            archive=self.archive,
            key_of=lambda rollout_id, redacted: key_of(
                self.gym_name, self._row(rollout_id), redacted=redacted
            ),
        )

    def _row(self, rollout_id: str) -> RolloutRow | None:
        return self._store.rollouts.get(rollout_id) or self.listed_elsewhere.get(rollout_id)

    @cached_property
    def archive(self) -> Archive:
        from gymtui.session.archive import Archive

        archive = Archive(None) if self._archive is None else self._archive()
        if self._settings.key is not None:
            archive.exclude(self._settings.key.reveal())
        return archive

    @cached_property
    def gym_name(self) -> str:
        """What the gym is called in the archive."""
        from gymtui.session.archive_key import gym_name

        return gym_name(self._settings.base_url)
