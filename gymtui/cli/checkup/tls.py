"""What a TLS handshake with the gym tells the person: how it went, and what is to be done."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime

from gymtui.cli.checkup.checks import CheckState
from gymtui.store.formats import of_many

CERTIFICATE_DAYS = 14  # a certificate that is good for less is told

_NOT_YET, _EXPIRED, _OTHER_NAME, _OTHER_ADDRESS = 9, 10, 62, 64
"""What OpenSSL calls what is wrong with a certificate: `X509_V_ERR_…`."""


def describe_failure(error: ssl.SSLError) -> tuple[str, CheckState, str]:
    """What is wrong with an end that did not shake hands, and what to do."""
    if error.reason == "WRONG_VERSION_NUMBER":
        return (
            "the server does not use TLS",
            CheckState.BAD,
            "check whether base_url should start with http://",
        )
    why = getattr(error, "verify_message", "") or error.reason or "failed"
    match getattr(error, "verify_code", 0):
        case code if code in (_NOT_YET, _EXPIRED):
            advice = "the certificate must be renewed, or this machine's clock is wrong"
        case code if code in (_OTHER_NAME, _OTHER_ADDRESS):
            advice = "base_url must use a host name in the certificate"
        case _:
            advice = (
                "for a private CA or an intercepting proxy, set SSL_CERT_FILE to its certificate"
            )
    return str(why).replace("_", " ").lower().rstrip("."), CheckState.BAD, advice


def describe_handshake(secure: ssl.SSLSocket, took: str) -> tuple[str, CheckState, str]:
    """How an end shook hands, and how long its certificate is good for."""
    ends = dict(secure.getpeercert() or {}).get("notAfter")
    message = f"{secure.version()}, {took}"
    if not isinstance(ends, str):
        return message, CheckState.OK, ""
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)
    left = (until - datetime.now(UTC)).days
    message = f"{message}, certificate valid for {of_many(left, 'day')}"
    if left < CERTIFICATE_DAYS:
        return message, CheckState.WARNING, "renew the certificate"
    return message, CheckState.OK, ""
