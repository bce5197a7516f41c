"""How much a report weighs: by who reports, and by how often the moderators agreed with them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from mypick.community.policy import Role

TRUST: Mapping[Role, int] = {Role.NEWCOMER: 0, Role.MEMBER: 1, Role.VIP: 2}
STAFF_TRUST = 5  # moderators and up
DECIDED_BEFORE_BONUS = 5  # reports: fewer say nothing of a person
FAIR = 0.7  # share of agreement that neither adds nor takes away
BONUS = 5.0  # at full agreement, for each power of four of decided reports
MOST_BONUS, LEAST_BONUS = 4.0, -2.0  # so that nobody's word alone hides a message, however right they were
HIDE_AT = 6.0  # weight of open reports that takes a message from view: three members, or one moderator


def weight_of(role: Role, agreed: int, disagreed: int) -> float:
    """The weight of one report: ``1 + trust + accuracy``, at least 0.

    The form, and its numbers but for the bounds of the bonus, are those of Discourse's score of a flag
    (``app/models/reviewable_score.rb``): trust 0 to 4 by level and 5 for staff, and an accuracy that counts only after
    five decided flags.
    """
    return max(0.0, 1.0 + TRUST.get(role, STAFF_TRUST) + accuracy(agreed, disagreed))


def accuracy(agreed: int, disagreed: int) -> float:
    """What a record adds or takes away, between ``LEAST_BONUS`` and ``MOST_BONUS``; 0 while too little is decided."""
    decided = agreed + disagreed
    if decided <= DECIDED_BEFORE_BONUS:
        return 0.0
    share = agreed / decided
    distance = (share - FAIR) / (1.0 - FAIR) if share > FAIR else (share - FAIR) / FAIR
    return min(MOST_BONUS, max(LEAST_BONUS, distance * math.log(decided, 4) * BONUS))
