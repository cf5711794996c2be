"""What was launched from this machine, kept in the state directory: parents and fields, no keys.

A convenience: a file that is missing, broken or cannot be written changes nothing but that.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gymtui.core.atomic_write import locked, replace_text
from gymtui.core.replacement import replace
from gymtui.launching.draft import Draft
from gymtui.launching.form_fields import BY_PATH, FieldKind

log = logging.getLogger(__name__)

MOST: Final = 300  # launches that are remembered; the oldest are forgotten first
LONGEST: Final = 100_000
"""Characters of a field that are remembered; one that is longer is left out."""


@dataclass(slots=True)
class LaunchHistory:
    path: Path | None = None  # where they are kept; None keeps nothing
    drafts: dict[str, Draft] = field(default_factory=dict)  # by run, the oldest first

    @classmethod
    def read(cls, path: Path | None) -> LaunchHistory:
        return cls(path, _read(path) if path is not None else {})

    @property
    def parents(self) -> Mapping[str, str]:
        """By rerun, the run that it is one of."""
        return {run: draft.parent for run, draft in self.drafts.items() if draft.parent is not None}

    def remember(self, run_id: str, draft: Draft) -> None:
        """Remember a launch, and keep it; never its keys."""
        plain = replace(
            draft,
            keys={},
            texts={path: text for path, text in draft.texts.items() if _may_be_kept(path, text)},
        )
        if self.path is None:
            self._join(self.drafts, run_id, plain)
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with locked(self.path.parent):
                # Another program of the same person may have launched meanwhile.
                self._join(_read(self.path), run_id, plain)
                self._write(self.path)
        except OSError as error:
            self._join(self.drafts, run_id, plain)
            log.warning("what was launched cannot be kept: %s", error)

    def _join(self, known: Mapping[str, Draft], run_id: str, draft: Draft) -> None:
        drafts = {run: old for run, old in known.items() if run != run_id} | {run_id: draft}
        self.drafts = dict(list(drafts.items())[-MOST:])

    def _write(self, path: Path) -> None:
        document = {
            "runs": {
                run: {"texts": dict(d.texts), "exact": dict(d.exact), "parent": d.parent}
                for run, d in self.drafts.items()
            }
        }
        # Prompts and personas are nobody else's business: it is for its owner alone.
        replace_text(path, json.dumps(document))


def _may_be_kept(path: str, text: str) -> bool:
    return len(text) <= LONGEST and not (path.endswith("_url") and "@" in text)


def _read(path: Path) -> dict[str, Draft]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    runs = document.get("runs") if isinstance(document, dict) else None
    return {run: _draft(kept) for run, kept in runs.items()} if isinstance(runs, dict) else {}


def _draft(kept: Any) -> Draft:
    """A draft as kept; what is not of the right type counts as absent."""
    kept = kept if isinstance(kept, dict) else {}
    texts, exact, parent = kept.get("texts"), kept.get("exact"), kept.get("parent")
    return Draft(
        {
            path: text
            for path, text in (texts if isinstance(texts, dict) else {}).items()
            if path in BY_PATH
            and BY_PATH[path].kind is not FieldKind.SECRET
            and isinstance(text, str)
        },
        {
            path: tuple(map(str, ids))
            for path, ids in (exact if isinstance(exact, dict) else {}).items()
            if path in BY_PATH and isinstance(ids, list)
        },
        parent=parent if isinstance(parent, str) else None,
    )
