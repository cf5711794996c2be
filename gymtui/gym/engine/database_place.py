"""Where a gym's memory is: a file, or a PostgreSQL database."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class SharedDatabase:
    """A PostgreSQL database."""

    url: str  # without a password
    # Returns the password, or raises `StorageError`; without it, that is libpq's business.
    password: Callable[[], str] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The URL without user and options."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


Place = Path | SharedDatabase
