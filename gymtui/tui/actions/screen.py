"""What was cancelled and deleted from here, run by run, the latest first."""

from __future__ import annotations

from collections.abc import Iterator

from gymtui.session.actions import describe_result, describe_results
from gymtui.session.run_actions import Action
from gymtui.store.delta import Delta
from gymtui.store.formats import of_many
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.kit.text_view import Paragraph, TextScreen


class ActionsScreen(TextScreen):
    """The cancels and deletes of this session."""

    def __init__(self) -> None:
        super().__init__()
        self._paragraphs: list[Paragraph] = []

    def changed(self, delta: Delta) -> None:
        lines = [line for action in self.session.run_actions.recent for line in _lines(action)]
        lines = lines[1:] or [Paragraph((StyledText("nothing cancelled or deleted yet", "muted"),))]
        if lines != self._paragraphs:
            self._paragraphs = lines
            self._text.show(lines)

    def breadcrumb(self) -> Cell:
        return (StyledText("cancelled and deleted", "strong"),)

    def action_actions(self) -> None:
        self.services.go_back(quit_at_end=False)

    def copy_text(self) -> str | None:
        return "\n".join("".join(piece.text for piece in line.cell) for line in self._paragraphs)


def _lines(action: Action) -> Iterator[Paragraph]:
    """An empty line, what was done in all, and each run, those that did not go well first."""
    results = [action.results[i] for i in action.run_ids if i in action.results]
    left = [run_id for run_id in action.run_ids if run_id not in action.results]
    words = [f"{action.verb} {of_many(len(action.run_ids), 'run')}"]
    words += [f"{len(left)} in progress"] if left else []
    words += [describe_results(results)] if len(results) > 1 else []
    yield Paragraph()
    yield Paragraph((StyledText(" · ".join(words), "heading"),))
    for run_id in left:
        yield Paragraph(
            (StyledText(f"{run_id}: {action.verb.intent.under_way}", "muted"),), indent=2
        )
    for result in sorted(results, key=lambda result: result.is_well):
        style = "" if result.is_well else "warning"
        yield Paragraph((StyledText(describe_result(result), style),), indent=2)
