"""Which names, addresses, passwords and links are taken, over all text."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from mypick.accounts import password_rules, text_rules
from mypick.accounts.commands import (
    ChangePassword,
    CreateApiKey,
    LogIn,
    Register,
    UpdateProfile,
    UpdateSettings,
)

# every code point, lone surrogates included
ANY_TEXT = st.text(st.characters(codec=None), max_size=80)
GOOD: dict[str, Any] = {
    "email": "alice@example.com",
    "password": "a horse walks",
    "display_name": "Alice",
}


def refusals(model: type[BaseModel], **fields: Any) -> set[str]:
    """The names of the fields that were refused."""
    with pytest.raises(ValidationError) as failure:
        model(**fields)
    return {str(error["loc"][0]) if error["loc"] else "" for error in failure.value.errors()}


@settings(max_examples=300, deadline=None)
@given(text=ANY_TEXT)
@example("\u200b\u200d")
@example("a\x00b")
@example("\u1100\u1161" * 25)
@example("\ufdfa")
def test_a_name_is_storable_visible_and_stable_or_refused(text: str) -> None:
    try:
        name = text_rules.name(text)
    except ValueError:
        return
    assert 1 <= len(name) <= 50
    assert name == name.strip() == unicodedata.normalize("NFC", name)
    name.encode()  # no lone surrogate
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in name)
    assert text_rules.name(name) == name


@pytest.mark.parametrize("good", ["홍길동", "José", "Zoë 👩‍👩‍👧", "محمد", "می‌خواهم", "A", "x" * 50, "🇰🇷", "O'Neil <3"])
def test_names_of_people_are_taken(good: str) -> None:
    assert text_rules.name(good) == good


def test_the_two_spellings_of_one_name_become_one() -> None:
    assert text_rules.name("  Jose\u0301 ") == "José"
    assert text_rules.name(unicodedata.normalize("NFD", "홍길동" * 16)) == "홍길동" * 16


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "   ",
        "\u200b\u200d\ufeff",
        "\u3164",
        "\u2800\u2800",
        "\u0301",
        "a\x00",
        "a\nb",
        "a\x1b[31m",
        "\u202eecilA",
        "a\u2066b",
        "a\u2028b",
        "x" * 51,
        "a\ud800",
        "\ue000x",
    ],
    ids=ascii,
)
def test_names_that_deceive_or_show_nothing_are_refused(bad: str) -> None:
    assert refusals(Register, **{**GOOD, "display_name": bad}) == {"display_name"}


LOCAL = st.text("abcXYZ019.+-_", min_size=1, max_size=70)
DOMAIN = st.lists(st.text("abcXYZ019-ü한", min_size=1, max_size=20), min_size=1, max_size=14).map(".".join)


@settings(max_examples=300, deadline=None)
@given(text=st.one_of(ANY_TEXT, st.builds("{}@{}".format, LOCAL, DOMAIN)))
@example("İ@example.com")
@example("a@İ.com")
def test_an_address_is_stored_in_one_spelling_or_refused(text: str) -> None:
    try:
        address = text_rules.email(text)
    except ValueError:
        return
    assert len(address) <= 254
    assert address == address.lower()
    assert "\x00" not in address
    assert text_rules.email(address) == address
    assert text_rules.email(f" {text.upper()} " if text.isascii() else text) == address


@pytest.mark.parametrize(
    "bad",
    [
        "alice",
        "alice@",
        "@example.com",
        "alice@example",
        "a@b@c.com",
        "alice@[127.0.0.1]",
        '"a b"@example.com',
        "Alice <alice@example.com>",
        "alice@exa mple.com",
        "alice@example.com\n.evil.com",
        "x" * 65 + "@example.com",
        "a@" + "x" * 63 + ("." + "x" * 63) * 3 + ".com",
        "a\x00@example.com",
        "\ud800@example.com",
        7,
        None,
    ],
    ids=ascii,
)
def test_what_is_no_address_is_refused(bad: object) -> None:
    assert refusals(Register, **{**GOOD, "email": bad}) == {"email"}
    assert refusals(LogIn, email=bad, password="anything") == {"email"}


def test_addresses_are_compared_without_case() -> None:
    assert Register(**{**GOOD, "email": " Alice@EXAMPLE.com"}).email == "alice@example.com"
    assert LogIn(email="ALICE@example.COM", password="x").email == "alice@example.com"


@pytest.mark.parametrize(
    "bad",
    [
        "short",
        "1234567",
        "Password",
        "PASSWORD1",
        "qwertyuiop",
        "12345678",
        "87654321",
        "aaaaaaaaaaaa",
        "abcdefghij",
        "x" * 129,
        "nul\x00nul\x00nul",
        "\ud800" * 10,
        12345678901,
    ],
    ids=ascii,
)
def test_weak_and_unstorable_passwords_are_refused(bad: object) -> None:
    assert refusals(Register, **{**GOOD, "password": bad}) == {"password"}
    assert refusals(ChangePassword, current_password="x", new_password=bad) == {"new_password"}


def test_length_counts_code_points_and_nothing_is_asked_of_composition() -> None:
    for good in ("가나다라마바사아", "👩🎈🐙🌵🚲🥝🎻🧊", "x y" * 42 + "zz", "correct horse", "        ~"):
        assert Register(**{**GOOD, "password": good}).password == good
    assert refusals(Register, **{**GOOD, "password": "가나다"}) == {"password"}


def test_one_password_typed_on_two_keyboards_is_one_password() -> None:
    composed, decomposed = "비밀번호는비밀입니다", unicodedata.normalize("NFD", "비밀번호는비밀입니다")
    assert composed != decomposed
    assert LogIn(email="a@b.co", password=decomposed).password == composed


def test_an_old_weak_password_may_still_log_in() -> None:
    assert LogIn(email="a@b.co", password="short").password == "short"


def test_no_password_shows_in_repr_or_error() -> None:
    assert "horse" not in repr(Register(**GOOD))
    with pytest.raises(ValidationError) as failure:
        Register(**{**GOOD, "password": "q7x\x00secretive", "display_name": ""})
    assert "secretive" not in str(failure.value)


@settings(deadline=None)
@given(text=ANY_TEXT)
def test_password_rules_are_stable(text: str) -> None:
    try:
        password = password_rules.new_password(text)
    except ValueError:
        return
    password.encode()
    assert password_rules.new_password(password) == password


@pytest.mark.parametrize(
    "good",
    ["https://example.com/a.png", "http://localhost:4000/x?y=1#z", "https://bücher.example/ü", "https://[::1]/"],
)
def test_web_addresses_are_taken(good: str) -> None:
    assert UpdateProfile(avatar_url=f" {good}\n").avatar_url == good


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "example.com/a.png",
        "//example.com/a.png",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "ftp://example.com",
        "https://",
        "https:///path",
        "https://user:secret@example.com/",
        "https://evil.com\\@example.com/",
        "https://exa mple.com/",
        "ht\ntps://example.com/",
        "https://example.com:port/",
        "https://[::1/",
        'https://example.com/"onerror=',
        "https://example.com/\x00",
        "https://example.com/" + "x" * 500,
    ],
    ids=ascii,
)
def test_what_no_page_should_load_is_refused(bad: str) -> None:
    assert refusals(UpdateProfile, avatar_url=bad) == {"avatar_url"}


def test_time_zones_are_names_of_the_database() -> None:
    assert UpdateProfile(timezone="Asia/Seoul").timezone == "Asia/Seoul"
    for bad in ("", "Asia/Atlantis", "asia/seoul", "../../etc/passwd", "/etc/localtime", "localtime", "+09:00"):
        assert refusals(UpdateProfile, timezone=bad) == {"timezone"}


def test_a_patch_knows_what_was_sent() -> None:
    assert UpdateProfile().changes() == {}
    assert UpdateProfile(avatar_url=None).changes() == {"avatar_url": None}
    assert UpdateSettings(sounds=False).changes() == {"sounds": False}
    for field in ("display_name", "locale", "timezone"):
        assert refusals(UpdateProfile, **{field: None}) == {field}
    assert refusals(UpdateSettings, theme=None) == {"theme"}


@pytest.mark.parametrize(
    ("model", "fields", "field"),
    [
        (Register, {**GOOD, "role": "admin"}, "role"),
        (LogIn, {"email": "a@b.co", "password": "x", "remember": True}, "remember"),
        (UpdateSettings, {"sounds": 1}, "sounds"),
        (UpdateSettings, {"sounds": "yes"}, "sounds"),
        (UpdateSettings, {"theme": "pink"}, "theme"),
        (UpdateProfile, {"locale": "fr"}, "locale"),
        (UpdateProfile, {"role": "admin"}, "role"),
        (CreateApiKey, {"name": "x", "scopes": []}, "scopes"),
        (CreateApiKey, {"name": "x", "scopes": ["everything"]}, "scopes"),
        (CreateApiKey, {"name": "x", "scopes": ["read", "read"]}, ""),
    ],
    ids=str,
)
def test_unknown_fields_and_other_types_are_refused(
    model: type[BaseModel], fields: dict[str, Any], field: str
) -> None:
    assert refusals(model, **fields) == {field}
