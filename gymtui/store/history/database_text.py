"""Text of any kind in PostgreSQL, which has none with NUL or lone surrogates, and keys of it."""

from __future__ import annotations

from hashlib import blake2b

_ODD = "\ufdd0"
"""Before the bytes of what PostgreSQL has no text for: NUL and lone surrogates. No character."""


def key_of(name: str) -> int:
    """A name as 64 bits, of which two names have the same as good as never."""
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def to_stored(text: str | None) -> str | None:
    """Text as PostgreSQL takes it: what it has no text for as bytes, in hexadecimal."""
    if text is None or (text.isascii() and "\0" not in text):
        return text
    encoded = text.encode("utf-8", "surrogatepass")
    plain = encoded.decode("utf-8", "ignore") == text and "\0" not in text
    return text if plain and not text.startswith(_ODD) else _ODD + encoded.hex()


def from_stored(kept: str | None) -> str | None:
    """The text that was stored."""
    if kept is None or not kept.startswith(_ODD):
        return kept
    return bytes.fromhex(kept[1:]).decode("utf-8", "surrogatepass")


def is_odd(kept: str) -> bool:
    """Whether what was stored is bytes in hexadecimal."""
    return kept.startswith(_ODD)
