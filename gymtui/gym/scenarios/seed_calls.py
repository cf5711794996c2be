"""What a task seeds into tool servers elsewhere, by the calls that the vendor's client makes.

Those of its own get the task itself (`code.Make`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gymtui.gym.tools.toolbox import Call

EMAIL_SERVERS = ("email", "email-env")  # the vendor's names of the one that takes `send_email`
NOWHERE = "unknown.com"


def seed_calls(
    content: Mapping[str, Any], npcs: Sequence[Mapping[str, Any]], server: str
) -> Iterator[Call]:
    """Return the calls that seed a server; none for one that is no email server."""
    if server not in EMAIL_SERVERS:
        return
    addresses = {npc.get("profile_id"): npc.get("email") for npc in npcs}
    for email in content.get("seed_emails", ()):
        sender = str(email.get("from_profile_id", ""))
        known = sender if "@" in sender else f"{sender}@{NOWHERE}"
        parameters = {
            "from_email": addresses.get(sender) or known,
            "to": email.get("to_addr", ""),
            "subject": email.get("subject", ""),
            "body": email.get("body_text", ""),
        }
        if email.get("body_html"):
            parameters["body_html"] = email["body_html"]
        yield Call(server, "send_email", parameters)
