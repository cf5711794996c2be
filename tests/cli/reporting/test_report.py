"""Reports: what stands in them, and that no name of the gym's acts in any form of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gymtui.cli.reporting import html, markdown
from gymtui.cli.reporting.blocks import Heading, Name, Paragraph, Report, ReportOrigin, Table
from gymtui.cli.reporting.contents import report_contents
from gymtui.cli.reporting.run_facts import facts_of
from gymtui.core.pieces import result_of
from gymtui.store.delta import OneRun, RolloutsOf
from gymtui.store.lists.columns import RunView
from gymtui.store.stats.failures import Failures
from gymtui.store.stats.matrix import Matrix
from gymtui.store.stats.trend import trend
from gymtui.store.store import Store
from tests.helpers.clean_text import is_clean
from tests.helpers.model_gym import rollout, rollouts_body, run, saw

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
HOSTILE = (
    "<script>alert(1)</script>",
    "](javascript:alert(1)) ![x](https://evil.example/x.png)",
    "a | b `c` ``d`` \\| \\",
    "'\"><img src=x onerror=alert(1)>",
    "line\nbreak\r\n# heading\n- item",
    "\x1b]52;c;eA==\x07\x9b31m\u202eright to left",
    "`",
    " ",
    "<!-- ",
    "https://evil.example www.evil.example @everyone &amp; &lt;",
)


def ended(number: int, run_id: str, task: str, **fields: Any) -> dict[str, Any]:
    times = {
        "created_at": "2026-03-20T10:00:00Z",
        "started_at": "2026-03-20T10:00:10Z",
        "completed_at": f"2026-03-20T10:01:{number % 60:02}Z",
    }
    made = rollout(f"rol_{number}", run_id, task_id=task, status="completed", **times)
    return made | fields


def passed(number: int, run_id: str = "r", task: str = "t", **fields: Any) -> dict[str, Any]:
    return ended(number, run_id, task, result={"success": True, "message": "ok"}, **fields)


def failed(
    number: int, run_id: str = "r", task: str = "t", why: str = "no", **fields: Any
) -> dict[str, Any]:
    return ended(number, run_id, task, result={"success": False, "message": why}, **fields)


def report_on(
    *runs: Sequence[dict[str, Any]],
    names: Sequence[str] = ("r", "s", "u"),
    baseline: str | None = None,
    gym: str = "https://gym.example",
) -> Report:
    store, matrix, failures, facts = Store(), Matrix(), Failures(), []
    for name, rollouts in zip(names, runs, strict=False):
        open_ = sum(item["status"] in ("pending", "running") for item in rollouts)
        item = json.dumps(run(name, len(rollouts), open_)).encode()
        store.apply(saw(OneRun(name), item))
        store.apply(saw(RolloutsOf(name), rollouts_body(*rollouts)))
        rows = store.rollouts_of(name)
        view = RunView(store.runs[name], store.summary(name))
        facts.append(facts_of(view, rows, (), NOW))
        for row in rows:
            matrix.take(row)
            failures.take(row)
    result_of(matrix.refresh_in_pieces(last_steps={}))
    compared = (baseline, store.summary(baseline)) if baseline is not None else None
    along = trend([(each.run_id, each.view.summary) for each in facts], compared)
    return report_contents(facts, matrix, failures, ReportOrigin(NOW, gym, "9.9"), along)


def plain(report: Report) -> str:
    return markdown.render_markdown(report)


def row(report: Report, label: str) -> str:
    [found] = [line for line in plain(report).splitlines() if line.startswith(f"| {label} |")]
    return found


def test_it_says_when_from_where_and_by_what() -> None:
    text = plain(report_on([passed(1)]))
    assert "# Report on run `r`" in text
    assert "Generated 2026-03-20 12:00 UTC from the gym at `https://gym.example`" in text
    assert " by gymtui 9.9." in text
    for urls, said in (
        ("file:///tmp/a%20b", "from the directory `/tmp/a b` by"),
        ("file:///a file:///b", "from the directories `/a /b` by"),
    ):
        assert said in plain(report_on([passed(1)], gym=urls))
    assert "## What the numbers mean" in text


def test_rates_carry_their_verdicts_and_interval_and_errors_their_cause() -> None:
    report = report_on(
        [
            *(passed(n, task=f"t{n}") for n in range(8)),
            *(failed(n, task=f"t{n}") for n in range(8, 10)),
            ended(10, "r", "t10", status="workspace_error"),
            ended(11, "r", "t11", status="failed", termination_reason="429 from endpoint"),
        ]
    )
    assert row(report, "pass@1") == "| pass@1 | **80%** 49–94 of 10 verdicts |"
    label = "pass@1, counting errors as failures"
    assert row(report, label) == f"| {label} | 67% |"
    assert row(report, "errors") == "| errors | 1 env, 1 agent |"
    assert "| 1 | 1 | agent | `429 from endpoint` | `!` | – | `rol_11` |" in plain(report)
    assert "Unfinished" not in plain(report)


def test_an_unfinished_run_says_so_and_where_it_can_end() -> None:
    report = report_on([passed(1), failed(2), rollout("rol_3", "r"), rollout("rol_4", "r")])
    text = plain(report)
    assert "> **Unfinished. 2 of 4 rollouts are still open" in text
    assert "pass@1 will end within 25–75%" in text
    assert "of 2 verdicts so far" in row(report, "pass@1")
    assert 'class="notice"' in html.render_html(report)


def test_several_attempts_bring_pass_at_k_with_coverage() -> None:
    report = report_on([passed(1, task="a"), failed(2, task="a"), passed(3, task="b")])
    assert row(report, "pass@2") == "| pass@2 | 100% (1/2 tasks) |"
    assert row(report, "pass^2") == "| pass^2 | 0% (1/2 tasks) |"
    assert "| `a` | `✓✗` | 50% of 2 | 100% | 0% |" in plain(report)


def test_runs_stand_side_by_side_and_chance_is_told_from_difference() -> None:
    first = [passed(n, task="clear") for n in range(20)] + [passed(20, task="chance")]
    second = [failed(n, "s", task="clear") for n in range(30, 50)]
    second += [failed(50, "s", task="chance"), passed(51, "s", task="only here")]
    text = plain(report_on(first, second))
    assert "| task | `r` | `s` | max − min | evidence |" in text
    assert "| `clear` | 100% of 20 | 0% of 20 | **100 points** | strong evidence, p < " in text
    assert "| `chance` | 100% of 1 | 0% of 1 | 100 points | one attempt |" in text
    assert "| `only here` | – | 100% of 1 | – | – |" in text
    assert text.index("`clear` |") < text.index("`chance` |"), "what is no chance comes first"
    assert "2 with different pass rates, 1 significantly" in text


def test_a_report_holds_what_the_comparison_shows() -> None:
    """Two runs on six tasks, one of which is alike: difference, interval, p."""
    worse = [(6, 2), (5, 1), (6, 0), (4, 1), (5, 0), (3, 3)]
    first, second = (
        [
            (passed if attempt < tally[place] else failed)(
                100 * place + 10 * n + attempt, name, f"t{n}"
            )
            for n, tally in enumerate(worse)
            for attempt in range(6)
        ]
        for place, name in enumerate("rs")
    )
    report = report_on(first, second)
    text = plain(report)
    assert "| compared with `r` | shared tasks | difference by task | 95 % interval | p |" in text
    # Five that differ: two of 32 ways to turn them round go as far.
    assert row(report, "`s`") == "| `s` | 6 | -61 points | -97 to -25 | 0.062 |"
    assert "0 of 1 comparison significant (p ≤ 0.05)." in text
    assert "adjusted" not in text.partition("What the numbers mean")[0]


def checkpoints(number: int) -> list[list[dict[str, Any]]]:
    """So many runs on nine tasks of four attempts, the last of which never passes one."""
    return [
        [
            (failed if run == number - 1 else passed)(
                100 * run + 10 * task + attempt, f"s{run}", f"t{task}"
            )
            for task in range(9)
            for attempt in range(4)
        ]
        for run in range(number)
    ]


def test_of_many_runs_p_is_adjusted_and_says_for_how_many() -> None:
    names = [f"s{run}" for run in range(11)]
    text = plain(report_on(*checkpoints(11), names=names))
    assert "| 95 % interval | p | adjusted p |" in text
    assert "| `s10` | 9 | **-100 points** | – | 0.0039 | 0.039 |" in text
    assert "| `s1` | 9 | +0 points | – | 1 | 1 |" in text
    assert "1 of 10 comparisons significant (p ≤ 0.05, adjusted for 10 " in text
    assert "adjusted for 10 comparisons by Holm's method" in text
    assert "9 with different pass rates, 9 significantly" in text
    assert text.count(" **100 points** | strong evidence, p < 0.0001 |") == 9


def test_runs_without_a_task_in_common_are_not_compared() -> None:
    text = plain(report_on([passed(1, task="a")], [passed(2, "s", task="b")]))
    assert "No run shares a task with verdicts with the first run." in text


def test_scores_have_their_mean_spread_and_how_many_are_known() -> None:
    def judged(number: int, **output: object) -> dict[str, Any]:
        result = {"success": False, "message": "no", "output": output}
        return ended(number, "r", "t", result=result)

    two = [judged(1, score=0.25), judged(2, score=0.75)]
    assert row(report_on(two), "score") == "| score | 0.50 ±0.35 |"
    assert row(report_on([*two, judged(3)]), "score") == "| score | 0.50 ±0.35 (known for 2 of 3) |"
    assert "| score |" not in plain(report_on([judged(3)]))


def test_failures_are_counted_by_cause_in_each_run() -> None:
    first = [failed(n, why=f"timeout after {n} s") for n in range(3)]
    second = [failed(n, "s", why=f"timeout after {n} s") for n in (10, 11)]
    text = plain(report_on(first, second))
    cells = "| 5 | 3 | 2 +0 (-66 to +56) | 1 | fail | guessed: `timeout after # s` |"
    assert f"{cells} `✗✗✗✗✗` | – | `rol_0` |" in text


def test_settings_that_differ_are_marked_and_no_key_is_told() -> None:
    def of(model: str, **more: object) -> dict[str, object]:
        return {"model_config": {"model": model, "temperature": 0.7, "api_key": "sk-1"} | more}

    address = "https://me:secret@models.example/v1"
    first = [passed(1, **of("gpt")), passed(2, **of("gpt"))]
    second = [passed(3, "s", **of("qwen", base_url=address)), passed(4, "s", **of("llama"))]
    text = plain(report_on(first, second))
    assert "| `temperature` | `0.7` | `0.7` |" in text
    assert "| `model` ≠ | `gpt` | `qwen` (1 rollout), `llama` (1 rollout) |" in text
    assert "…@models.example" in text
    assert "sk-1" not in text
    assert "api_key" not in text
    assert "secret" not in text


def test_a_run_without_rollouts_differs_in_no_setting() -> None:
    settings = {"model_config": {"model": "gpt", "temperature": 0.5}}
    assert "≠" not in plain(report_on([passed(1, **settings)], [])).split("Settings marked")[0]


def test_a_run_without_rollouts_has_a_report_all_the_same() -> None:
    text = plain(report_on([]))
    assert "lists no rollouts" in text
    assert "No finished rollout" in text


@pytest.fixture(params=[0, 1, 2])
def hostile(request: pytest.FixtureRequest) -> Report:
    """A report in which every name of the gym's is hostile."""
    nasty = [HOSTILE[(n + request.param) % len(HOSTILE)] for n in range(len(HOSTILE))]
    first = [
        failed(n, nasty[0], task=task, why=f"{why} {n}", model_config={"model": why, why: why})
        for n, (task, why) in enumerate(zip(nasty, reversed(nasty), strict=True))
    ]
    second = [passed(n + 100, nasty[1], task=task) for n, task in enumerate(nasty)]
    return report_on(first, second, names=nasty)


class Tags(HTMLParser):
    """What a browser would see."""

    VOID = ("meta",)

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes.update(attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def test_html_holds_nothing_that_acts_or_loads(hostile: Report) -> None:
    text = html.render_html(hostile)
    tags = Tags()
    tags.feed(text)
    assert not tags.open
    assert tags.seen <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "ul", "li", "div"),
        *("table", "thead", "tbody", "tr", "th", "td", "code", "bdi", "strong", "span", "i"),
        *("svg", "g", "line", "circle", "rect", "text"),  # shapes; what refers to others is none
    }
    names = {name for name, _ in tags.attributes}
    assert not names & {"src", "href", "xlink:href", "srcset", "onerror", "onload", "action"}
    assert "default-src 'none'" in text
    assert is_clean(text, block=True)


def test_markdown_holds_nothing_that_acts_and_its_tables_stay_tables(hostile: Report) -> None:
    text = markdown.render_markdown(hostile)
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    inner = [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in (*tokens, *inner)}
    assert not kinds & {"html_block", "html_inline", "link_open", "image", "fence", "code_block"}
    tables = [block for block in hostile.blocks if isinstance(block, Table)]
    assert sum(token.type == "table_open" for token in tokens) == len(tables)
    expected = [len(t.headings) for t in tables for _ in range(len(t.rows) + 1)]
    found: list[int] = []
    for token in tokens:
        if token.type == "tr_open":
            found.append(0)
        elif token.type in ("td_open", "th_open"):
            found[-1] += 1
    assert found == expected
    assert sum(token.type == "heading_open" for token in tokens) == sum(
        isinstance(block, Heading) for block in hostile.blocks
    )
    assert is_clean(text, block=True)


@given(st.text(min_size=1, max_size=40))
def test_any_name_is_one_code_span(name: str) -> None:
    text = markdown.render_markdown(Report("t", (Paragraph(("before ", Name(name), " after")),)))
    [_, inline, _] = MarkdownIt("commonmark", {"html": True}).parse(text)
    kinds = [child.type for child in inline.children or ()]
    assert kinds == ["text", "code_inline", "text"]


def test_html_draws_the_trend_and_what_is_distributed_and_markdown_does_not() -> None:
    runs = [
        [
            (passed if number % 4 < good else failed)(
                100 * place + number, name, f"t{number // 4}", max_steps=30
            )
            for number in range(48)
        ]
        for place, (name, good) in enumerate((("p-s1000", 4), ("p-s2000", 0)))
    ]
    report = report_on(*runs, names=("p-s1000", "p-s2000"))
    page = html.render_html(report)
    assert page.count("<svg") == 3
    assert "p-s2000: pass@1 0%, 0–" in page and "-100pp against p-s1000" in page
    assert '<g class="fail"><title>p-s2000' in page and ">0% " in page and "▼</text>" in page
    assert "elapsed, known for 48 of 48 rollouts" in page
    assert "rollouts failed</title>" in page or "rollout failed</title>" in page
    assert "svg" not in plain(report) and "elapsed, known" not in plain(report)
    assert "▼ below the run before, ▲ above it" in page and 'class="base"' not in page
    page = html.render_html(report_on(*runs, names=("p-s1000", "p-s2000"), baseline="p-s2000"))
    assert "+100pp against p-s2000" in page and "▲</text>" in page and 'class="base"' in page
    assert "▼ below p-s2000, ▲ above it" in page
