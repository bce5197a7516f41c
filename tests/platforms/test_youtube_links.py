from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.platforms.protocol import Reference
from mypick.platforms.youtube_links import HANDLE_LIMIT, clean_handle, recognise, site_of
from tests.platforms.patience import patient

ID = "UC_x5XG1OV2P6uZZ5FSM9Ttw"
VIDEO = "D-lhorsDlUQ"

HOSTS = ["youtube.com", "www.youtube.com", "m.youtube.com", "WWW.YouTube.com", "music.youtube.com"]
SCHEMES = ["https://", "http://", "HTTPS://", "//", ""]

handles = st.text(st.characters(categories=["Ll", "Lo", "Nd"]), min_size=3, max_size=20).filter(
    lambda name: clean_handle(name) == name
)


@pytest.mark.parametrize(
    ("source", "kind", "value"),
    [
        ("@Some.Handle", "handle", "some.handle"),
        ("@하늘의부엌", "handle", "하늘의부엌"),
        ("@%ED%95%98%EB%8A%98", "handle", "하늘"),
        ("@हिन्दी", "handle", "हिन्दी"),
        (ID, "id", ID),
        (f"  <{ID}>\n", "id", ID),
        ("https://www.youtube.com/@Handle", "handle", "handle"),
        ("https://www.youtube.com/@Handle/videos", "handle", "handle"),
        ("https://www.youtube.com/@Handle/streams?view=2&sub=1#top", "handle", "handle"),
        ("https://www.youtube.com/%40Handle", "handle", "handle"),
        ("https://www.youtube.com/@%ED%95%98%EB%8A%98%EC%9D%98?si=abc", "handle", "하늘의"),
        ("<https://m.youtube.com/@Handle>", "handle", "handle"),
        ("youtube.com/@Handle/", "handle", "handle"),
        (f"youtube.com/channel/{ID}", "id", ID),
        (f"https://www.youtube.com/channel/{ID}/live", "id", ID),
        ("https://www.youtube.com/c/SomeName/featured", "custom", "somename"),
        ("https://www.youtube.com/SomeName", "custom", "somename"),
        ("https://www.youtube.com/user/SomeUser", "user", "someuser"),
        (f"https://youtu.be/{VIDEO}?si=xyz&t=3", "video", VIDEO),
        (f"youtu.be/{VIDEO}", "video", VIDEO),
        (f"https://www.youtube.com/watch?v={VIDEO}&list=PL123", "video", VIDEO),
        (f"https://www.youtube.com/watch?list=PL123&v={VIDEO}", "video", VIDEO),
        (f"https://youtube.com/shorts/{VIDEO}?feature=share", "video", VIDEO),
        (f"https://www.youtube.com/live/{VIDEO}", "video", VIDEO),
        (f"https://www.youtube-nocookie.com/embed/{VIDEO}", "video", VIDEO),
        ("https://www.youtube.com:443/@Handle", "handle", "handle"),
    ],
)
def test_what_people_paste_is_recognised(source: str, kind: str, value: str) -> None:
    assert recognise(source) == Reference("youtube", kind, value)  # type: ignore[arg-type]  # kinds of the table above


@pytest.mark.parametrize(
    "source",
    [
        "",
        "   ",
        "handle",
        "하늘의 부엌",
        "@",
        "@@handle",
        "@-._",
        "@a b",
        "@a/b",
        "@" + "a" * (HANDLE_LIMIT + 1),
        "https://youtube.com.evil.com/@handle",
        "https://evil.com/youtube.com/@handle",
        "https://evilyoutube.com/@handle",
        "https://youtube.com@evil.com/@handle",
        "https://user:word@youtube.com/@handle",
        "https://evil.com\\@youtube.com/@handle",
        "https://youtube.com\\.evil.com/@handle",
        "https://www.youtube.com:8443/@handle",
        "https://ｙｏｕｔｕｂｅ.com/@handle",
        "https://yоutube.com/@handle",  # the second letter is Cyrillic
        "https://youtube.com%2eevil.com/@handle",
        "https://www.youtube.com./@handle",
        "javascript:alert(1)//youtube.com/@handle",
        "javascript://youtube.com/@handle",
        "ftp://youtube.com/@handle",
        "data:text/html,youtube.com/@handle",
        "https://www.youtube.com/",
        "https://www.youtube.com",
        "https://www.youtube.com/feed/trending",
        "https://www.youtube.com/results?search_query=x",
        "https://www.youtube.com/playlist?list=PL123",
        "https://www.youtube.com/redirect?q=https://evil.com",
        "https://www.youtube.com/watch",
        "https://www.youtube.com/watch?v=short",
        "https://www.youtube.com/watch?v=" + "a" * 12,
        "https://www.youtube.com/channel/UCshort",
        f"https://www.youtube.com/channel/{ID}x",
        f"https://www.youtube.com/channel/{ID.lower()}",
        "https://www.youtube.com/@%2e%2e%2fadmin",
        "https://www.youtube.com/@a%00b",
        "https://youtu.be/",
        "https://[::1",
        "https://youtube.com:port/@handle",
        f"{ID[:-1]}",
        "@a\ud800b",
        "https://www.youtube.com/@handle" + "?" + "a" * 3_000,
    ],
)
def test_what_is_not_a_channel_on_youtube_is_refused(source: str) -> None:
    assert recognise(source) is None


@patient
@given(st.text(max_size=200))
def test_any_text_is_answered_without_an_exception(source: str) -> None:
    reference = recognise(source)
    assert reference is None or reference.platform == "youtube"


@patient
@given(
    st.sampled_from(SCHEMES), st.sampled_from(HOSTS), handles, st.booleans(), st.sampled_from(["", "/videos", "?a=1"])
)
def test_every_spelling_of_a_handles_address_is_one_reference(
    scheme: str, host: str, handle: str, encoded: bool, tail: str
) -> None:
    name = quote(handle) if encoded else handle
    assert recognise(f"{scheme}{host}/@{name}{tail}") == Reference("youtube", "handle", handle)
    assert recognise(f" <@{name}> ") == Reference("youtube", "handle", handle)


@patient
@given(st.text(max_size=40))
def test_a_cleaned_handle_is_clean(name: str) -> None:
    handle = clean_handle(name)
    if handle is not None:
        assert clean_handle(handle) == handle
        assert 0 < len(handle) <= HANDLE_LIMIT
        assert not set(handle) & set("/?#%@\\ \n<>\"'")


@patient
@given(st.from_regex(r"[a-z0-9.-]{1,30}", fullmatch=True))
def test_no_other_host_is_taken_for_youtube(host: str) -> None:
    known = {"youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com", "gaming.youtube.com"}
    if host not in known:
        assert recognise(f"https://{host}/@handle") is None
        assert recognise(f"https://youtube.com.{host}/@handle") is None
        assert recognise(f"https://youtube.com@{host}/@handle") is None


OWN = ("127.0.0.1", 4010)


@pytest.mark.parametrize(
    ("source", "kind", "value"),
    [
        ("http://127.0.0.1:4010/@Handle", "handle", "handle"),
        ("127.0.0.1:4010/@Handle/videos", "handle", "handle"),
        (f"http://127.0.0.1:4010/channel/{ID}", "id", ID),
        (f"<http://127.0.0.1:4010/watch?v={VIDEO}>", "video", VIDEO),
        (f"http://127.0.0.1:4010/shorts/{VIDEO}", "video", VIDEO),
        ("https://www.youtube.com/@Handle", "handle", "handle"),
        (f"https://youtu.be/{VIDEO}", "video", VIDEO),
    ],
)
def test_addresses_of_the_site_in_youtubes_place_are_recognised_beside_youtubes(
    source: str, kind: str, value: str
) -> None:
    assert recognise(source, OWN) == Reference("youtube", kind, value)  # type: ignore[arg-type]  # kinds of the table


@pytest.mark.parametrize(
    "source",
    [
        "http://127.0.0.1/@handle",
        "http://127.0.0.1:4011/@handle",
        "http://localhost:4010/@handle",
        "http://user@127.0.0.1:4010/@handle",
        "http://127.0.0.1:4010@evil.com/@handle",
        "http://evil.com\\@127.0.0.1:4010/@handle",
        "http://127.0.0.1:4010.evil.com/@handle",
        "http://127.0.0.1:4010/",
        "ftp://127.0.0.1:4010/@handle",
        "https://www.youtube.com:4010/@handle",
    ],
)
def test_what_only_looks_like_the_site_in_youtubes_place_is_refused(source: str) -> None:
    assert recognise(source, OWN) is None


hosts = st.text("abxyz019-.", min_size=1, max_size=20)
ports = st.integers(1, 65_535)


@patient
@given(st.sampled_from(["http", "https"]), hosts, ports, handles)
def test_every_configured_site_is_recognised_by_itself_alone(scheme: str, host: str, port: int, handle: str) -> None:
    site = site_of(f"{scheme}://{host.upper()}:{port}/")
    assert site == (host, port)
    source = f"{scheme}://{host}:{port}/@{handle}"
    assert recognise(source, site) == Reference("youtube", "handle", handle)
    assert recognise(source, (f"x{host}", port)) is None
    assert recognise(f"{scheme}://{host}:{port % 65_535 + 1}/@{handle}", site) is None


@patient
@given(hosts, st.sampled_from(SCHEMES), handles)
def test_a_site_on_a_usual_port_needs_no_port_and_no_scheme(host: str, scheme: str, handle: str) -> None:
    name = f"{host}.example"
    assert recognise(f"{scheme}{name}/@{handle}", site_of(f"https://{name}")) == Reference("youtube", "handle", handle)


@patient
@given(st.text(max_size=200), hosts, ports)
def test_any_text_is_answered_without_an_exception_beside_another_site(source: str, host: str, port: int) -> None:
    reference = recognise(source, (host, port))
    assert reference is None or reference.platform == "youtube"
    site_of(source)


@patient
@given(hosts, ports)
def test_no_other_host_is_taken_for_the_site_in_youtubes_place(host: str, port: int) -> None:
    if (host, port) != OWN:
        assert recognise(f"http://{host}:{port}/@handle", OWN) is None
