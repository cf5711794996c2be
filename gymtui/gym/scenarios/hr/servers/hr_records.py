"""The `hr_records` server of the `hr` scenario: people, candidates, leave, reviews, policies."""

from typing import Annotated, Any, Literal

from pydantic import Field

from gymtui.gym.scenarios.hr.parameters import Day, Text
from gymtui.gym.tools.toolbox import ToolError
from gymtui.gym.tools.workspace import Row, Workspace

Stage = Literal[
    "applied",
    "phone_screen",
    "phone_screen_passed",
    "panel",
    "interview",
    "offer_sent",
    "offer_revised",
    "rejected",
]
Money = Annotated[int, Field(ge=0, le=1_000_000)]


def search_employees(workspace: Workspace, query: str = "") -> dict[str, Any]:
    """Return employees by part of a name, title or department; nothing finds all."""
    rows = workspace.rows(
        "SELECT employee_id, name, email, title, department FROM employees"
        " WHERE instr(lower(name || ' ' || title || ' ' || department), lower(?))",
        query,
    )
    return {"employees": rows}


def get_employee(workspace: Workspace, employee_id: str) -> Row:
    """Return an employee's record."""
    return _one(workspace, "employees", "employee_id", employee_id)


def update_employee(
    workspace: Workspace,
    employee_id: str,
    title: Text | None = None,
    level: Annotated[int, Field(ge=1, le=10)] | None = None,
    salary: Money | None = None,
) -> str:
    """Change an employee's record."""
    _one(workspace, "employees", "employee_id", employee_id)
    changes = _given(title=title, level=level, salary=salary)
    workspace.update("employees", employee_id, changes)
    return f"Record of {employee_id} updated."


def search_candidates(workspace: Workspace, query: str = "") -> dict[str, Any]:
    """Return candidates by part of a name, role or stage; nothing finds all."""
    rows = workspace.rows(
        "SELECT candidate_id, name, email, role, stage FROM candidates"
        " WHERE instr(lower(name || ' ' || role || ' ' || stage), lower(?))",
        query,
    )
    return {"candidates": rows}


def get_candidate(workspace: Workspace, candidate_id: str) -> Row:
    """Return a candidate's record, pay band and offer included."""
    return _one(workspace, "candidates", "candidate_id", candidate_id)


def update_candidate(
    workspace: Workspace,
    candidate_id: str,
    stage: Stage | None = None,
    offer_salary: Money | None = None,
    sign_on: Money | None = None,
) -> str:
    """Change a candidate's record."""
    _one(workspace, "candidates", "candidate_id", candidate_id)
    changes = _given(stage=stage, offer_salary=offer_salary, sign_on=sign_on)
    workspace.update("candidates", candidate_id, changes)
    return f"Record of {candidate_id} updated."


def search_policies(workspace: Workspace, query: str = "") -> dict[str, Any]:
    """Return the policies whose title or text holds the words; nothing finds all."""
    rows = workspace.rows(
        "SELECT policy_id, title FROM policies WHERE instr(lower(title || ' ' || body), lower(?))",
        query,
    )
    return {"policies": rows}


def read_policy(workspace: Workspace, policy_id: str) -> str:
    """Return a policy's text."""
    row = _one(workspace, "policies", "policy_id", policy_id)
    return f"{row['title']}\n\n{row['body']}"


def list_leave_requests(
    workspace: Workspace, status: Literal["pending", "approved", "denied"] = "pending"
) -> dict[str, Any]:
    """Return leave requests of a status."""
    rows = workspace.rows("SELECT * FROM leave_requests WHERE status = ?", status)
    return {"leave_requests": rows}


def decide_leave_request(
    workspace: Workspace,
    request_id: str,
    decision: Literal["approved", "denied"],
    reason: str = "",
) -> str:
    """Approve or deny a leave request that is pending, with a reason."""
    row = _one(workspace, "leave_requests", "request_id", request_id)
    if row["status"] != "pending":
        raise ToolError("already_decided", request_id=request_id, status=row["status"])
    workspace.update("leave_requests", request_id, {"status": decision, "reason": reason})
    return f"Request {request_id} {decision}."


def list_reviews(workspace: Workspace) -> dict[str, Any]:
    """Return the reviews whose rating someone proposes to change, without their justification."""
    rows = workspace.rows(
        "SELECT review_id, employee_id, reviewer, rating, proposed_rating, flagged FROM reviews"
    )
    return {"reviews": rows}


def get_review(workspace: Workspace, review_id: str) -> Row:
    """Return a review with the justification of its proposed rating."""
    return _one(workspace, "reviews", "review_id", review_id)


def flag_review(workspace: Workspace, review_id: str, reason: Text) -> str:
    """Flag a review for calibration, and say why."""
    _one(workspace, "reviews", "review_id", review_id)
    workspace.update("reviews", review_id, {"flagged": 1, "flag_reason": reason})
    return f"Review {review_id} flagged."


def add_onboarding_item(
    workspace: Workspace, employee_id: str, item: Text, due: Day
) -> dict[str, Any]:
    """Add something to be done for a new hire by a day."""
    _one(workspace, "employees", "employee_id", employee_id)
    item_id = workspace.next_id("onboarding_items", "item")
    row = {"item_id": item_id, "employee_id": employee_id, "item": item, "due": due}
    workspace.insert("onboarding_items", row)
    return {"text": f"Item {item_id} added.", "item_id": item_id}


TOOLS = (
    search_employees,
    get_employee,
    update_employee,
    search_candidates,
    get_candidate,
    update_candidate,
    search_policies,
    read_policy,
    list_leave_requests,
    decide_leave_request,
    list_reviews,
    get_review,
    flag_review,
    add_onboarding_item,
)


def _one(workspace: Workspace, table: str, column: str, key: str) -> Row:
    # Both names are constants of this module.
    row = workspace.row(f"SELECT * FROM {table} WHERE {column} = ?", key)
    if row is None:
        raise ToolError("not_found", **{column: key})
    return row


def _given(**changes: object) -> dict[str, object]:
    return {name: value for name, value in changes.items() if value is not None}
