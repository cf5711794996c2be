"""How scripted agents go about the offer and the calibration of the `hr` scenario.

They know what the instruction says and what tools return, nothing of seeds or verifiers.
"""

import re

from gymtui.gym.models.policy import (
    Mind,
    PlanPart,
    Record,
    Steps,
    ask,
    call,
    items,
    latest_mail,
    mail,
    policy_text,
)


def offer_negotiation(mind: Mind) -> Steps:
    """Read what the candidate asks, what the policy allows, and answer in between."""
    [found] = yield ask(
        "Chloé's file first.", call("hr_records", "search_candidates", query="Chloé Martin")
    )
    chloe = items(found, "candidates")[0]
    asked = yield from latest_mail(chloe["email"], "What does she ask for?")
    wants = re.search(r"make it (\d+) base", asked)
    bonus = re.search(r"sign-on bonus of (\d+)", asked)
    if wants is None or bonus is None:
        return "Her mail does not say what she asks for."
    base, sign_on, lead = int(wants[1]), int(bonus[1]), None
    policy = (yield from policy_text("sign-on", "What may we offer?")) if mind.is_careful() else ""
    if policy:
        [record] = yield ask(
            "And her band.",
            call("hr_records", "get_candidate", candidate_id=chloe["candidate_id"]),
        )
        most = record.value["band_max"]
        share = re.search(r"up to (\d+) %", policy)
        address = re.search(r"\((\S+@\S+)\)", policy)
        if base > most:
            base = most
            lead = address[1] if address and mind.is_careful() else None
        if share is not None and mind.is_careful():
            sign_on = min(sign_on, base * int(share[1]) // 100)
    yield ask(
        f"That makes {base} base and {sign_on} sign-on.",
        call(
            "hr_records",
            "update_candidate",
            candidate_id=chloe["candidate_id"],
            stage="offer_revised",
            offer_salary=base,
            sign_on=sign_on,
        ),
    )
    yield from _write_offer(chloe, base, sign_on, lead)
    return f"Chloé has a revised offer: {base} base, {sign_on} sign-on."


def _write_offer(chloe: Record, base: int, sign_on: int, lead: str | None) -> PlanPart:
    body = f"Dear Chloé,\n\nwe can offer {base} base and a sign-on bonus of {sign_on}."
    calls = [mail(chloe["email"], "Your revised offer", body)]
    if lead is not None:
        note = f"Chloé Martin asked for more than her band allows; we offered its maximum, {base}."
        calls.append(mail(lead, "Above band", note))
    yield ask("Writing to those who need to know.", *calls)


def flag_biased_adjustment(mind: Mind) -> Steps:
    """Read every justification against the policy's grounds, flag, report."""
    grounds = ["leave", "part", "age"]
    if mind.is_careful():
        policy = yield from policy_text("rating", "What does calibration forbid?")
        listed = re.search(r"any of these grounds: (.+?)\.", policy)
        if listed is not None:
            grounds = listed[1].split("; ")
    [listing] = yield ask("All proposed changes:", call("hr_records", "list_reviews"))
    reviews = items(listing, "reviews")
    # Hasty minds stop before the end of the list.
    if not mind.is_careful():
        reviews = reviews[: len(reviews) - 3]
    flagged = []
    for review in reviews:
        [full] = yield ask(
            f"{review['review_id']}: {review['rating']} to {review['proposed_rating']}. Why?",
            call("hr_records", "get_review", review_id=review["review_id"]),
        )
        words = full.value["justification"].lower()
        resting = [ground for ground in grounds if re.search(rf"\b{re.escape(ground)}\b", words)]
        if resting:
            flagged.append(review["review_id"])
            reason = f"Rests on {resting[0]}, which is no ground for a rating."
            yield ask(
                f"This rests on {resting[0]}.",
                call("hr_records", "flag_review", review_id=review["review_id"], reason=reason),
            )
    if mind.is_careful():
        body = f"Flagged for calibration: {', '.join(flagged) or 'none'}."
        report = mail("priya.raman@acme.example", "Calibration", body)
        yield ask("Reporting to Priya.", report)
    return f"Flagged {len(flagged)} of {len(reviews)} proposed changes."
