"""Which sources there are: the program's own, and those that others add by an entry point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import Final

from gymtui.sources.artifacts import Artifacts
from gymtui.sources.harbor import Harbor
from gymtui.sources.inspect_logs import InspectLogs
from gymtui.sources.simlab import Simlab
from gymtui.sources.source import Source
from gymtui.sources.tau_bench import TauBench
from gymtui.sources.terminal_bench import TerminalBench
from gymtui.sources.verifiers import Verifiers

GROUP: Final = "gymtui.sources"
"""The group of entry points; each is a `Source`, or a class of one that takes no arguments."""


def own_sources() -> tuple[Source, ...]:
    """The program's own, those first that are the most certain of what is theirs."""
    return (
        Harbor(),
        TerminalBench(),
        Simlab(),
        Verifiers(),
        InspectLogs(),
        TauBench(),
        Artifacts(),
    )


def sources(tell: Callable[[str], object] = lambda _words: None) -> tuple[Source, ...]:
    """All, those of others first: whoever adds one knows his files."""
    added: list[Source] = []
    for point in entry_points(group=GROUP):
        try:
            found = point.load()
            added.append(found() if isinstance(found, type) else found)
        except Exception as error:  # noqa: BLE001  (whatever others' code raises is theirs)
            tell(f"source {point.name} ({point.value}): {error}")
    return (*added, *own_sources())


def find_source(name: str, known: Sequence[Source]) -> Source | None:
    """The source of a name."""
    return next((source for source in known if source.name == name), None)
