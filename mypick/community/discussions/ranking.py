"""Pure rules of order. Ranks are whole numbers that stand in columns, so that a page is a scan of an index."""

from __future__ import annotations

import math
from datetime import datetime

HOT_SECONDS = 45_000  # 12.5 hours: a post that much younger needs a tenth of the score
HOT_EPOCH = 1_134_028_003  # Unix seconds from which age is counted, as in the source
_HOT_UNIT = 10_000_000  # steps of the column in one power of ten

# Of the standard normal distribution: the bound holds with a confidence of 80 %, two-sided
WILSON_Z = 1.281551565545
_BEST_UNIT = 1_000_000_000


def hot(score: int, created_at: datetime) -> int:
    """Each tenfold score counts as much as being 12.5 hours younger; a negative score pulls down alike. It does not
    change with time, so it need not be counted anew.

    Source: ``hot`` in the ranking code that Reddit published in 2008 (``r2/lib/db/_sorts.pyx``)."""
    order = math.log10(max(abs(score), 1))
    sign = (score > 0) - (score < 0)
    seconds = created_at.timestamp() - HOT_EPOCH
    return round((sign * order + seconds / HOT_SECONDS) * _HOT_UNIT)


def best(ups: int, downs: int) -> int:
    """The share of votes up that many more votes would still show with 80 % confidence, in billionths; 0 without votes.
    So one vote of one does not stand above ninety of a hundred.

    Source: lower bound of E. B. Wilson's score interval, "Probable inference, the law of succession, and statistical
    inference", Journal of the American Statistical Association 22 (1927)."""
    votes = ups + downs
    if votes == 0:
        return 0
    share, z2 = ups / votes, WILSON_Z * WILSON_Z
    middle = share + z2 / (2 * votes)
    spread = WILSON_Z * math.sqrt((share * (1 - share) + z2 / (4 * votes)) / votes)
    return round(max(0.0, (middle - spread) / (1 + z2 / votes)) * _BEST_UNIT)
