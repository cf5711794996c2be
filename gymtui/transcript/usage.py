"""What a transcript's models read, wrote, took and cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """What it cost, as the artifact's metadata tells."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    duration_s: float | None = None
    cost_usd: float | None = None
    # Of the tokens read so many came from a cache, as far as anybody says it.
    cached_tokens: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether anything of it is known."""
        return self != Usage()

    @property
    def tokens(self) -> int | None:
        """Read and written; None unless both are known."""
        if self.prompt_tokens is None or self.completion_tokens is None:
            return None
        return self.prompt_tokens + self.completion_tokens

    @property
    def cached_share(self) -> float | None:
        """Which part of the tokens read came from a cache, 0..1."""
        if self.cached_tokens is None or not self.prompt_tokens:
            return None
        return min(self.cached_tokens / self.prompt_tokens, 1.0)

    @property
    def words(self) -> str:
        """Tokens read and written, for a line: `12,345 in, 240 out`."""
        told = ((self.prompt_tokens, "in"), (self.completion_tokens, "out"))
        return ", ".join(f"{count:,} {way}" for count, way in told if count is not None)
