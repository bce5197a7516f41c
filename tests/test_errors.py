"""Error codes: one meaning each, as the wire names them."""

from __future__ import annotations

import pytest

from mypick.errors import Code, DomainError, invalid, not_found

ON_THE_WIRE = [
    "UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "INVALID", "TOO_LARGE", "CONFLICT", "CID_REUSED",
    "RATE_LIMITED", "SLOW_MODE", "NOT_MEMBER", "BANNED", "TIMED_OUT", "LOCKED", "MEMBERS_ONLY",
    "FOLLOW_AGE", "DUPLICATE_TEXT", "BLOCKED", "GONE", "FULL", "UPSTREAM_FAILED", "QUOTA_EXHAUSTED",
    "UNAVAILABLE", "INTERNAL",
]  # fmt: skip


def test_codes_are_those_of_the_wire() -> None:
    assert [code.name for code in Code] == ON_THE_WIRE


@pytest.mark.parametrize("code", Code, ids=lambda code: code.name)
def test_each_code_has_a_status_and_a_meaning_of_its_own(code: Code) -> None:
    assert 400 <= code.status < 600
    assert code.text
    assert [other for other in Code if other.text == code.text] == [code]


def test_error_shows_its_message_and_only_the_details_that_it_has() -> None:
    assert DomainError(Code.FULL).body() == {"code": "FULL", "message": Code.FULL.text}
    assert not_found("creator").body() == {"code": "NOT_FOUND", "message": "there is no such creator"}
    assert invalid("too long", field="name").body() == {
        "code": "INVALID",
        "message": "too long",
        "details": [{"field": "name", "message": "too long"}],
    }
    assert "retry_after_ms" not in DomainError(Code.FULL, retry_after_ms=5).body()
