import errno
import socket
import ssl

import pytest

from gymtui.api.request import Call, segment, unreachable_reason


class ConnectError(Exception):
    """Named as httpx names it."""


def _lying_under(cause: Exception) -> BaseException:
    try:
        try:
            raise ExceptionGroup("all attempts failed", [ValueError(), cause])
        except ExceptionGroup as group:
            raise OSError("all attempts failed") from group
    except OSError as middle:
        error = ConnectError("All connection attempts failed")
        error.__cause__ = middle
        return error


def _unverified() -> ssl.SSLError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (socket.gaierror(-2, "Name or service not known"), "no such host"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "connection refused"),
        (OSError(errno.ENETUNREACH, "x"), "no route"),
        (OSError(errno.EHOSTUNREACH, "x"), "no route"),
        (ConnectionResetError(), "dropped"),
        (_unverified(), "TLS: self-signed certificate"),
        (ssl.SSLError(1, "?"), "TLS: failed"),
        (ValueError("?"), "no connection"),
    ],
)
def test_the_reason_is_found_however_deep_it_lies(cause: Exception, words: str) -> None:
    assert unreachable_reason(_lying_under(cause)) == words


def test_a_path_has_as_many_segments_as_its_template() -> None:
    call = Call("GET", "/a/{x}/b/{y}/c", ("/", ".."), (("q", "/"),))
    assert call.target == b"/a/%2F/b/%2E%2E/c?q=%2F"
    assert call.name == "GET /a/{x}/b/{y}/c"


@pytest.mark.parametrize(
    ("value", "path"), [("...", "..."), ("a.b", "a.b"), (".", "%2E"), ("\ud800", "%ED%A0%80")]
)
def test_dots_are_encoded_only_where_they_would_mean_something(value: str, path: str) -> None:
    assert segment(value) == path
