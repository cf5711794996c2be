"""Whether an answer failed, and what a command ended with, told from what tools write.

Precision goes first: what is guessed here is shown as `✗ error?`, and a wrong mark costs more than
a missing one. `tests/transcript/readers/test_failures.py` has the sentences, and what is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gymtui.transcript.pretty_json import parse_container

_LOOKED_AT = 400  # characters at each end of a text in which it says how it went
_MOST_JSON = 100_000
_CODES = ("returncode", "exit_code", "exitCode", "return_code", "exitcode", "exit_status")
_STATUSES = ("status_code", "statusCode", "http_status", "httpStatus")
_CODE_FIRST = re.compile(
    r"\s*(?:<returncode>\s*(-?\d{1,5})\s*</returncode>|<exit_?code>\s*(-?\d{1,5})\s*<"
    r"|(?:Process exited with|Command exited with|Error:)?\s*exit code:?\s*(-?\d{1,5})\b)",
    re.IGNORECASE,
)
_CODE_LAST = re.compile(
    r"(?:^|\n)\W{0,2}(?:the )?(?:(?:command|process|program)\b[^\n]{0,60}?\b)?"
    r"(?:exited|finished|completed|failed|returned)?\s*(?:with )?(?:an )?"
    r"exit(?:ed with)? (?:code|status):?\s*(-?\d{1,5})\b[^\n]{0,20}(?=\n|\Z)",
    re.IGNORECASE,
)
_FIRST = re.compile(
    r"(?:\W{0,3}(?:error|exception|fatal|failure|failed)\b[\w ]{0,40}:"
    r"|error (?:executing|calling|running|while|in|invoking|during|parsing|occurred)\b"
    r"|(?:tool |function )?(?:execution|call(?:ing)?) (?:failed|timed out)\b"
    r"|ran into (?:\[errno|an? error)"
    r"|(?:http(?:/\d(?:\.\d)?)? |status(?: code)?:? ?|request failed with status code )[45]\d\d\b"
    r"|[45]\d\d (?:client error|server error|bad request|unauthorized|forbidden|not found"
    r"|too many requests|internal server error|bad gateway|service unavailable|gateway timeout)\b"
    r"|(?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception)\b(?::|\(|$| while )|internalerror> "
    r"|traceback \(most recent call last\)"
    r"|(?:http|api|server|client|network|unexpected|internal|syntax|parse|validation|connection)"
    r" error\b"
    r"|no replacement was performed|your proposed edit has introduced|new string '"
    r"|multiple occurrences of (?:string|old_str)"
    r"|(?:invalid|unknown|missing|unrecognized) (?:tool|function|command|argument|parameter"
    r"|`|option|input|json|path|action)|invalid \S{1,40} format\b"
    r"|(?:tool|function|command) \S{1,60} (?:not found|does not exist)"
    r"|(?:the )?(?:file|path|directory|module|page|section|user|order|item|reservation|flight)"
    r"(?: \S{1,80})? (?:not found|does not exist)\b"
    r"|no such file or directory|permission denied|(?:access|request) denied"
    r"|(?:execution|command|request|operation)(?: \S{1,40})? timed out\b"
    r"|failed to \w+|could not \w+|cannot \w+|can't \w+|unable to \w+)",
    re.IGNORECASE,
)
"""How the first line of an answer begins that tells of a failure."""
_SHELL = re.compile(
    r"(?:^|\n)(?:/[\w/]{1,40}/|/\S{1,60}: |-)?(?:ba|z|da|k)?sh: (?:line )?[^\n]{0,200}"
    r"(?:command not found|not found|syntax error|no such file or directory|permission denied)",
    re.IGNORECASE,
)
_PROGRAM = re.compile(
    r"[\w./-]{1,80}: [^\n]{0,200}(?:No such file or directory|Permission denied|Is a directory"
    r"|Not a directory|No module named \S+|cannot [^\n]{1,100}|can't open file [^\n]{1,100})\s*$"
)
_USAGE = re.compile(
    r"usage: [^\n]*(?:\s*\Z|(?:\n\s[^\n]*){0,12}\n[\w./-]{1,60}: error: )", re.IGNORECASE
)
"""What a command says that was called wrongly; asked for help it says more."""
_RAISED = re.compile(r"(?:^|\n)\s{0,8}(?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception|Exit|Interrupt)\b")
_TRACEBACK = re.compile(
    r"(?:^|\n) {0,4}Traceback \(most recent call last\):?\s*\n"
    r'|Traceback \(most recent call last\):\n {1,4}File "'
)
"""The second where a line that was not ended stands before it; a listing numbers each line."""
_SYNTAX = re.compile(r"\n\s*[~^]*\^[~^]*\n\w*Error: [^\n]*\s*\Z")
"""How Python shows a line that it cannot read."""
_NOTEBOOK = re.compile(r"-{40,}\n[A-Z]\w*(?:Error|Exception)\s+Traceback \(most recent call last\)")
_TESTS = re.compile(
    r"(?:^|\n)=+ (?:[^\n]{0,80}, )?[1-9]\d{0,6} (?:failed|errors?)\b[^\n]{0,120}=+ *(?=\n|\Z)"
    r"|(?:^|\n)FAILED \((?:failures|errors)=\d"
)
"""What pytest and unittest end with when tests fail, whatever comes below (a prompt)."""
_ALONE = re.compile(r"(?:^|\n)[A-Z]\w{0,40} error:[ \t]*\n")
_DONE = re.compile(
    r"the file \S{1,300} has been (?:edited|updated|created)|file (?:created|updated|edited) succ"
    r"|(?:the )?edit (?:was )?(?:applied|succe)|successfully \w+|\[file: |ok\b",
    re.IGNORECASE,
)
"""How an answer begins that says it went well; what a file or a test says below is no failure."""
_REFUSED_EDIT = re.compile(
    r"no replacement was performed|your proposed edit has introduced new syntax error"
    r"|the edit failed|did not (?:replace|apply)|old_str(?:ing)? (?:was )?not found"
    r"|string to replace not found|file has not been read yet"
    r"|failed to edit|0 occurrences found for",
    re.IGNORECASE,
)
_PROMPT = "(Open file: "  # with this begins what SWE-agent adds to each answer, up to its prompt
_STOPPED = re.compile(
    r"(?:^|\n)\W{0,3}(?:EXECUTION TIMED OUT|the command timed out|command timed out"
    r"|timeout: the command|<error>|<tool_use_error>)",
    re.IGNORECASE,
)


def exit_code(*values: object) -> int | None:
    """The code that a command ended with, where one of some answers says it."""
    for value in values:
        found = _code_in(value)
        if found is not None:
            return found
    return None


def looks_failed(*values: object) -> bool:
    """Whether an answer reads as one of a call that failed."""
    code = exit_code(*values)
    if code is not None:
        return code != 0
    return any(map(_failed, values))


def _code_in(value: object) -> int | None:
    if isinstance(value, str):
        if (inner := _object_in(value)) is not None:
            return _code_in(inner)
        head, tail = value[:_LOOKED_AT], value[-_LOOKED_AT:]
        found = _CODE_FIRST.match(head)
        if found is None:
            opening = "\n".join(head.split("\n", 3)[:3])
            last = [*_CODE_LAST.finditer(tail)] or [*_CODE_LAST.finditer(opening)]
            found = last[-1] if last else None
        return None if found is None else int(next(filter(None, found.groups())))
    if not isinstance(value, Mapping):
        return None
    for name in _CODES:
        code = value.get(name)
        if isinstance(code, int) and not isinstance(code, bool):
            return code
    for name in ("metadata", "extra", "extras", "details", "result"):
        inner = value.get(name)
        if isinstance(inner, Mapping) and (code := _code_in(inner)) is not None:
            return code
    return _code_in(inner) if isinstance(inner := value.get("output"), str) else None


def _object_in(text: str) -> Mapping[str, object] | None:
    if len(text) >= _MOST_JSON or not text[:8].lstrip().startswith("{"):
        return None
    value = parse_container(text)
    return value if isinstance(value, Mapping) else None


def _failed(value: object) -> bool:
    if isinstance(value, str):
        inner = _object_in(value)
        return _object_failed(inner) if inner is not None else _text_failed(value)
    return isinstance(value, Mapping) and _object_failed(value)


def _object_failed(value: Mapping[str, object]) -> bool:
    error = value.get("error")
    if isinstance(error, bool | str | Mapping) and error:
        return True
    if any(value.get(name) is False for name in ("success", "ok")) or value.get("isError") is True:
        return True
    if value.get("status") in ("error", "failed", "failure"):
        return True
    for name in _STATUSES:
        status = value.get(name)
        if isinstance(status, int) and not isinstance(status, bool) and 400 <= status < 600:
            return True
    texts = (value.get(name) for name in ("output", "text", "content", "result", "message"))
    found = [text for text in texts if isinstance(text, str)]
    return len(found) == 1 and _text_failed(found[0])


def _text_failed(text: str) -> bool:
    if text.endswith("bash-$") and (end := text.rfind(_PROMPT, -1000)) >= 0:
        text = text[:end]
    head, tail = text[:_LOOKED_AT].lstrip(), text[-_LOOKED_AT:]
    for opening in ("Observation:", "OBSERVATION:", "<observation>", "<output>", "Output:"):
        head = head.removeprefix(opening).lstrip()
    first = head.split("\n", 1)[0]
    if _FIRST.match(first) or _PROGRAM.match(first) or _NOTEBOOK.match(head) or _USAGE.match(head):
        return True
    if _DONE.match(first):
        return False
    if _REFUSED_EDIT.search(head) or _SHELL.search(head) or _SHELL.search(tail):
        return True
    if _STOPPED.search(head) or _STOPPED.search(tail):
        return True
    if _TESTS.search(tail) or _SYNTAX.search(tail) or _ALONE.search(head):
        return True
    raised = "Traceback (most recent call last)" in text and _TRACEBACK.search(text) is not None
    return raised and _RAISED.search(tail) is not None
