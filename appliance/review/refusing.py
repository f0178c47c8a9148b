"""Why policy does not let a contract out, as sentences: for the form, for sending, and for each signature."""

from __future__ import annotations

from appliance.policy.rules import ReviewRequirement
from appliance.review.review_status import ReviewStatus

UNCHECKED = "The content of this contract has not been checked; open the step “Check and send”."
INCOMPLETE = "The content check of this contract is not passed; open findings: {count}."
UNSIGNED = "Contracts of this type go out only after a reviewer has signed the content check off."


def refusal_of(standing: ReviewStatus) -> tuple[str, dict[str, object]] | None:
    """A sentence (message id) with its values, or None when the contract may go out."""
    if standing.cleared:
        return None
    if standing.check is None:
        return UNCHECKED, {}
    if standing.open and standing.wanted is not ReviewRequirement.NOTHING:
        return INCOMPLETE, {"count": len(standing.open)}
    return UNSIGNED, {}
