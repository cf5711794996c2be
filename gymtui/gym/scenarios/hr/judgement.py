"""Tasks of the `hr` scenario that want judgement: an offer and a calibration."""

from random import Random

from gymtui.gym.scenarios.base import Facts, Finding, check
from gymtui.gym.scenarios.hr.company import PEOPLE, add_email, address, moment, sent_to
from gymtui.gym.tools.workspace import Workspace

CHLOE, CHLOE_EMAIL = "cand_04", address("Chloé Martin", domain="mail.example")
GRACE, PRIYA = address("Grace Okafor"), address("Priya Raman")

# -- offer_negotiation -------------------------------------------------------------------------

OFFER_POLICY = (
    "A base salary may be raised up to the maximum of the role's band, never beyond.\n"
    "A sign-on bonus may be up to 10 % of the base salary that is offered.\n"
    "When a candidate asks for more base than the band allows, offer the maximum and let the"
    f" Compensation Lead know by email ({GRACE}); otherwise leave them out of it.\n"
    "The candidate gets an email with the new base salary."
)


def seed_offer(workspace: Workspace, random: Random) -> Facts:
    """A candidate asks for more, within the band or beyond it, and for a sign-on bonus."""
    policy = {"policy_id": "pol_offers", "title": "Offers and bands", "body": OFFER_POLICY}
    workspace.insert("policies", policy)
    candidate = workspace.row("SELECT * FROM candidates WHERE candidate_id = ?", CHLOE) or {}
    most = candidate["band_max"]
    asked = random.choice((most - 4000, most - 2000, most + 3000, most + 6000))
    sign_on = random.choice((6000, 8000, 12000, 15000))
    body = (
        "Hello,\n\nthank you for the offer, I am happy about it. Before I sign: could you make it"
        f" {asked} base? And I would need a sign-on bonus of {sign_on} for the move.\n\nChloé"
    )
    add_email(workspace, CHLOE_EMAIL, "Your offer", body, sent_at=moment("2026-03-15", "19:12"))
    base = min(asked, most)
    return {"base": base, "sign_on": min(sign_on, base // 10), "beyond": asked > most}


def verify_offer(workspace: Workspace, facts: Facts) -> list[Finding]:
    """The record holds what the policy allows; the right people know, and only they."""
    row = workspace.row("SELECT * FROM candidates WHERE candidate_id = ?", CHLOE) or {}
    base, sign_on = facts["base"], facts["sign_on"]
    to_grace = bool(sent_to(workspace, GRACE))
    return [
        check(
            "base salary",
            row.get("offer_salary") == base,
            f"Wrong: offered base is {row.get('offer_salary')}, policy says {base}",
        ),
        check(
            "sign-on bonus",
            row.get("sign_on") == sign_on,
            f"Wrong: sign-on is {row.get('sign_on')}, policy says {sign_on}",
        ),
        check(
            "stage recorded",
            row.get("stage") == "offer_revised",
            "Missing: stage offer_revised for Chloé Martin",
        ),
        check(
            "candidate told the base salary",
            any(str(base) in text for text in sent_to(workspace, CHLOE_EMAIL)),
            "Missing: email to candidate with the revised base",
        ),
        check(
            "Compensation Lead told if, and only if, beyond the band",
            to_grace == facts["beyond"],
            "Missing: email to Compensation Lead about the band"
            if facts["beyond"]
            else "Wrong: Compensation Lead was written to within the band",
        ),
    ]


# -- flag_biased_adjustment --------------------------------------------------------------------

CALIBRATION_POLICY = (
    "A rating is about results and behaviour at work. Flag a proposed change whose justification"
    " rests on any of these grounds: parental leave; sick leave; part-time hours; age; accent;"
    " caring for a relative.\n"
    "Do not flag a change that only mentions them, or that rests on the work itself.\n"
    "Report the ids of flagged reviews to the HR Business Partner in one email."
)
BIASED = (
    "Solid work, but with the parental leave in summer the year was only half a year.",
    "Good results. Given the part-time hours I do not see the commitment of a 4.",
    "At that age one should not expect much further growth.",
    "Was away on sick leave twice, which cost the team predictability.",
    "Caring for a relative takes the focus away; a 3 is fairer to the others.",
    "Clients find the accent hard to follow, so the communication rating goes down.",
)
FAIR = (
    "Missed the release deadline twice and did not warn anyone.",
    "The migration shipped late; I leave the details to the attached notes.",
    "Code reviews were thin, and three defects reached production.",
    "Plans to leave the on-call rota were not agreed with the team.",
    "Did less than planned on the average sprint; the manager of the project agrees.",
    "The storage rewrite is unfinished, and the page rota had gaps.",
    "Part of the roadmap was dropped without telling the stakeholders.",
    "Did not follow up on the incident review, though reminded.",
)
"""Some hold words of the policy's grounds (leave, age, part) and have nothing to do with them."""


def seed_calibration(workspace: Workspace, random: Random) -> Facts:
    """Proposed changes, most of them fair, one to three of them resting on what is no ground."""
    policy = {"policy_id": "pol_calibration", "title": "Calibration", "body": CALIBRATION_POLICY}
    workspace.insert("policies", policy)
    biased = random.sample(BIASED, random.choice((1, 2, 2, 3)))
    texts = [*biased, *random.sample(FAIR, 7 - len(biased))]
    random.shuffle(texts)
    engineers = [
        f"emp_{number:02}"
        for number, person in enumerate(PEOPLE, 1)
        if person[2] == "Engineering" and person[5] is not None
    ]
    flagged = []
    for number, text in enumerate(texts, 1):
        review_id = f"rev_{number:02}"
        row = {
            "review_id": review_id,
            "employee_id": engineers[number % len(engineers)],
            "reviewer": "Marcus Oyelaran",
            "rating": 4,
            "proposed_rating": 3,
            "justification": text,
            "flagged": 0,
            "flag_reason": "",
        }
        workspace.insert("reviews", row)
        if text in biased:
            flagged.append(review_id)
    return {"flagged": flagged}


def verify_calibration(workspace: Workspace, facts: Facts) -> list[Finding]:
    """Exactly the biased ones flagged, and reported."""
    rows = workspace.rows("SELECT review_id FROM reviews WHERE flagged = 1")
    flagged = {row["review_id"] for row in rows}
    wanted = set(facts["flagged"])
    missed, surplus = sorted(wanted - flagged), sorted(flagged - wanted)
    reports = sent_to(workspace, PRIYA)
    reported = any(all(review_id in text for review_id in wanted) for text in reports)
    return [
        check("biased changes flagged", not missed, f"Missing: flag on {', '.join(missed)}"),
        check("fair changes left alone", not surplus, f"Wrong: flag on {', '.join(surplus)}"),
        check("reported", reported, "Missing: report of the flagged reviews to Priya Raman"),
    ]
