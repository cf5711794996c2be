"""The transcript's budgets, each beside its yardstick in the same run."""

from __future__ import annotations

import asyncio
import gc
import json
import random
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.pilot import Pilot
from textual.widgets import Collapsible, Markdown

from gymtui.session.artifacts import Artifacts
from gymtui.transcript.body_reader import open_body
from gymtui.tui.app.file_app import FileApp
from gymtui.tui.files.screen import FileScreen
from gymtui.tui.kit.transcript.view import TranscriptView
from gymtui.tui.runtime.crash_report import Reporter
from tests.bench.rows import Row, at_most, faster, within

SIZE = (120, 36)
_WORDS = ("alpha", "beta", "calendar", "panel", "scheduled", "the", "of", "and", "message")


def body(messages: int, size: int, seed: int = 3) -> bytes:
    """Artifacts in the vendor's shape, a tenth of the turns with much emoji and CJK.

    Args:
        messages: How many.
        size: Bytes, about.
        seed: What chance starts from.
    """
    rng = random.Random(seed)
    each = size // messages
    written: list[dict[str, object]] = []
    calls: list[object] = []
    results: list[object] = []
    for number in range(messages):
        text = " ".join(rng.choices(_WORDS, k=each // 6))
        text = "\n".join(text[at : at + 400] for at in range(0, len(text), 400))
        if number % 10 == 0:
            text = text[: each // 2] + "日本語のテキスト🙂🎉 " * (each // 62)
        match number % 4:
            case 0:
                written.append({"role": "user", "content": text})
            case 1:
                written.append({"role": "assistant", "content": text})
            case 2:
                arguments = json.dumps({"note": text[: each // 2]}, ensure_ascii=False)
                function = {"name": "calendar__create", "arguments": arguments}
                call = {"id": f"c{number}", "type": "function", "function": function}
                content = {"content": text[: each // 2], "tool_calls": [call]}
                written.append({"role": "assistant", "content": content})
                calls.append(
                    {"tool_server": "calendar", "tool_name": "create", "parameters": {"n": number}}
                )
                results.append({"observation": {"rows": [text[:200]] * 3}, "is_error": False})
            case _:
                content = {
                    "tool_call_id": f"c{number - 1}",
                    "tool_server": "calendar",
                    "tool_name": "create",
                    "is_error": False,
                    "summary": text,
                }
                written.append({"role": "tool", "content": content})
    artifacts = {"messages": written, "tool_calls": calls, "tool_results": results}
    return json.dumps({"rollout_id": "r", "artifacts": artifacts}, ensure_ascii=False).encode()


class Held:
    """How long the event loop was held, at most: a task that wants its turn every millisecond."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Held:
        self._task = asyncio.create_task(self._watch())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._task is not None
        self._task.cancel()

    async def _watch(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            self.longest_s = max(self.longest_s, time.perf_counter() - before - 0.001)


def painted(app: App[object]) -> str:
    """Compose the screen as it would be sent, as text."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def until(what: Callable[[], bool], limit_s: float = 120) -> None:
    """Let the program work until something holds."""
    end = time.perf_counter() + limit_s
    while not what():
        assert time.perf_counter() < end, "never came true"
        await asyncio.sleep(0)


class Widgets(App[None]):
    """What a Textual program would otherwise do: a Collapsible with Markdown a message."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data

    def compose(self) -> ComposeResult:
        yield VerticalScroll()

    async def open(self) -> None:
        """Show the messages."""
        messages = json.loads(self.data)["artifacts"]["messages"]
        texts = [
            m["content"] if isinstance(m["content"], str) else json.dumps(m["content"])
            for m in messages
        ]
        await self.query_one(VerticalScroll).mount_all(
            [
                Collapsible(Markdown(text), title=f"{n + 1}", collapsed=False)
                for n, text in enumerate(texts)
            ]
        )


async def widgets_first_paint(data: bytes) -> float:
    """Seconds from bytes to the first paint with a widget a message."""
    app = Widgets(data)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        start = time.perf_counter()
        await app.open()
        await until(lambda: _WORDS[0] in painted(app) or _WORDS[1] in painted(app))
        return time.perf_counter() - start


async def with_reader(work: Callable[[FileScreen, Pilot[None]], Awaitable[None]]) -> None:
    """Run something on a reading screen that has nothing to read yet."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "empty.json"
        path.write_text("[]")
        app = FileApp([path], Reporter(Path(directory), secrets=[]))
        async with app.run_test(size=SIZE) as pilot:
            screen = app.screen
            assert isinstance(screen, FileScreen)
            await until(lambda: screen.transcript is not None)
            await pilot.pause()
            await work(screen, pilot)


async def first_paint(screen: FileScreen, data: bytes) -> float:
    """Seconds from bytes to the first paint of the transcript."""
    screen.drop_artifacts()
    painted(screen.app)
    start = time.perf_counter()
    transcript = await asyncio.to_thread(open_body, data)
    screen.show_artifacts(Artifacts(data, transcript))
    await until(lambda: "1 user" in painted(screen.app))
    return time.perf_counter() - start


def p99(values: list[float]) -> float:
    """The 99th percentile."""
    return quantiles(values, n=100)[98]


def rows() -> Iterator[Row]:
    """Measure."""
    yield from asyncio.run(_small())
    yield from asyncio.run(_large())
    yield from asyncio.run(_single())


async def _small() -> list[Row]:
    """200 messages, against one widget a message."""
    data = body(200, 300_000)
    times: list[float] = []

    async def work(screen: FileScreen, pilot: Pilot[None]) -> None:
        for _ in range(7):
            times.append(await first_paint(screen, data))

    await with_reader(work)
    theirs = await widgets_first_paint(data)
    what = "200 messages, 0.3 MB: bytes to first paint (a widget a message)"
    return [faster(what, median(times), theirs, 50, "Collapsible with Markdown")]


async def _large() -> list[Row]:
    """2,000 messages, 20 MB."""
    data = body(2000, 20_000_000)
    found: list[Row] = []

    async def work(screen: FileScreen, pilot: Pilot[None]) -> None:
        async with Held() as held:
            took = await first_paint(screen, data)
        name = f"2,000 messages, {len(data) / 1e6:.0f} MB"
        found.append(within(f"{name}: bytes to first paint", took, 0.5, "s"))
        found.append(within("… event loop held, longest", held.longest_s, 0.05, "s"))
        view = screen.query_one(TranscriptView)

        async def timed(what: str, moves: int, move: Callable[[int], None]) -> None:
            times: list[float] = []
            for number in range(moves):
                await asyncio.sleep(0)
                start = time.perf_counter()
                move(number)
                await asyncio.sleep(0)
                painted(screen.app)
                times.append(time.perf_counter() - start)
            found.append(within(f"… {what}: p99", p99(times), 0.03, "s"))

        await timed("page down", 200, lambda n: view.action_page(1))
        await timed(
            "jump to the end and back", 100,
            lambda n: view.action_top() if n % 2 else view.action_bottom(),
        )  # fmt: skip
        async with Held() as held:
            screen.apply_filter("panel scheduled")
            await until(lambda: screen._search.done)
        found.append(within("… searched: event loop held, longest", held.longest_s, 0.05, "s"))
        await timed("next match", 200, lambda n: screen.action_match(1))
        start = time.perf_counter()
        await pilot.resize_terminal(100, 30)
        painted(screen.app)
        found.append(
            within("… terminal width changed: first paint", time.perf_counter() - start, 0.2, "s")
        )

    await with_reader(work)
    found.append(await _memory(data))
    return found


def one_message(size: int) -> Iterator[tuple[str, bytes]]:
    """Artifacts whose only message is of about this size, in the shapes that cost most."""
    rows = [{"id": n, "name": f"name {n}", "tags": ["a", "b"]} for n in range(size // 58)]
    text = " ".join(random.Random(3).choices(_WORDS, k=size // 6))
    called = [{"tool_server": "a", "tool_name": "b", "parameters": {}}]
    answered = [{"observation": {"rows": rows}, "is_error": False}]
    for name, artifacts in (
        ("one line of text", {"messages": [{"role": "user", "content": text}]}),
        ("JSON answer", {"messages": [], "tool_calls": called, "tool_results": answered}),
        ("odd content", {"messages": [{"role": "user", "content": {"odd": rows}}]}),
    ):
        yield name, json.dumps({"rollout_id": "r", "artifacts": artifacts}).encode()


async def _single() -> list[Row]:
    """One message of 5 MB: opened, unfolded, its end seen, searched."""
    found: list[Row] = []
    for name, data in one_message(5_000_000):

        async def work(screen: FileScreen, pilot: Pilot[None], name: str, data: bytes) -> None:
            async with Held() as held:
                screen.drop_artifacts()
                transcript = await asyncio.to_thread(open_body, data)
                screen.show_artifacts(Artifacts(data, transcript))
                await until(lambda: "1 " in painted(screen.app))
                for key in ("Z", "G", "g"):
                    await pilot.press(key)
                    painted(screen.app)
                screen.apply_filter("name 7999")
                await until(lambda: screen._search.done)
            what = f"one message of 5 MB, {name}: event loop held, longest"
            found.append(within(what, held.longest_s, 0.05, "s"))

        await with_reader(partial(work, name=name, data=data))
    return found


async def _memory(data: bytes) -> Row:
    """What the transcript takes besides the program, at its highest."""
    peaks: list[int] = []

    async def work(screen: FileScreen, pilot: Pilot[None]) -> None:
        gc.collect()
        tracemalloc.start()
        await first_paint(screen, bytes(bytearray(data)))
        screen.query_one(TranscriptView).action_bottom()
        await pilot.pause()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    await with_reader(work)
    return at_most("… memory at its highest (the body)", peaks[0], len(data), 4, "bytes")
