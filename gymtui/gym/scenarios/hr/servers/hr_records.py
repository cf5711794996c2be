"""The `hr_records` server of the `hr` scenario: people, candidates, leave, reviews, policies."""

from typing import Annotated, Any, Literal

from pydantic import Field

from gymtui.gym.scenarios.hr.parameters import Day
from gymtui.gym.tools.toolbox import Parameters, Tool, ToolError
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
Text = Annotated[str, Field(min_length=1)]
Money = Annotated[int, Field(ge=0, le=1_000_000)]


def _one(workspace: Workspace, table: str, column: str, key: str) -> Row:
    # Both names are constants of this module.
    row = workspace.row(f"SELECT * FROM {table} WHERE {column} = ?", key)  # noqa: S608
    if row is None:
        raise ToolError("not_found", **{column: key})
    return row


class Query(Parameters):
    """Part of a name, title, role or department; nothing finds all."""

    query: str = ""


def search_employees(workspace: Workspace, given: Query) -> dict[str, Any]:
    """Return employees whose record holds the words."""
    rows = workspace.rows(
        "SELECT employee_id, name, email, title, department FROM employees"
        " WHERE instr(lower(name || ' ' || title || ' ' || department), lower(?))",
        given.query,
    )
    return {"employees": rows}


class EmployeeId(Parameters):
    """Which employee."""

    employee_id: str


def get_employee(workspace: Workspace, given: EmployeeId) -> Row:
    """Return an employee's record."""
    return _one(workspace, "employees", "employee_id", given.employee_id)


class UpdateEmployee(Parameters):
    """What changes about an employee."""

    employee_id: str
    title: Text | None = None
    level: Annotated[int, Field(ge=1, le=10)] | None = None
    salary: Money | None = None


def update_employee(workspace: Workspace, given: UpdateEmployee) -> str:
    """Change an employee's record."""
    _one(workspace, "employees", "employee_id", given.employee_id)
    changes = given.model_dump(exclude={"employee_id"}, exclude_none=True)
    workspace.update("employees", given.employee_id, changes)
    return f"Record of {given.employee_id} updated."


def search_candidates(workspace: Workspace, given: Query) -> dict[str, Any]:
    """Return candidates whose record holds the words."""
    rows = workspace.rows(
        "SELECT candidate_id, name, email, role, stage FROM candidates"
        " WHERE instr(lower(name || ' ' || role || ' ' || stage), lower(?))",
        given.query,
    )
    return {"candidates": rows}


class CandidateId(Parameters):
    """Which candidate."""

    candidate_id: str


def get_candidate(workspace: Workspace, given: CandidateId) -> Row:
    """Return a candidate's record, pay band and offer included."""
    return _one(workspace, "candidates", "candidate_id", given.candidate_id)


class UpdateCandidate(Parameters):
    """What changes about a candidate."""

    candidate_id: str
    stage: Stage | None = None
    offer_salary: Money | None = None
    sign_on: Money | None = None


def update_candidate(workspace: Workspace, given: UpdateCandidate) -> str:
    """Change a candidate's record."""
    _one(workspace, "candidates", "candidate_id", given.candidate_id)
    changes = given.model_dump(exclude={"candidate_id"}, exclude_none=True)
    workspace.update("candidates", given.candidate_id, changes)
    return f"Record of {given.candidate_id} updated."


def search_policies(workspace: Workspace, given: Query) -> dict[str, Any]:
    """Return the policies whose title or text holds the words."""
    rows = workspace.rows(
        "SELECT policy_id, title FROM policies WHERE instr(lower(title || ' ' || body), lower(?))",
        given.query,
    )
    return {"policies": rows}


class PolicyId(Parameters):
    """Which policy."""

    policy_id: str


def read_policy(workspace: Workspace, given: PolicyId) -> str:
    """Return a policy's text."""
    row = _one(workspace, "policies", "policy_id", given.policy_id)
    return f"{row['title']}\n\n{row['body']}"


class LeaveStatus(Parameters):
    """Requests of which status."""

    status: Literal["pending", "approved", "denied"] = "pending"


def list_leave_requests(workspace: Workspace, given: LeaveStatus) -> dict[str, Any]:
    """Return leave requests of a status."""
    rows = workspace.rows("SELECT * FROM leave_requests WHERE status = ?", given.status)
    return {"leave_requests": rows}


class DecideLeave(Parameters):
    """A decision on a leave request, with its reason."""

    request_id: str
    decision: Literal["approved", "denied"]
    reason: str = ""


def decide_leave_request(workspace: Workspace, given: DecideLeave) -> str:
    """Approve or deny a leave request that is pending."""
    row = _one(workspace, "leave_requests", "request_id", given.request_id)
    if row["status"] != "pending":
        raise ToolError("already_decided", request_id=given.request_id, status=row["status"])
    changes = {"status": given.decision, "reason": given.reason}
    workspace.update("leave_requests", given.request_id, changes)
    return f"Request {given.request_id} {given.decision}."


def list_reviews(workspace: Workspace, given: Parameters) -> dict[str, Any]:
    """Return the reviews whose rating someone proposes to change, without their justification."""
    rows = workspace.rows(
        "SELECT review_id, employee_id, reviewer, rating, proposed_rating, flagged FROM reviews"
    )
    return {"reviews": rows}


class ReviewId(Parameters):
    """Which review."""

    review_id: str


def get_review(workspace: Workspace, given: ReviewId) -> Row:
    """Return a review with the justification of its proposed rating."""
    return _one(workspace, "reviews", "review_id", given.review_id)


class FlagReview(Parameters):
    """Which review is flagged, and why."""

    review_id: str
    reason: Text


def flag_review(workspace: Workspace, given: FlagReview) -> str:
    """Flag a review for calibration."""
    _one(workspace, "reviews", "review_id", given.review_id)
    workspace.update("reviews", given.review_id, {"flagged": 1, "flag_reason": given.reason})
    return f"Review {given.review_id} flagged."


class OnboardingItem(Parameters):
    """Something to be done for a new hire by a day."""

    employee_id: str
    item: Text
    due: Day


def add_onboarding_item(workspace: Workspace, given: OnboardingItem) -> dict[str, Any]:
    """Add an item to someone's onboarding."""
    _one(workspace, "employees", "employee_id", given.employee_id)
    item_id = workspace.next_id("onboarding_items", "item")
    workspace.insert("onboarding_items", {"item_id": item_id, **given.model_dump()})
    return {"text": f"Item {item_id} added.", "item_id": item_id}


SERVER = "hr_records"
TOOLS: tuple[Tool[Any], ...] = (
    Tool(SERVER, "search_employees", "Find employees", Query, search_employees),
    Tool(SERVER, "get_employee", "An employee's record", EmployeeId, get_employee),
    Tool(SERVER, "update_employee", "Change an employee", UpdateEmployee, update_employee),
    Tool(SERVER, "search_candidates", "Find candidates", Query, search_candidates),
    Tool(SERVER, "get_candidate", "A candidate's record", CandidateId, get_candidate),
    Tool(SERVER, "update_candidate", "Change a candidate", UpdateCandidate, update_candidate),
    Tool(SERVER, "search_policies", "Find policies", Query, search_policies),
    Tool(SERVER, "read_policy", "A policy's text", PolicyId, read_policy),
    Tool(SERVER, "list_leave_requests", "Leave requests", LeaveStatus, list_leave_requests),
    Tool(SERVER, "decide_leave_request", "Decide on leave", DecideLeave, decide_leave_request),
    Tool(SERVER, "list_reviews", "Proposed rating changes", Parameters, list_reviews),
    Tool(SERVER, "get_review", "A proposed change in full", ReviewId, get_review),
    Tool(SERVER, "flag_review", "Flag a proposed change", FlagReview, flag_review),
    Tool(SERVER, "add_onboarding_item", "Add to onboarding", OnboardingItem, add_onboarding_item),
)
