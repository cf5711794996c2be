"""How a request to a model fails: in words of ours or the server's, and whether it may pass."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""Statuses that another try may mend; 529 is Anthropic's “overloaded”."""
TOO_MANY = frozenset({429, 503, 529})
SPENT = frozenset({"insufficient_quota", "billing_not_active", "billing_hard_limit_reached"})
"""Codes of a 429 that no waiting mends."""


class Failure(Exception):  # noqa: N818  (a request's, and not an error of ours)
    """There is no answer."""

    def __init__(
        self,
        words: str,
        *,
        status: int | None = None,
        code: str | None = None,
        passes: bool = False,
        retry_after: str = "",
        headers: Mapping[str, str] = {},
    ) -> None:
        super().__init__(words)
        self.words = words  # what is said of it; no key is in them once they are scrubbed
        self.status = status  # of the answer; None where there is none
        # Whether another try may mend it.
        self.passes = passes or (status in AGAIN and code not in SPENT)
        # How long the server wants to be left alone, seconds; None when it does not say.
        self.wait_s = retry_after_s({"retry-after": retry_after, **headers})

    @property
    def is_too_many(self) -> bool:
        """Whether the server was asked too much."""
        return self.status in TOO_MANY


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return how long a server wants to be left alone, in seconds; None when it does not say."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            wait_s = float(headers.get(name, "")) * unit_s
        except ValueError:
            continue
        if 0 <= wait_s < float("inf"):
            return wait_s
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
        # By the server's own clock where it says what that shows.
        now = parsedate_to_datetime(headers["date"]) if "date" in headers else datetime.now(UTC)
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return None
