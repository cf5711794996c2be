"""Whether a text may be drawn: what `core.text` promises of all that it returns."""

from gymtui.core.text import clean, clean_block


def is_clean(text: str, *, block: bool = False) -> bool:
    """Tell whether text can be drawn as it is: nothing in it acts on a terminal or hides.

    Args:
        block: Whether LF is allowed.

    Returns:
        True exactly when `clean` (or, for a block, `clean_block`) would change nothing.
    """
    if text.isascii() and text.isprintable():
        return True
    return (clean_block(text) if block else clean(text)) == text
