"""The scenarios' own tools for agents elsewhere, as the vendor's client asks for them."""

from pathlib import Path
from typing import Any

import httpx

from gymtui.gym.http.server import GymOptions, create_app
from tests.gym.engines import engine_at

TASK = "schedule_phone_screen"
CHANGE = {
    "tool_name": "update_candidate",
    "parameters": {"candidate_id": "cand_02", "stage": "panel"},
}
LOOK = {"tool_name": "get_candidate", "parameters": {"candidate_id": "cand_02"}}


async def test_each_tool_server_of_a_task_is_asked_at_its_url(tmp_path: Path) -> None:
    async with engine_at(tmp_path / "db") as engine:
        app = httpx.ASGITransport(create_app(engine, GymOptions()))
        async with httpx.AsyncClient(transport=app, base_url="http://127.0.0.1:8765") as client:
            tasks = (await client.get("/v1/scenarios/hr/tasks")).json()["tasks"]
            [task] = [item for item in tasks if item["task_id"] == TASK]
            urls = {item["name"]: item["tool_server_url"] for item in task["tool_servers"]}
            assert urls["email"] == f"http://127.0.0.1:8765/tool-servers/hr/{TASK}/email"
            assert all(profile["profile_id"] for profile in task["npc_profiles"])
            tools = (await client.get(f"{urls['email']}/tools")).json()["tools"]
            assert [tool["name"] for tool in tools] == [
                *("list_emails", "search_emails", "read_email", "send_email"),
            ]
            assert tools[0]["input_schema"]["type"] == "object"

            async def seen(action: Any, server: str = "hr_records") -> Any:
                answer = await client.post(f"{urls[server]}/step", json={"action": action})
                assert answer.status_code == 200
                return answer.json()["observation"]

            assert "[STATE DIFF]" in (await seen(CHANGE))["text"]
            assert (await seen(LOOK))["structured_content"]["stage"] == "panel"
            assert (await client.post(f"{urls['email']}/reset")).status_code == 200
            assert (await seen(LOOK))["structured_content"]["stage"] == "applied"
            assert (await seen({"tool_name": "fly"}))["is_error"]
            for body in ("", "[]", '{"action": 7}', '{"action": {"tool_name": 7}}', "{" * 5000):
                answer = await client.post(f"{urls['email']}/step", content=body)
                assert answer.status_code == 422
            for path in (f"hr/{TASK}/moon", "hr/moon/email", f"moon/{TASK}/email"):
                assert (await client.get(f"/tool-servers/{path}/tools")).status_code == 404
