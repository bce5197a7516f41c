"""Who may do what: every role, every action, every role of whom it is done to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from mypick.community import policy
from mypick.community.policy import LOWEST, ON_PEOPLE, Action, Role, Standing
from mypick.community.terms.commands import SetTerm
from mypick.db import Database
from mypick.errors import DomainError
from tests.community.deeds import tried, tried_alone
from tests.community.stage import cid, community, nodes
from tests.fakes import FakeClock

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROLES = [role.word for role in Role]

# The table once more, as a person would write it: a change of the code that nobody meant shows here.
TABLE = """
SEND         newcomer member vip moderator manager owner admin
REACT        newcomer member vip moderator manager owner admin
REPORT       newcomer member vip moderator manager owner admin
LINK                  member vip moderator manager owner admin
FLOOD                 member vip moderator manager owner admin
MENTION               member vip moderator manager owner admin
SKIP_SLOW                    vip moderator manager owner admin
SKIP_MODE                        moderator manager owner admin
SKIP_TERMS                       moderator manager owner admin
DELETE                           moderator manager owner admin
PIN                              moderator manager owner admin
TIMEOUT                          moderator manager owner admin
BAN                              moderator manager owner admin
REMOVE                           moderator manager owner admin
PURGE                            moderator manager owner admin
DECIDE_HELD                      moderator manager owner admin
READ_HELD                        moderator manager owner admin
DECIDE_REPORTS                   moderator manager owner admin
DECIDE_OWN_REPORTS                                 owner admin
READ_LOG                         moderator manager owner admin
READ_TERMS                       moderator manager owner admin
READ_DESK                        moderator manager owner admin
READ_SANCTIONS                   moderator manager owner admin
DECIDE_REQUESTS                  moderator manager owner admin
DECIDE_APPEALS                   moderator manager owner admin
ENTER_STAFF                      moderator manager owner admin
SET_MODE                                   manager owner admin
SET_TERMS                                  manager owner admin
SET_ROLE                                   manager owner admin
DISCUSS      newcomer member vip moderator manager owner admin
VOTE         newcomer member vip moderator manager owner admin
VOTE_DOWN             member vip moderator manager owner admin
DELETE_POST                      moderator manager owner admin
LOCK_DISCUSSION                  moderator manager owner admin
PIN_DISCUSSION                   moderator manager owner admin
INVITE                                     manager owner admin
SET_ROOMS                                  manager owner admin
SETTINGS                                   manager owner admin
TRANSFER                                           owner admin
DECIDE_CLAIMS                                            admin
"""
NO_DEED = {Action.LINK, Action.MENTION, Action.SKIP_SLOW, Action.SKIP_MODE}  # ways of sending, tried in test_messages
MAY = {line.split()[0]: set(line.split()[1:]) for line in TABLE.strip().splitlines()}


def test_the_table_says_what_was_meant() -> None:
    assert {action.name: {role.word for role in Role if policy.may(role, action)} for action in Action} == MAY
    assert set(LOWEST) == set(Action)


@pytest.mark.parametrize("action", Action, ids=lambda action: action.name)
def test_every_cell_is_allowed_or_refused_with_its_reason(action: Action) -> None:
    for role, target in product(Role, [None, *Role]):
        if (target is not None) is not (action in ON_PEOPLE):
            with pytest.raises(TypeError):
                policy.require(_standing(role), action, None if target is None else _standing(target))
            continue
        allowed = role.word in MAY[action.name] and (target is None or role > target)
        if allowed:
            policy.require(_standing(role), action, None if target is None else _standing(target))
        else:
            with pytest.raises(DomainError, match="FORBIDDEN"):
                policy.require(_standing(role), action, None if target is None else _standing(target))
        if target is not None:
            assert policy.may_to(role, action, target) is allowed


def _standing(role: Role) -> Standing:
    return Standing(1, role, member=True)


def test_newcomers_become_members_after_twelve_hours() -> None:
    fresh, old = NOW - timedelta(hours=11, minutes=59), NOW - timedelta(hours=12)
    assert policy.role_of("fan", None, None, NOW) is Role.NEWCOMER
    assert policy.role_of("fan", Role.MEMBER, fresh, NOW) is Role.NEWCOMER
    assert policy.role_of("fan", Role.MEMBER, old, NOW) is Role.MEMBER
    assert policy.role_of("fan", Role.VIP, fresh, NOW) is Role.VIP
    assert policy.role_of("moderator", None, None, NOW) is Role.MODERATOR
    assert policy.role_of("moderator", Role.OWNER, fresh, NOW) is Role.OWNER
    assert policy.role_of("admin", None, None, NOW) is Role.ADMIN


def test_documentation_has_the_table() -> None:
    document = Path(__file__).parents[2] / "docs" / "community.md"
    assert policy.table() in document.read_text("utf-8"), "copy what policy.table() gives into docs/community.md"


async def test_services_obey_every_cell(sqlite_database: Database, clock: FakeClock) -> None:
    """Every role tries every deed on every role, through the services that both doors call."""
    async with nodes(clock, "a") as (node,):
        actors = {f"by-{role.word}": role for role in Role}
        targets = {f"to-{role.word}": role for role in Role}
        cast = await community(node, clock, *actors, *targets, roles={**actors, **targets})
        for (name, role), (target_name, target) in product(actors.items(), targets.items()):
            for action in ON_PEOPLE:
                allowed = role.word in MAY[action.name] and role > target
                assert await tried(node, cast, action, name, target_name) is allowed, (action, role, target)
        term = SetTerm(community_id=cast.community, cid=cid(), text="blocked here", effect="block")
        await node.communities.terms.set(cast["by-owner"], term)
        for name, role in actors.items():
            for action in Action:
                if action in ON_PEOPLE or action in NO_DEED:
                    continue
                assert await tried_alone(node, cast, action, name) is (role.word in MAY[action.name]), (action, role)
