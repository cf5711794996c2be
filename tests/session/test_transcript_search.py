"""A search through many transcripts: what is asked for, what is found, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from gymtui.api.client import GymClient
from gymtui.api.errors import GymError, NotFound, Unreachable
from gymtui.session.archive import Archive
from gymtui.session.archive_key import ArchiveKey
from gymtui.session.artifacts import ArtifactLoader
from gymtui.session.hit_list import FoundHit
from gymtui.session.rollout_ref import RolloutRef
from gymtui.session.transcript_reader import ReaderEndedError, TranscriptReader
from gymtui.session.transcript_search import (
    SearchProgress,
    SearchTarget,
    TranscriptSearch,
)
from gymtui.transcript.blocks import Ending
from gymtui.transcript.hits import SearchTerms, parse_search
from tests.helpers.sample_transcripts import ASKED, OPENAI

GYM = "gym"


def artifacts(answer: object, *, error: bool = False) -> bytes:
    """A transcript in which a tool answers something."""
    messages = [
        ASKED,
        {"role": "assistant", "content": {"content": "I look.", "tool_calls": [OPENAI]}},
        {
            "role": "tool",
            "content": {
                **{"tool_call_id": "c1", "tool_server": "shop", "tool_name": "lookup"},
                **{"is_error": error, "summary": answer},
            },
        },
        {"role": "assistant", "content": 'It said "kettle\n not found" to me.'},
    ]
    return json.dumps({"artifacts": {"messages": messages}}).encode()


class Fake:
    """A client with artifacts, and what goes wrong with some."""

    def __init__(self, **bodies: bytes | GymError) -> None:
        self.bodies = bodies
        self.asked: list[str] = []

    async def stream_artifacts(
        self, rollout_id: str, sink: Any, _redacted: bool = False, on_progress: Any = None
    ) -> None:
        self.asked.append(rollout_id)
        found = self.bodies[rollout_id]
        if isinstance(found, GymError):
            raise found
        sink(found)
        if on_progress is not None:
            on_progress(len(found), len(found))


class Searches:
    """Searches through what a client has.

    Args:
        finished: Which rollouts cannot change any more; the others still run.
    """

    def __init__(self, client: Fake, archive: Archive, *names: str, finished: str) -> None:
        async def no_pause(_seconds: float) -> None:
            pass

        self.archive = archive
        self.targets = [
            SearchTarget(
                RolloutRef("run", name),
                "1" if name in finished else None,
                name in finished,
                Ending("result", "✗ failed\nMissing: email", failed=True),
            )
            for name in names
        ]
        self.loader = ArtifactLoader(
            cast("GymClient", client),
            sleep=no_pause,
            cap_bytes=10_000,
            archive=archive,
            key_of=lambda name, redacted: ArchiveKey(GYM, name, "1", redacted),
        )

    async def __call__(
        self, wanted: SearchTerms | str, **options: Any
    ) -> tuple[list[FoundHit], SearchProgress]:
        wanted = parse_search(wanted) if isinstance(wanted, str) else wanted
        search = TranscriptSearch(self.loader, self.archive, GYM, self.targets, wanted, **options)
        return [hit async for hits in search.hits() for hit in hits], search.progress


def where(hits: list[FoundHit]) -> list[tuple[str, int]]:
    return [(found.ref.rollout_id, found.hit.match.turn) for found in hits]


async def test_what_was_downloaded_once_is_never_asked_for_again(tmp_path: Path) -> None:
    client = Fake(a=artifacts("a red kettle"), b=artifacts("nothing"))
    path = tmp_path / "transcripts.sqlite3"
    search = Searches(client, Archive(path, 10**8), "a", "b", "c", finished="ab")
    hits, progress = await search("red kettle")
    assert where(hits) == [("a", 2)]
    assert progress.words == "2 of 3 transcripts searched, 1 not finished"
    assert sorted(client.asked) == ["a", "b"]
    again = Searches(client, Archive(path, 10**8), "a", "b", "c", finished="ab")
    assert where((await again("red kettle"))[0]) == [("a", 2)]
    assert (await again.loader.get("a")).body == client.bodies["a"]
    assert len(client.asked) == 2


async def test_hits_come_in_the_order_of_the_list_and_read_as_they_are_shown() -> None:
    client = Fake(a=artifacts({"text": 'the "Kettle\nnot'}), b=artifacts("kettle 2"))
    search = Searches(client, Archive(None), "b", "a", finished="ab")
    await search("nothing yet")
    hits, _ = await search("kettle")
    assert where(hits) == [("b", 1), ("b", 2), ("b", 3), ("a", 1), ("a", 2), ("a", 3)]
    [escaped] = [found.hit for found in hits if found.ref.rollout_id == "a"][1:2]
    assert escaped.text == "Kettle"
    assert escaped.spoken.tool == "shop.lookup"
    said = hits[2].hit
    assert (said.before, said.text, said.after) == ('It said "', "kettle", ' not found" to me.')


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("tool:lookup kettle", [("a", 1), ("b", 1), ("b", 2)]),
        ("tool:shop.* kettle", [("b", 2)]),
        ("tool:nobody kettle", []),
        ("role:tool", [("a", 2), ("b", 2)]),
        ("role:a I look", [("a", 1), ("b", 1)]),
        ("error:", [("a", 2), ("a", 4), ("b", 4)]),
        ("error: tool:lookup", [("a", 2)]),
        ("missing: email", [("a", 4), ("b", 4)]),
        ('"error:"', []),
        ("/ket+le|nothing/", [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 2), ("b", 3)]),
        ("nothing", [("a", 2)]),
        ("2.", []),
        ("no", [("a", 2), ("a", 3), ("b", 3)]),
    ],
)
async def test_terms_phrases_of_any_length_and_expressions(
    typed: str, found: list[tuple[str, int]]
) -> None:
    client = Fake(a=artifacts("nothing", error=True), b=artifacts("a kettle"))
    search = Searches(client, Archive(None), "a", "b", finished="ab")
    first, _ = await search(typed)
    indexed, _ = await search(typed)
    assert sorted(where(first)) == sorted(where(indexed))
    assert where(indexed) == found


@pytest.mark.parametrize("typed", ["role:nobody", "/(/", "/a{99999999}/"])
def test_a_mistake_is_said(typed: str) -> None:
    from gymtui.transcript.search import PatternError

    with pytest.raises(PatternError):
        parse_search(typed)


async def test_an_expression_without_end_ends_the_search_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gymtui.transcript.search.REGEX_S", 0.0)
    search = Searches(Fake(a=artifacts("x")), Archive(None), "a", finished="a")
    hits, progress = await search("/(a|a)*b/")
    assert (hits, progress.problem) == ([], "ended, it took too long")


async def test_no_more_is_downloaded_than_was_allowed_and_a_second_search_goes_on() -> None:
    names = "abcdefgh"
    client = Fake(**{name: artifacts(f"kettle {name}") for name in names})
    search = Searches(client, Archive(None), *names, finished=names)
    most = len(artifacts("kettle a"))
    hits, progress = await search("kettle", most_bytes=most)
    assert progress.left and progress.searched + progress.left == len(names)
    assert progress.words.endswith(f"{progress.left} not downloaded")
    more, progress = await search("kettle")
    assert progress.searched == len(names) and len(more) > len(hits)
    assert sorted(client.asked) == sorted(names)


async def test_what_cannot_be_had_is_counted_and_costs_the_others_nothing() -> None:
    client = Fake(
        a=NotFound(), b=artifacts("kettle"), c=artifacts("x" * 20_000), d=artifacts("kettle")
    )
    search = Searches(client, Archive(None), "a", "b", "c", "d", finished="abcd")
    hits, progress = await search("kettle role:tool")
    assert sorted(where(hits)) == [("b", 2), ("d", 2)]
    said = "2 of 4 transcripts searched, 1 without artifacts, 1 failed"
    assert progress.words == said


async def test_one_that_ends_the_process_that_reads_it_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = TranscriptReader.read

    async def killed(reader: TranscriptReader, body: bytes, result: Ending | None) -> Any:
        if b"x" * 99 in body:
            raise ReaderEndedError
        return await read(reader, body, result)

    monkeypatch.setattr(TranscriptReader, "read", killed)
    client = Fake(a=artifacts("kettle"), b=artifacts("x" * 99))
    hits, progress = await Searches(client, Archive(None), "a", "b", finished="ab")("kettle")
    assert {name for name, _ in where(hits)} == {"a"}
    assert progress.words == "1 of 2 transcripts searched, 1 failed"


async def test_a_gym_that_is_gone_is_not_asked_for_all_the_rest() -> None:
    names = "abcdefghijklmnopqrstuvwxyz"
    client = Fake(**{name: Unreachable("refused") for name in names})
    search = Searches(client, Archive(None), *names, finished=names)
    _, progress = await search("kettle")
    assert progress.problem and progress.failed + progress.left == len(names)
    assert len(set(client.asked)) == progress.failed < len(names)


async def test_without_room_on_disk_it_searches_what_it_downloads() -> None:
    client = Fake(a=artifacts("a red kettle"))
    search = Searches(client, Archive(None, 0), "a", finished="a")
    hits, _ = await search("red kettle")
    assert where(hits) == [("a", 2)]


async def test_a_search_that_is_left_stops() -> None:
    client = Fake(**{name: artifacts("kettle") for name in "abcdefghijkl"})
    search = Searches(client, Archive(None), *client.bodies, finished="abcdefghijkl")
    going = TranscriptSearch(
        search.loader, search.archive, GYM, search.targets, parse_search("kettle")
    )
    hits = going.hits()
    await anext(hits)
    await hits.aclose()
    asked = len(client.asked)
    assert asked < 12
    assert not going.progress.done
