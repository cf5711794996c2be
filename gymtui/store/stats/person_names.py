"""People's names in one line of text, by how they are written. Pure.

Nothing knows every name. Two or more capitalised words in a row are one, unless a word among them
is one of those that verifiers and services write large without naming anybody: those say what
went wrong. A single capitalised word is left: it may as well be a product or a sentence's start.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_GAP = re.compile(r"\.? ")
_PARTICLES = frozenset(
    {
        *("al", "bin", "da", "de", "del", "della", "der", "di", "dos"),
        *("du", "el", "la", "le", "ten", "ter", "van", "von", "y"),
    }
)
_INNER_CAPITALS = ("Mc", "Mac")
_WRITTEN_LARGE = """
a accepted access account action actual address after agent all already an and answer any
api argument assertion at attribute authentication authorization available bad base before
booking both budget but by calendar call cancel cancelled cannot case changes check choose
client close code complete completed compliance condition conflict connection container
content context contract could create created credit criterion current customer data
database date decision delete deleted denied did document does domain done draft due
duplicate each email empty end endpoint entity entry environment error event every
exceeded exception execution expected expired extra failed failure false field file final
find first flag flow for forbidden format found from function gateway get gone has have
host http id if in incorrect index input internal invalid invite is issue it item json key
large last length less level limit line link list loaded lookup mail many match max
maximum meeting memory message method missing model module more move must name neither
network never new no none not note notify null of offer on only open operation or order
out outdated output over overloaded package page panel parameter parse part partial
payment pending permission phone plan please policy post precondition present price
process prohibited prompt proxy put query quota range rate read reason received record
refund refused rejected remove removed report request requests required reschedule reset
resource response result retry return role room rule run runtime schedule scheduled schema
score screen segmentation send sent server service session set should sign size some stage
start state status step stop storage string success supposed syntax system table tag task
test text that the there this ticket time timeout title to token too tool total trace
traceback true type unable unauthorized unavailable undefined unexpected unknown
unprocessable unsupported update updated upstream url user validation value verification
verifier verify version violation wait warning was were when while window with within
without workspace write wrong
"""
"""No part of a name, though it is written large."""
_NO_NAMES = frozenset(_WRITTEN_LARGE.split())


def fold_names(text: str, placeholder: str) -> str:
    """Put a placeholder in the place of each name."""
    names = _names(text)
    if not names:
        return text
    pieces, end = [], 0
    for name in names:
        pieces.append(text[end : name.start])
        end = name.stop
    pieces.append(text[end:])
    if not any(word[0].islower() for piece in pieces for word in _WORD.findall(piece)):
        return text
    return placeholder.join(pieces)


def _names(text: str) -> list[slice]:
    found: list[slice] = []
    run: list[re.Match[str]] = []
    between: list[re.Match[str]] = []

    def close() -> None:
        between.clear()
        if len(run) > 1 and any(len(word[0]) > 1 for word in run):
            start, stop = run[0].start(), run[-1].end()
            stop -= 2 if text[stop - 2 : stop] in ("'s", "’s") else 0
            found.append(slice(start, stop))
        run.clear()

    for word in _WORD.finditer(text):
        latest = between[-1] if between else run[-1] if run else None
        if latest is not None and not _GAP.fullmatch(text, latest.end(), word.start()):
            close()
        if _is_part(word[0]):
            run.append(word)
            between.clear()
            if word[0].endswith(("'s", "’s")):
                close()
        elif run and word[0] in _PARTICLES:
            between.append(word)
        else:
            close()
    close()
    return found


def _is_part(word: str) -> bool:
    """Whether a word may be one of a name's."""
    if not word[0].isupper() or word.lower() in _NO_NAMES:
        return False
    return all(map(_is_capitalised, re.split(r"['’-]", word)))


def _is_capitalised(part: str) -> bool:
    rest = part[1:]
    for start in _INNER_CAPITALS:
        if part.startswith(start) and len(part) > len(start) + 1:
            rest = part[len(start) + 1 :]
    return rest == rest.lower()
