"""The email server of the `hr` scenario."""

from typing import Any

from gymtui.gym.scenarios.hr.company import AGENT_EMAIL, DOMAIN, MONDAY, moment
from gymtui.gym.scenarios.hr.parameters import Address, Text
from gymtui.gym.tools.toolbox import ToolError
from gymtui.gym.tools.workspace import Workspace

_HEADERS = (("From", "sender"), ("To", "recipient"), ("Subject", "subject"), ("Date", "sent_at"))


def list_emails(workspace: Workspace, folder: str = "inbox") -> dict[str, Any]:
    """Return the messages of a folder without their bodies, newest first."""
    rows = workspace.rows(
        "SELECT email_id, sender, recipient, subject, sent_at FROM emails WHERE folder = ?"
        " ORDER BY sent_at DESC, email_id DESC",
        folder,
    )
    return {"folder": folder, "emails": rows}


def search_emails(workspace: Workspace, query: Text) -> dict[str, Any]:
    """Return the messages that hold the words in an address, subject or body, newest first."""
    rows = workspace.rows(
        "SELECT email_id, sender, subject, sent_at FROM emails"
        " WHERE instr(lower(sender || ' ' || subject || ' ' || body), lower(?))"
        " ORDER BY sent_at DESC, email_id DESC",
        query,
    )
    return {"query": query, "emails": rows}


def read_email(workspace: Workspace, email_id: str) -> str:
    """Return a message as text."""
    row = workspace.row("SELECT * FROM emails WHERE email_id = ?", email_id)
    if row is None:
        raise ToolError("not_found", email_id=email_id)
    head = (f"{name}: {row[key]}" for name, key in _HEADERS)
    return "\n".join([*head, "", str(row["body"])])


def send_email(workspace: Workspace, to: Address, subject: Text, body: Text) -> str:
    """Send a message to one address; one of the company that nobody has bounces."""
    known = workspace.row("SELECT 1 FROM employees WHERE email = ?", to)
    if to.endswith(f"@{DOMAIN}") and known is None:
        raise ToolError("undeliverable", address=to)
    row = {
        "email_id": workspace.next_id("emails", "msg"),
        "folder": "sent",
        "sender": AGENT_EMAIL,
        "recipient": to,
        "subject": subject,
        "body": body,
        "sent_at": moment(MONDAY, "09:00"),
    }
    workspace.insert("emails", row)
    return f"Sent to {to}."


TOOLS = (list_emails, search_emails, read_email, send_email)
