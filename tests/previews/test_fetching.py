"""A worker that is sent to a hostile address comes back in time with little, and has asked nobody it must not."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address, ip_network

import pytest

from mypick.previews.fetching import AGENT, MAX_BYTES, Fetcher, Found
from mypick.previews.guard import Guard, Refused, is_public
from tests.previews.site import Site, traps

HERE = Guard([ip_network("127.0.0.1/32")])
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "203.0.114.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]
PRIVATE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.0.9",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2001:0:4136:e378::1",
    "2002:7f00:1::",
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with traps() as running:
        yield running


def lookup_of(*addresses: str):  # type: ignore[no-untyped-def]
    async def look_up(host: str, port: int) -> Sequence[str]:
        return addresses

    return look_up


def fetcher(site: Site, *, guard: Guard = HERE, within_s: float = 5.0) -> Fetcher:
    """Every name leads to the site."""
    return Fetcher(guard, ports=(80, 443, site.port), lookup=lookup_of("127.0.0.1"), within_s=within_s)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_asked(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_all_others_are_not(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(Refused):
        Guard().check(address)


async def test_a_page_is_read(site: Site) -> None:
    found = await fetcher(site).fetch(site.url("/page"))
    assert found == Found("page", "A page", "what it says", "pages.example")
    ((_, headers),) = site.asked
    assert headers["User-Agent"] == AGENT
    assert "Cookie" not in headers
    assert "Referer" not in headers


async def test_a_picture_is_named_and_not_read(site: Site) -> None:
    assert await fetcher(site).fetch(site.url("/cat.png")) == Found("image", "cat.png", site="pages.example")


@pytest.mark.parametrize("path", ["/script.js", "/drawing.svg", "/error", "/broken-gzip", "/brotli", "/huge-header"])
async def test_what_is_no_page_shows_nothing(site: Site, path: str) -> None:
    assert await fetcher(site).fetch(site.url(path)) is None
    assert site.asked


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/page",
        "http://127.1:{port}/page",
        "http://2130706433:{port}/page",
        "http://0x7f000001:{port}/page",
        "http://0177.0.0.1:{port}/page",
        "http://[::1]:{port}/page",
        "http://[::ffff:127.0.0.1]:{port}/page",
        "http://[::ffff:7f00:1]:{port}/page",
        "http://localhost:{port}/page",
        "http://127.0.0.1.:{port}/page",
        "http://①②⑦.⓪.⓪.①:{port}/page",
    ],
)
async def test_no_way_of_writing_this_machine_leads_here(site: Site, url: str) -> None:
    strict = Fetcher(Guard(), ports=(site.port,))  # with the system's own names
    assert await strict.fetch(url.format(port=site.port)) is None
    assert site.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://pages.example/page",
        "file:///etc/passwd",
        "http://pages.example:22/",
        "http://me:secret@pages.example:{port}/page",
        "http:///page",
        "gopher://pages.example:{port}/",
        "http://pages.example:0/",
        "nonsense",
        "http://[",
    ],
)
async def test_other_schemes_ports_and_passwords_are_refused(site: Site, url: str) -> None:
    assert await fetcher(site).fetch(url.format(port=site.port)) is None
    assert site.asked == []


async def test_a_name_with_one_private_address_is_refused(site: Site) -> None:
    mixed = Fetcher(Guard(), ports=(site.port,), lookup=lookup_of("93.184.216.34", "127.0.0.1"))
    assert await mixed.fetch(site.url("/page")) is None
    assert site.asked == []


async def test_a_name_that_changes_its_address_is_connected_where_it_was_looked_at(site: Site) -> None:
    """The name is resolved once for a hop: the second answer, which another resolver would take, is never asked for."""
    answers = ["127.0.0.1", "127.0.0.9"]
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return [answers[min(len(asked), 2) - 1]]

    rebound = Fetcher(HERE, ports=(site.port,), lookup=rebinding)
    assert await rebound.fetch(site.url("/page")) is not None
    assert asked == ["pages.example"]
    # and with a redirect to itself the second hop is looked at anew, and refused
    asked.clear()
    assert await rebound.fetch(site.url("/hops/1")) is None
    assert asked == ["pages.example", "pages.example"]
    assert [path for path, _ in site.asked] == ["/page", "/hops/1"]


async def test_redirects_are_looked_at_like_links(site: Site) -> None:
    inner = Guard([ip_network("127.0.0.1/32")])

    async def by_name(host: str, port: int) -> Sequence[str]:
        return {"pages.example": ["127.0.0.1"], "inside.example": ["10.0.0.1"]}[host]

    hopping = Fetcher(inner, ports=(80, site.port), lookup=by_name, within_s=2.0)
    assert await hopping.fetch(site.url("/to?url=/page")) is not None
    for target in (
        f"http://inside.example:{site.port}/page",
        f"http://[::1]:{site.port}/page",
        f"http://127.0.0.2:{site.port}/page",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "//pages.example:22/",
    ):
        site.asked.clear()
        assert await hopping.fetch(site.url(f"/to?url={target}")) is None
        assert [path for path, _ in site.asked] == ["/to"]


async def test_three_redirects_and_no_more(site: Site) -> None:
    assert await fetcher(site).fetch(site.url("/hops/3")) is not None
    assert await fetcher(site).fetch(site.url("/hops/4")) is None


async def test_nothing_is_carried_from_hop_to_hop(site: Site) -> None:
    found = await fetcher(site).fetch(site.url("/cookie"))
    assert found is not None
    assert found.title == "none"


@pytest.mark.parametrize("path", ["/slow-loris", "/silent"])
async def test_who_answers_slowly_is_left(site: Site, path: str) -> None:
    began = time.monotonic()
    assert await fetcher(site, within_s=0.3).fetch(site.url(path)) is None
    assert time.monotonic() - began < 2


async def test_of_an_endless_body_a_little_is_read(site: Site) -> None:
    found = await fetcher(site).fetch(site.url("/endless"))
    assert found is not None
    assert found.title == "endless"
    assert site.sent < 20 * MAX_BYTES  # what fits into the buffers of the system


async def test_a_bomb_is_unpacked_to_its_bound(site: Site) -> None:
    task = asyncio.create_task(fetcher(site).fetch(site.url("/bomb")))
    before = 0
    while not site.asked:  # the site packs it first
        await asyncio.sleep(0.01)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = await task
    assert found is not None
    assert found.title == "bomb"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024  # KiB; unpacked it has 300 MB


@pytest.mark.parametrize(
    ("path", "title"), [("/korean", "뷁 한국어 쪽"), ("/wrong-charset", "제목 ok")]
)
async def test_charsets(site: Site, path: str, title: str) -> None:
    found = await fetcher(site).fetch(site.url(path))
    assert found is not None
    assert found.title == title


async def test_a_codec_of_bytes_is_no_charset(site: Site) -> None:
    assert await fetcher(site).fetch(site.url("/bytes-codec")) is None
