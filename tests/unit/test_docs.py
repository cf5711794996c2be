"""What the documents say is what the program does."""

from __future__ import annotations

from tests.write_docs import README, written


def test_the_readme_lists_the_keys_in_force() -> None:
    text = README.read_text()
    assert written(text) == text, "run `make docs`"
