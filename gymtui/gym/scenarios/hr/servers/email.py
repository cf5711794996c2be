"""The email server of the `hr` scenario."""

from typing import Annotated, Any

from pydantic import Field

from gymtui.gym.scenarios.hr.company import AGENT_EMAIL, DOMAIN, MONDAY, moment
from gymtui.gym.scenarios.hr.parameters import Address
from gymtui.gym.tools.toolbox import Parameters, Tool, ToolError
from gymtui.gym.tools.workspace import Workspace


class ListEmails(Parameters):
    """Which folder."""

    folder: str = "inbox"


def list_emails(workspace: Workspace, given: ListEmails) -> dict[str, Any]:
    """Return the messages of a folder without their bodies, newest first."""
    rows = workspace.rows(
        "SELECT email_id, sender, recipient, subject, sent_at FROM emails WHERE folder = ?"
        " ORDER BY sent_at DESC, email_id DESC",
        given.folder,
    )
    return {"folder": given.folder, "emails": rows}


class SearchEmails(Parameters):
    """Words to look for in addresses, subjects and bodies."""

    query: Annotated[str, Field(min_length=1)]


def search_emails(workspace: Workspace, given: SearchEmails) -> dict[str, Any]:
    """Return the messages that hold the words, newest first."""
    rows = workspace.rows(
        "SELECT email_id, sender, subject, sent_at FROM emails"
        " WHERE instr(lower(sender || ' ' || subject || ' ' || body), lower(?))"
        " ORDER BY sent_at DESC, email_id DESC",
        given.query,
    )
    return {"query": given.query, "emails": rows}


class ReadEmail(Parameters):
    """Which message."""

    email_id: str


def read_email(workspace: Workspace, given: ReadEmail) -> str:
    """Return a message as text."""
    row = workspace.row("SELECT * FROM emails WHERE email_id = ?", given.email_id)
    if row is None:
        raise ToolError("not_found", email_id=given.email_id)
    head = (f"{name}: {row[key]}" for name, key in HEADERS)
    return "\n".join([*head, "", str(row["body"])])


HEADERS = (("From", "sender"), ("To", "recipient"), ("Subject", "subject"), ("Date", "sent_at"))


class SendEmail(Parameters):
    """A message to one address."""

    to: Address
    subject: Annotated[str, Field(min_length=1)]
    body: Annotated[str, Field(min_length=1)]


def send_email(workspace: Workspace, given: SendEmail) -> str:
    """Send a message; an address of the company that nobody has bounces."""
    known = workspace.row("SELECT 1 FROM employees WHERE email = ?", given.to)
    if given.to.endswith(f"@{DOMAIN}") and known is None:
        raise ToolError("undeliverable", address=given.to)
    email_id = workspace.next_id("emails", "msg")
    row = {
        "email_id": email_id,
        "folder": "sent",
        "sender": AGENT_EMAIL,
        "recipient": given.to,
        "subject": given.subject,
        "body": given.body,
        "sent_at": moment(MONDAY, "09:00"),
    }
    workspace.insert("emails", row)
    return f"Sent to {given.to}."


TOOLS: tuple[Tool[Any], ...] = (
    Tool("email", "list_emails", "List a folder's messages", ListEmails, list_emails),
    Tool("email", "search_emails", "Search all messages", SearchEmails, search_emails),
    Tool("email", "read_email", "Read one message", ReadEmail, read_email),
    Tool("email", "send_email", "Send a message", SendEmail, send_email),
)
