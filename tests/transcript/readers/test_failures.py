"""What reads as a failure, and what does not: sentences as tools write them."""

import pytest

from gymtui.transcript.readers.failures import exit_code, looks_failed

FAILED: list[object] = [
    "Error: flight HAT030 not available",
    "ERROR:\nInvalid `path` parameter: /a.py. File already exists.",
    "ERROR:\nNo replacement was performed, old_str `x` did not appear verbatim in /a.py.",
    "No replacement was performed. Multiple occurrences of old_str",
    "Observation: Error: no such shelf",
    "<observation>\nError: no such shelf\n</observation>",
    'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: kettle',
    "starting\nTraceback (most recent call last):\n  File \"a.py\"\nKeyError: 'a'\n\nbash-$",
    "-" * 75 + "\nRuntimeError      Traceback (most recent call last)\nCell In[1]",
    "botocore.exceptions.EndpointConnectionError: Could not connect",
    "Your proposed edit has introduced new syntax error(s).",
    "bash: kettle: command not found",
    "/bin/sh: 1: kettle: not found",
    "cat: ../a.py: No such file or directory\n(Open file: n/a)\nbash-$",
    "find: ‘/opt’: Permission denied",
    "Ran into [Errno 2] No such file or directory: '/a'",
    "Invalid section_id format. Expected: page:section",
    'Tool calling failed: {"id": "c1"}',
    "Failed to connect to the server",
    "Request failed with status code 404",
    "HTTP 503 Service Unavailable",
    "404 Not Found",
    "<tool_use_error>String to replace not found in file.</tool_use_error>",
    "EXECUTION TIMED OUT because the command ran for too long",
    "collected 3 items\n\n==== 1 failed, 2 passed in 0.28s ====\n(Open file: n/a)\nbash-$",
    "FAILED (failures=1, errors=2)",
    "/usr/lib/kettles/bin/of/the/runtime/python: No module named pytest",
    "<observation>\nMultiple occurrences of string found:\n- Line 4\n- Line 7\n</observation>",
    "New string '  x = 1' already exists in a/b.py. No changes were made.",
    "Usage: edit <start_line>:<end_line>\n(Open file: /a.py)\n(Current directory: /)\nbash-$",
    "usage: kettle [-h]\n              [--hot]\nkettle: error: unrecognized arguments: -x",
    "x: Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'a'",
    "a\n" * 400 + f"EXECUTION TIMED OUT\n(Open file: /{'a' * 500})\n(Current directory: /)\nbash-$",
    "The path django/related.py does not exist. Please provide a valid path.",
    "Section not found: a:b",
    '  File "flake8", line 17\n    from __future__ import x\n    ^\nSyntaxError: no such feature',
    "ImportError while loading conftest '/a/conftest.py'.",
    {"error": "conflict"},
    {"error": {"code": 7}},
    '{"success": false}',
    {"status": "error", "message": "x"},
    {"status_code": 404, "body": ""},
    {"isError": True, "content": []},
    {"output": "Traceback (most recent call last):\n  File\nNameError: x"},
    {"returncode": 1},
    "<returncode>2</returncode>\n<output></output>",
    "Exit code 1\nboom",
    "boom\n\nCommand exited with code 126",
    "boom\n[Command finished with exit code 1]",
    {"output": "Output: (empty)\nExit Code: 1\nSignal: 0"},
]
FINE: list[object] = [
    None,
    "",
    "No files found",
    "95 passed. 0 failed. 0 errors.",
    "Script completed successfully, no errors.",
    "/testbed/moto/acm/exceptions.py\n/testbed/errors.py",
    "1: raise ValueError('x')\n2: except Exception as error:",
    "File created successfully at: /testbed/reproduce_error.py",
    "The file /a.py has been edited.\n1 x\nTraceback (most recent call last):\n  f\nAssertionError",
    "[File: /a.py (3 lines total)]\n1:Error: x",
    "Usage: kettle [OPTION]…\n\n  -h  help\n  -x  error: what errors are shown",
    '8:Traceback (most recent call last):\n9:  File "a.py"\n10:KeyError: a',
    "==== 7 passed, 2 warnings in 0.28s ====",
    "Your command ran successfully and did not produce any output.",
    "<returncode>0</returncode>\n<output>\nError: but went on\n</output>",
    "Traceback (most recent call last):\n  File\nKeyError: 1\n[Command finished with exit code 0]",
    "Process exited with code 0\nOutput:\nERROR: none",
    {"error": None, "success": True},
    {"error": "", "status": "ok"},
    {"status": "cancelled", "order": "#W1"},
    {"status_code": 200, "body": "404"},
    {"exit_code": 0, "output": "Error: expected"},
    {"error_count": 0, "results": []},
    "Errors are values. They are handled where something can be done about them.",
    "The exit code 3 is documented in the manual, among others, as the code of a missing kettle.",
]


@pytest.mark.parametrize("value", FAILED, ids=range(len(FAILED)))
def test_reads_as_a_failure(value: object) -> None:
    assert looks_failed(value)


@pytest.mark.parametrize("value", FINE, ids=range(len(FINE)))
def test_reads_as_no_failure(value: object) -> None:
    assert not looks_failed(value)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"exit_code": 3}, 3),
        ({"metadata": {"exit_code": 127}}, 127),
        ({"exit_code": True}, None),
        ("a\nProcess exited with code 4", 4),
        ("Exit code: 0\nWall time: 1 s\nOutput:\nx", 0),
        ("<returncode>-9</returncode>", -9),
        ("[The command completed with exit code 5.]\n[Current working directory: /a]", 5),
        ("exit codes are numbers", None),
        ("", None),
    ],
)
def test_where_exit_codes_stand(value: object, code: int | None) -> None:
    assert exit_code(value) == code


def test_a_long_answer_is_looked_at_at_once() -> None:
    for text in (
        "Traceback (most recent call last):\n" * 200_000,
        " " * 4_000_000,
        "a\n" * 2_000_000,
    ):
        assert looks_failed(text) in (True, False)
