"""Where the keys for errors and calls stop."""

from __future__ import annotations

from gymtui.transcript.readers.artifact import read
from gymtui.transcript.stops import HEAD, Stop, calls, errors, nearest_stop


def test_errors_are_results_what_else_went_wrong_and_bad_ends() -> None:
    transcript = read(
        {
            "messages": [
                {"role": "user", "content": "Do"},
                {"role": "assistant", "tool_calls": [{"id": "1", "name": "f", "arguments": {}}]},
                {"role": "tool", "tool_call_id": "1", "content": "no", "is_error": True},
                {"role": "assistant", "content": "Done"},
            ],
            "error": "Cancelled",
        }
    )
    assert list(errors(transcript)) == [Stop(2, 0), Stop(4)]
    assert list(calls(transcript)) == [Stop(1, 0)]


def test_the_nearest_stop_lies_beyond_the_place_on_either_side() -> None:
    stops = [Stop(0), Stop(1, 0), Stop(1, 2)]
    assert nearest_stop(stops, (1, 0, 0, 0), 1) == Stop(1, 2)
    assert nearest_stop(stops, (1, 0, 0, 0), -1) == Stop(0)
    assert nearest_stop(stops, (1, 0, 0, 5), -1) == Stop(1, 0)
    assert nearest_stop(stops, (1, 2, 0, 0), 1) is None
    assert nearest_stop(stops, (0, HEAD, 0, 0), -1) is None
