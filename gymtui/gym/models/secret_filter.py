"""Answers without the secrets they were asked with: some servers repeat them."""

import json
import re
from collections.abc import Iterable, Mapping

LONG = 12
"""Characters from which a key cannot be part of an ordinary text: it is taken out anywhere.

A shorter one, such as `s3cret`, is taken out where it stands by itself, as a word would.
"""
PLACEHOLDERS = frozenset(
    {"empty", "none", "null", "dummy", "fake", "test", "key", "token", "ollama", "not-needed"}
)
"""Keys for servers that want none: they hide nothing, and are words of ordinary answers."""
INSTEAD = b"[key]"

_OF_KEYS = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)(_ID)?$", re.I)

# The escapes of JSON before it are letters, and no part of a word.
_ALONE = rb"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=\\u[0-9A-Fa-f]{4}))%s(?![A-Za-z0-9])"


def remove_secrets(raw: bytes, secrets: Iterable[str]) -> bytes:
    """Return an answer without the secrets.

    One character hides nothing, and is left, as are placeholders.
    """
    for secret in secrets:
        if len(secret) < 2 or secret.casefold() in PLACEHOLDERS:
            continue
        for form in {secret, json.dumps(secret)[1:-1]}:
            if len(secret) >= LONG:
                raw = raw.replace(form.encode(), INSTEAD)
            else:
                raw = re.sub(_ALONE % re.escape(form.encode()), INSTEAD, raw)
    return raw


def environment_secrets(env: Mapping[str, str]) -> list[str]:
    """Return the values of variables that hold keys by their names, where they are long enough."""
    return [value for name, value in env.items() if _OF_KEYS.search(name) and len(value) >= LONG]
