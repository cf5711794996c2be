"""How large a download is in words, and how far it is."""

from __future__ import annotations

from gymtui.tui.kit.styled_text import Cell, StyledText

_BAR = 20
"""Cells of the progress bar."""


def progress_cell(received: int, announced: int | None) -> Cell:
    """How far a download is, with a bar where its size is known; both are bytes."""
    megabytes = f"{received / 1e6:.1f}"
    if not announced or announced < received:
        return (StyledText(f"{megabytes} MB"),)
    done = received * _BAR // announced
    bar = (StyledText("━" * done, "accent"), StyledText("─" * (_BAR - done), "bar"))
    return (*bar, StyledText(f" {megabytes} of {announced / 1e6:.1f} MB"))


def format_cap(count: int) -> str:
    """A cap of so many bytes as it was set: in MiB where it is a number of these."""
    mebibytes = count / (1 << 20)
    return f"{mebibytes:,.0f} MiB" if mebibytes >= 1 else f"{count:,} bytes"
