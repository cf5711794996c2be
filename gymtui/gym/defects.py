"""Saying where a defect of the gym is, without what it held: a key may be in any exception."""

import traceback


def describe_defect(error: BaseException) -> str:
    """Return an exception's type and where it was raised, without its words."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
