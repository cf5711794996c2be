"""Names of people in reasons that are counted together."""

from __future__ import annotations

import pytest

from gymtui.store.stats.person_names import fold_names


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("no mail to Bo Li was found", "no mail to <name> was found"),
        ("no mail to Ana de la Cruz was found", "no mail to <name> was found"),
        ("invite of Bo Li's team missing", "invite of <name>'s team missing"),
        ("row A B is empty", "row A B is empty"),
        ("only Bo answered", "only Bo answered"),
        ("Bo Li", "Bo Li"),
    ],
)
def test_names_of_two_words_are_one_placeholder(text: str, folded: str) -> None:
    assert fold_names(text, "<name>") == folded
