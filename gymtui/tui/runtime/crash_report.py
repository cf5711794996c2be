"""What is said and kept when the program fails by a defect of its own: no local variables, no keys.

It knows exceptions and files, and not the framework, so that every command can use it; giving the
terminal back first is the app's part (`guard`).
"""

from __future__ import annotations

import base64
import os
import platform
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from importlib import metadata
from io import UnsupportedOperation
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TextIO
from urllib.parse import quote

from msgspec import Struct

from gymtui.core.text import clean, clean_block, fit

EXIT_DEFECT: Final = 70
"""Exit code after a defect: EX_SOFTWARE of sysexits.h, apart from the 0 to 4 that commands use."""

REDACTED: Final = "[redacted]"
_PIECE: Final = 8
"""Characters of a secret that give it away: shown values are often cut in the middle."""
_LOOKS_SECRET: Final = re.compile(
    r"(?P<label>\bbearer\s+|\bauthorization\W{1,4}basic\s+|x-api-key\W{1,4}"
    r"|api_?key['\"]?\s*[:=]\s*['\"])[^\s'\"]{6,}"
    r"|\b(?:ck|sk|pk|rk|hf|ghp|gho|xox[bp])[_-](?=[\w-]*\d)[\w-]{12,}"
    r"|(?<=://)[^\s/@]+(?=@)",
    re.IGNORECASE,
)
"""Keys by their label or their form, and the user and password of an address."""
_HEADLINE: Final = 300
_FRAMES: Final = 6
_REPORT_LIMIT: Final = 512 * 1024
_PACKAGES: Final = ("gymtui", "textual", "rich", "httpx", "pydantic", "msgspec", "click")


def redact(text: str, secrets: Iterable[str]) -> str:
    """Take secrets out of a text, also where only a piece of one is shown.

    Args:
        secrets: Known values; also found percent-encoded or in base64.

    Returns:
        The text with `REDACTED` for every run of eight or more characters of a secret, for a
        shorter secret as a whole, and for what has the shape of a key.
    """
    marked = bytearray(len(text))
    for value in secrets:
        if value:
            encoded = base64.b64encode(value.encode("utf-8", "replace")).decode().rstrip("=")
            for form in {value, quote(value, safe=""), encoded}:
                _mark(text, form, marked)
    parts = []
    for run in re.finditer(rb"\x00+|\x01+", marked):
        parts.append(REDACTED if run[0][0] else text[run.start() : run.end()])
    return _LOOKS_SECRET.sub(lambda m: f"{m['label'] or ''}{REDACTED}", "".join(parts))


def _mark(text: str, secret: str, marked: bytearray) -> None:
    size = min(_PIECE, len(secret))
    for start in range(len(secret) - size + 1):
        piece = secret[start : start + size]
        at = text.find(piece)
        while at >= 0:
            marked[at : at + size] = b"\1" * size
            at = text.find(piece, at + 1)


class Defect(Struct, frozen=True):
    """One failure, fit to be shown."""

    headline: str
    """Type and message in a line: cleaned, redacted."""
    frames: tuple[str, ...]
    """`file:line in function`, innermost last."""
    trace: str
    """The traceback in full, without local variables; cleaned, redacted."""


class Reporter:
    """Turns errors into reports in a directory and words for stderr.

    Args:
        directory: Where reports go; made if it is missing. A file each, mode 0600.
        secrets: Values that must appear nowhere. More are added by `hide`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        secrets: Iterable[str] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._directory = directory
        self._secrets = set(secrets)
        self._now = now
        self._lock = threading.Lock()
        self.path: Path | None = None
        """The report of this run, once there is one."""
        self.trouble = ""
        """Why the report could not be written, if so."""

    def hide(self, secret: str) -> None:
        """Keep a key that came up later, typed or got from a command, out of every report."""
        # Another set: a thread that writes a log may be reading this one.
        self._secrets = self._secrets | {secret}

    def safe(self, text: str) -> str:
        """A text of any number of lines, cleaned, and with no secret in it."""
        return redact(clean_block(text), self._secrets)

    def examine(self, error: BaseException) -> Defect:
        """Put an error into words."""
        error = _unwrap_group(error)
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        # Rendered without capture_locals: source lines are ours, values are not in it.
        trace = "".join(traceback.TracebackException.from_exception(error).format())
        words = "".join(traceback.format_exception_only(error)[-1:]) or type(error).__name__
        return Defect(
            headline=fit(self._fit_to_show(words.strip()), _HEADLINE, cut="end").rstrip(),
            frames=tuple(f"{short_path(f.filename)}:{f.lineno} in {f.name}" for f in frames),
            trace=redact(clean_block(trace[-_REPORT_LIMIT:]), self._secrets),
        )

    def defect_of(self, words: str, frames: Iterable[str] = ()) -> Defect:
        """Make a defect of something that only exists in words."""
        lines = tuple(frames)
        whole = redact(clean_block("\n".join([words, *lines])), self._secrets)
        first = fit(self._fit_to_show(words.strip()), _HEADLINE, cut="end").rstrip()
        return Defect(first, lines[-_FRAMES:], whole)

    def keep(self, defect: Defect) -> Path | None:
        """Write a defect into this run's report, after those already in it.

        Returns:
            Where the report lies; None, with `trouble` saying why, if it could not be written.
        """
        with self._lock:
            try:
                self.path = self._append(defect)
            except OSError as error:
                self.trouble = clean(f"{error.strerror or error}: {error.filename or ''}")
        return self.path

    def exit_message(self, defect: Defect) -> str:
        """What to say on stderr, the terminal restored: lines, each ending in a newline."""
        lines = [f"gymtui: crashed because of a bug: {defect.headline}"]
        lines += [f"  {frame}" for frame in defect.frames]
        if self.path is not None:
            lines.append(f"The report, without keys or local variables: {clean(str(self.path))}")
        else:
            lines += [f"No report could be written ({self.trouble or 'not tried'}).", defect.trace]
        return "\n".join(lines) + "\n"

    def _append(self, defect: Defect) -> Path:
        now = self._now().astimezone(UTC)
        path = self.path
        if path is None:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self._directory / f"crash-{now:%Y%m%dT%H%M%SZ}-{os.getpid()}.txt"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        if self.path is None:
            flags |= os.O_EXCL
        head = "" if self.path else f"{_versions()}\nterminal: {_terminal()}\n"
        with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as report:
            report.write(f"{head}\n{now:%Y-%m-%d %H:%M:%S}Z {defect.headline}\n{defect.trace}\n")
        return path

    def _fit_to_show(self, words: str) -> str:
        return redact(clean(words), self._secrets)


class Boundary:
    """Around the whole program: no defect leaves it as a traceback, whichever thread it was in.

    A context manager. Whatever `Exception` reaches it ends the process with `EXIT_DEFECT` after
    a report; errors in threads go to `on_thread`. KeyboardInterrupt and SystemExit pass.

    Args:
        on_thread: Told of an error that ended a thread; without it, the report alone is kept.
    """

    def __init__(
        self, reporter: Reporter, on_thread: Callable[[BaseException], object] | None = None
    ) -> None:
        self._reporter = reporter
        self._on_thread = on_thread
        self._hook: Callable[[threading.ExceptHookArgs], Any] = threading.excepthook

    def __enter__(self) -> Self:
        """Take over what happens to errors in threads."""
        self._hook = threading.excepthook
        threading.excepthook = self._thread_failed
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Report an error that came this far and exit.

        Raises:
            SystemExit: With `EXIT_DEFECT`, in place of any Exception.
        """
        threading.excepthook = self._hook
        if isinstance(error, Exception):
            defect = self._reporter.examine(error)
            self._reporter.keep(defect)
            write_message(self._reporter.exit_message(defect), sys.stderr)
            raise SystemExit(EXIT_DEFECT) from None

    def _thread_failed(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is None or isinstance(args.exc_value, SystemExit):
            return
        if self._on_thread is not None:
            self._on_thread(args.exc_value)
        else:
            self._reporter.keep(self._reporter.examine(args.exc_value))


def write_message(words: str, stream: TextIO | None, timeout_s: float = 1.0) -> None:
    """Write, as a rule to stderr, without waiting for a terminal that does not read.

    After `timeout_s` seconds the words are given up.
    """
    if stream is None:
        return
    thread = threading.Thread(target=_write, args=(words, stream), daemon=True)
    thread.start()
    thread.join(timeout_s)


def _write(words: str, stream: TextIO) -> None:
    try:
        fd = stream.fileno()
    except UnsupportedOperation:
        stream.write(words)  # a stream without a file under it cannot block
        return
    # Past the stream: a write stuck inside of it would hold its lock, and the interpreter's end.
    left = words.encode(stream.encoding or "utf-8", "replace")
    try:
        while left:
            left = left[os.write(fd, left) :]
    except OSError:
        return  # the terminal is gone: nobody is there to tell


def _unwrap_group(error: BaseException) -> BaseException:
    """What really failed inside a group of one, as task groups raise."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def short_path(filename: str) -> str:
    """Cut a path down to what a person needs to find the line: from its package on."""
    parts = Path(filename).parts
    for name in ("gymtui", "site-packages"):
        if name in parts[:-1]:
            last = len(parts) - 1 - parts[::-1].index(name)
            return clean(str(Path(*parts[last + (name == "site-packages") :])))
    return clean(filename)


def _versions() -> str:
    python = f"python {platform.python_version()} on {platform.system()} {platform.release()}"
    return "\n".join([*_package_versions(), python])


def _package_versions() -> Iterator[str]:
    for name in _PACKAGES:
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            yield f"{name} not installed"


def _terminal() -> str:
    named = [f"{name}={os.environ.get(name, '')}" for name in ("TERM", "COLORTERM", "LANG")]
    return clean(" ".join([*named, "in tmux" if os.environ.get("TMUX") else ""]).strip())
