"""What the key may not see is marked there, wherever one meets it, until it is answered."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.tui.scripted import ScriptedGym, scripted_dashboard

WHY = "forbidden: the gym answers 403 for this run's rollouts; retry in "


def gym_with(*outcomes: str) -> ScriptedGym:
    gym = ScriptedGym()
    gym.add("theirs", "t1", *outcomes)
    gym.add("ours", "t1", "pass", "running")
    gym.forbidden.add("theirs")
    return gym


@pytest.mark.parametrize("outcomes", [("running", "waiting"), ("pass", "fail")])
@pytest.mark.parametrize("size", [(60, 24), (120, 36)])
async def test_the_run_is_marked_in_the_list_and_in_its_own_screens_until_it_is_answered(
    tmp_path: Path, outcomes: tuple[str, ...], size: tuple[int, int]
) -> None:
    gym = gym_with(*outcomes)
    async with scripted_dashboard(gym, tmp_path, size=size) as person:
        shown = await person.sees("theirs", "  forbidden ", "ours", "● live")
        assert shown.count("forbidden") == 1
        await person.press("slash", *"forbidden:", "enter")
        await person.sees("theirs")
        await person.sees_no("ours")
        await person.press("enter")
        await person.sees("theirs  forbidden", WHY[: size[0] - 4], "● live")
        await person.press("m")
        await person.sees("matrix  forbidden" if size[0] > 60 else "matrix", WHY[: size[0] - 4])
        gym.forbidden.clear()
        await person.press("ctrl+r")
        await person.sees_no("forbidden")
        await person.press("q")
        await person.sees("theirs.001")
        await person.sees_no("forbidden")
        await person.press("q", "escape")
        await person.sees("theirs", "ours")
        await person.sees_no("forbidden")


async def test_rollouts_that_were_seen_before_stay_with_the_mark_beside_them(
    tmp_path: Path,
) -> None:
    gym = gym_with("running")
    gym.forbidden.clear()
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("theirs")
        await person.press("slash", *"theirs", "enter", "enter")
        await person.sees("theirs.001")
        gym.forbidden.add("theirs")
        await person.sees("theirs  forbidden", "theirs.001", WHY[:60])
        await person.press("enter")
        await person.sees("theirs  forbidden › theirs.001")


async def test_of_what_could_not_be_read_nothing_is_said_not_to_have_failed(tmp_path: Path) -> None:
    gym = gym_with("pass")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("theirs", "  forbidden ")
        await person.press("slash", *"theirs", "enter", "m")
        shown = await person.sees("matrix  forbidden", WHY[:60])
        assert shown.count("not known yet") == 2, "neither tasks nor failures"
        assert "no failures" not in shown
        assert "no rollouts" not in shown
        gym.forbidden.clear()
        await person.press("ctrl+r")
        await person.sees("1/1 done", "no failures")


async def test_a_run_that_could_not_be_read_differs_in_nothing_known(tmp_path: Path) -> None:
    gym = gym_with("pass")
    for rollout in gym.runs["ours"]:
        rollout["model_config"] = {"model": "m", "temperature": 0.5}
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("theirs", "  forbidden ", "ours", "100%")
        await person.press("home", "space", "down", "space", "C")
        shown = await person.sees("compare 2 runs", "none comparable yet", "100%")
        assert "no known settings differ" in shown
        assert "0 differ" not in shown
        await person.press("escape", "m")
        await person.sees("matrix of 2 runs", "none comparable yet")
        gym.forbidden.clear()
        await person.press("ctrl+r")
        await person.sees("0 differ")


async def test_the_list_of_all_that_runs_says_how_many_runs_it_may_not_see(tmp_path: Path) -> None:
    gym = gym_with("running")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("  forbidden ")
        await person.press("a")
        await person.sees("active rollouts", "1 run forbidden", "● live")
        gym.forbidden.clear()
        await person.press("ctrl+r")
        await person.sees_no("forbidden")


async def test_a_form_made_from_it_says_so(tmp_path: Path) -> None:
    async with scripted_dashboard(gym_with("pass"), tmp_path) as person:
        await person.sees("  forbidden ")
        await person.press("slash", *"theirs", "enter", "N")
        await person.sees("theirs  forbidden › launch like it", WHY)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (("enter", "enter"), "theirs  this run was deleted › theirs.001"),
        (("enter", "space", "down", "space", "C"), "theirs.001  this run was deleted with theirs"),
        (("N",), "theirs  this run was deleted › launch like it"),
        (("m",), "matrix  this run was deleted"),
    ],
)
async def test_every_screen_of_a_run_that_was_deleted_elsewhere_says_so(
    tmp_path: Path, keys: tuple[str, ...], words: str
) -> None:
    gym = gym_with("pass", "pass")
    gym.forbidden.clear()
    for rollout in gym.runs["theirs"]:
        gym.artifacts[rollout["rollout_id"]] = {"messages": [{"role": "user", "content": "hi"}]}
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("theirs")
        await person.press("slash", *"theirs", "enter")
        await person.sees_no("ours")
        for key in keys:
            await person.press(key)
            await person.until(lambda: person.app.screen.focused is not None)
            await person.sees("theirs")
        del gym.runs["theirs"]
        await person.sees(words)


async def test_forbidden_artifacts_concern_that_transcript_alone(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("ours", "t1", "pass", "pass")
    gym.artifacts["ours.002"] = {"messages": [{"role": "user", "content": "hello there"}]}
    gym.forbidden.add("ours.001")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("ours")
        await person.press("enter")
        await person.sees("ours.001")
        await person.press("enter")
        await person.sees("artifacts: forbidden (403): not yours · ctrl+r retries", "● live")
        await person.press("right_square_bracket")
        await person.sees("hello there")


@pytest.mark.fair_part(2)
@pytest.mark.parametrize(
    ("status", "body", "line"),
    [
        (200, "<html>Sign in</html>", "the answer is a web page, not the gym's: a proxy or login"),
        (403, "<p>Blocked", "the answer is a web page (403), not the gym's: a proxy or login"),
        (200, "", "the answer is empty: a proxy or login page in between?"),
        (407, "", "a proxy requires a login (407)"),
        (511, "<p>Log in", "the network requires a login (511)"),
        (302, "", "redirected to https://portal.example, a proxy or login page? not followed"),
    ],
)
async def test_something_in_between_is_told_and_it_recovers_alone(
    tmp_path: Path, status: int, body: str, line: str
) -> None:
    gym = Portal()
    gym.add("ours", "t1", "running")
    async with scripted_dashboard(gym, tmp_path, size=(80, 24)) as person:
        await person.sees("ours", "● live")
        gym.instead = httpx.Response(
            status, text=body, headers={"Location": "https://portal.example/login"}
        )
        await person.sees(line)
        assert "ours" in person.screen()
        gym.instead = None
        await person.sees_no(line)
        await person.sees("● live", "ours")


class Portal(ScriptedGym):
    """A gym with something before it."""

    instead: httpx.Response | None = None

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What is in between, or the gym."""
        if self.instead is None:
            return super().answer(request)
        instead = self.instead
        return httpx.Response(instead.status_code, text=instead.text, headers=instead.headers)
