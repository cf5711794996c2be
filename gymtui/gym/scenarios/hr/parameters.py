"""What tools of the `hr` scenario take: times, days, addresses and texts."""

from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, Field


def _moment(value: str) -> str:
    parsed = datetime.fromisoformat(value)
    if parsed.tzinfo is not None:
        raise ValueError("give local time without a zone, like 2026-03-18T10:30")
    return parsed.isoformat(timespec="minutes")


def _day(value: str) -> str:
    return date.fromisoformat(value).isoformat()


Moment = Annotated[str, AfterValidator(_moment), Field(description="Local time, YYYY-MM-DDTHH:MM")]
Day = Annotated[str, AfterValidator(_day), Field(description="YYYY-MM-DD")]
Address = Annotated[str, Field(min_length=3, pattern=r"^\S+@\S+$", description="E-mail address")]
Text = Annotated[str, Field(min_length=1)]
