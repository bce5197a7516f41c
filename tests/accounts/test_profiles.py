"""Profile, settings, roles, and what other features ask about people."""

from __future__ import annotations

import asyncio

import pytest

from mypick.accounts import queries
from mypick.accounts.commands import SetRole, UpdateProfile, UpdateSettings
from mypick.accounts.models import User
from mypick.accounts.passwords import Passwords
from mypick.accounts.service import Accounts
from mypick.accounts.tokens import Tokens
from mypick.accounts.views import Authentication, SettingsView
from mypick.errors import Code
from tests.accounts.conftest import Identify, Refused
from tests.accounts.fakes import Listener, MemoryCache, MemoryLimits
from tests.fakes import FakeClock


async def test_a_profile_changes_where_it_was_told_to(
    accounts: Accounts, alice: Authentication, bob: Authentication, actor_of: Identify
) -> None:
    actor = await actor_of(alice)
    changed = await accounts.profiles.update(
        actor,
        UpdateProfile(display_name="앨리스 🐇", avatar_url="https://example.com/a.png", timezone="Asia/Seoul"),
    )
    assert (changed.display_name, changed.locale, changed.timezone) == ("앨리스 🐇", "en", "Asia/Seoul")
    assert await accounts.profiles.update(actor, UpdateProfile()) == changed
    assert (await accounts.profiles.update(actor, UpdateProfile(avatar_url=None))).avatar_url is None
    assert (await accounts.profiles.me(actor)).timezone == "Asia/Seoul"
    assert await accounts.profiles.me(await actor_of(bob)) == bob.user


async def test_settings_have_defaults_and_keep_what_was_not_sent(
    accounts: Accounts, alice: Authentication, actor_of: Identify
) -> None:
    actor = await actor_of(alice)
    assert await accounts.profiles.settings(actor) == SettingsView()
    await accounts.profiles.update_settings(actor, UpdateSettings(theme="dark"))
    await accounts.profiles.update_settings(actor, UpdateSettings(sounds=False))
    assert await accounts.profiles.settings(actor) == SettingsView(theme="dark", sounds=False)


async def test_two_changes_of_settings_at_once_both_take_effect(
    accounts: Accounts, alice: Authentication, actor_of: Identify
) -> None:
    actor = await actor_of(alice)
    await asyncio.gather(
        accounts.profiles.update_settings(actor, UpdateSettings(theme="light")),
        accounts.profiles.update_settings(actor, UpdateSettings(autoplay=False)),
        accounts.profiles.update_settings(actor, UpdateSettings(desktop_notifications=True)),
    )
    assert await accounts.profiles.settings(actor) == SettingsView(
        theme="light", autoplay=False, desktop_notifications=True
    )


@pytest.mark.parametrize("role", ["fan", "moderator"])
async def test_only_an_admin_gives_roles(
    accounts: Accounts,
    alice: Authentication,
    bob: Authentication,
    actor_of: Identify,
    refused: Refused,
    role: str,
) -> None:
    await User.filter(id=alice.user.id).update(role=role)
    with refused(Code.FORBIDDEN):
        await accounts.profiles.set_role(await actor_of(alice), SetRole(user_id=bob.user.id, role="moderator"))
    assert (await actor_of(bob)).role == "fan"


async def test_a_role_holds_at_once_for_tokens_that_were_issued_before(
    alice: Authentication,
    bob: Authentication,
    clock: FakeClock,
    tokens: Tokens,
    passwords: Passwords,
    limits: MemoryLimits,
    listener: Listener,
    refused: Refused,
) -> None:
    accounts = Accounts(clock, tokens, passwords, limits, listener, MemoryCache(clock))
    assert (await accounts.authenticate(bob.access_token)).role == "fan"
    await accounts.profiles.grant_role(alice.user.id, "admin")
    admin = await accounts.authenticate(alice.access_token)
    for role in ("moderator", "fan"):
        shown = await accounts.profiles.set_role(admin, SetRole(user_id=bob.user.id, role=role))
        assert shown.role == (await accounts.authenticate(bob.access_token)).role == role
    with refused(Code.NOT_FOUND):
        await accounts.profiles.set_role(admin, SetRole(user_id=2**62, role="fan"))


async def test_an_admin_cannot_step_down_alone(
    accounts: Accounts, alice: Authentication, actor_of: Identify, refused: Refused
) -> None:
    await accounts.profiles.grant_role(alice.user.id, "admin")
    with refused(Code.CONFLICT):
        await accounts.profiles.set_role(await actor_of(alice), SetRole(user_id=alice.user.id, role="fan"))


async def test_people_are_shown_by_name_and_picture_alone(alice: Authentication, bob: Authentication) -> None:
    found = await queries.people([alice.user.id, bob.user.id, alice.user.id, 2**62, 0, -1, 2**80])
    assert found == {
        alice.user.id: {"id": alice.user.id, "name": "Alice", "avatar_url": None},
        bob.user.id: {"id": bob.user.id, "name": "Bob", "avatar_url": None},
    }
    assert await queries.people([]) == {}


async def test_many_ids_may_be_asked_for(alice: Authentication, bob: Authentication) -> None:
    asked = range(1, 2_000)
    assert await queries.users_exist(asked) == {alice.user.id, bob.user.id}
    assert set(await queries.people(asked)) == {alice.user.id, bob.user.id}
