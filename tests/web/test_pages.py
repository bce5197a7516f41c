"""The pages as a browser asks for them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from handlers import pages
from handlers.pages import PAGES, setup_pages
from handlers.texts import Texts

LOCALES = pages.FOLDER / "locales"
PATHS = [re.sub(r"{\w+:.*?}(?=/|$)", "7777", path) for path in PAGES]
Client = TestClient[web.Request, web.Application]


class Page(HTMLParser):
    """What a page loads, and what its policy would refuse."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.language = ""
        self.assets: list[str] = []
        self.scripts: list[dict[str, str | None]] = []
        self.ids: list[str] = []
        self.labels: set[str | None] = set()
        self.inline: list[str] = []
        self.data = ""
        self._in_data = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self._in_data = found.get("id") == "boot"
        if tag == "html":
            self.language = found["lang"] or ""
        if tag == "script" and found.get("src"):
            self.scripts.append(found)
        if tag == "style" or (tag == "script" and not found.get("src") and not self._in_data):
            self.inline.append(tag)
        self.inline += [name for name in found if name == "style" or name.startswith("on")]
        self.assets += [
            value.partition("#")[0]
            for name in ("src", "href")
            if (value := found.get(name)) and value.startswith("/static/")
        ]
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "label":
            self.labels.add(found.get("for"))

    def handle_data(self, data: str) -> None:
        if self._in_data:
            self.data += data

    def handle_endtag(self, tag: str) -> None:
        self._in_data = False


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    app = web.Application()
    setup_pages(app)
    async with TestClient(TestServer(app)) as client:
        yield client


async def page_at(client: Client, path: str, *, language: str = "en") -> Page:
    async with client.get(path, headers={"Accept-Language": language}) as answer:
        assert answer.status == 200
        return Page(await answer.text())


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("language", ["en", "ko"])
async def test_a_page_loads_only_what_is_there_and_holds_no_inline_code(
    client: Client, path: str, language: str
) -> None:
    page = await page_at(client, path, language=language)
    assert page.language == language
    assert page.inline == []
    assert len(page.ids) == len(set(page.ids))
    for asset in set(page.assets):
        async with client.get(asset) as answer:
            assert answer.status == 200, asset
            await answer.read()


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_tells_the_browser_to_run_only_our_scripts(client: Client, path: str) -> None:
    async with client.get(path) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "private, no-cache"


async def test_only_the_page_of_a_party_may_show_frames_and_files_of_others() -> None:
    app = web.Application()
    setup_pages(app, media_origins=["https://media.example"])
    async with TestClient(TestServer(app)) as client:
        for path in PATHS:
            async with client.get(path) as answer:
                rules = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))
            party = "parties/" in path
            assert rules["frame-src"] == ("https://www.youtube-nocookie.com" if party else "'none'"), path
            assert rules["media-src"] == ("'self' https://media.example" if party else "'self'"), path


async def test_the_official_client_comes_from_its_cdn_where_it_is_not_installed(tmp_path: Path) -> None:
    with capture_logs() as lines:
        page, policy = await _home_of(tmp_path, with_client=False)
    assert [line["cdn"] for line in lines if "make assets" in line["event"]] == ["https://cdn.socket.io"]
    (script,) = [script for script in page.scripts if "socket.io" in str(script["src"])]
    assert script["src"] == f"https://cdn.socket.io/{pages.CLIENT_VERSION}/socket.io.min.js"
    assert script["integrity"] == pages.CLIENT_INTEGRITY
    assert script["crossorigin"] == "anonymous"
    assert "script-src 'self' https://cdn.socket.io;" in policy


async def test_the_official_client_comes_from_here_where_it_is_installed(tmp_path: Path) -> None:
    with capture_logs() as lines:
        page, policy = await _home_of(tmp_path, with_client=True)
    assert not [line for line in lines if "cdn" in line]
    (script,) = [script for script in page.scripts if "socket.io" in str(script["src"])]
    assert re.fullmatch(r"/static/v[0-9a-f]{12}/vendor/socket\.io\.min\.js", str(script["src"]))
    assert "integrity" not in script
    assert "script-src 'self';" in policy


async def test_older_addresses_of_a_party_lead_to_its_page_with_their_invite(client: Client) -> None:
    answer = await client.get("/watch-parties/9?invite=a%2Bb", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (308, "/parties/9?invite=a%2Bb")


@pytest.mark.parametrize("path", ["/", "/feed"])
async def test_whoever_is_new_sees_the_way_to_the_others(client: Client, path: str) -> None:
    page = await (await client.get(path)).text()
    part = page[page.index('id="meet"') :]
    assert 'href="/communities"' in part
    assert 'href="/parties"' in part


async def _home_of(folder: Path, *, with_client: bool) -> tuple[Page, str]:
    for part in ("templates", "locales"):
        (folder / part).symlink_to(pages.FOLDER / part)
    for path in (pages.FOLDER / "static").rglob("*"):
        name = path.relative_to(pages.FOLDER / "static")
        if path.is_file() and name.parts[0] != "vendor":
            copy = folder / "static" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    if with_client:
        (folder / "static/vendor").mkdir()
        (folder / "static/vendor/socket.io.min.js").write_text("globalThis.io = null;")
    app = web.Application()
    setup_pages(app, folder=folder)
    async with TestClient(TestServer(app)) as client, client.get("/") as answer:
        return Page(await answer.text()), answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("name", "status"), [("not-found", 404), ("failed", 500)])
async def test_what_went_wrong_has_a_page_in_the_persons_language(name: str, status: int) -> None:
    app = web.Application()
    shown = setup_pages(app)

    async def fail(request: web.Request) -> web.Response:
        return shown.render(request, name, status=status)

    app.router.add_get("/wrong", fail)
    async with (
        TestClient(TestServer(app)) as client,
        client.get("/wrong", headers={"Accept-Language": "ko"}) as answer,
    ):
        assert answer.status == status
        page = Page(await answer.text())
        assert page.language == "ko"
        assert page.inline == []


async def test_a_chosen_language_is_kept_and_wins_over_the_browsers(client: Client) -> None:
    async with client.get("/creators?q=a%26b&lang=ko", allow_redirects=False) as answer:
        assert answer.status == 303
        assert answer.headers["Location"] == "/creators?q=a%26b"
    assert (await page_at(client, "/creators", language="en")).language == "ko"


async def test_a_language_without_texts_changes_nothing(client: Client) -> None:
    async with client.get("/?lang=xx", headers={"Accept-Language": "ko"}, allow_redirects=False) as answer:
        assert answer.status == 200
        assert Page(await answer.text()).language == "ko"


async def test_the_texts_a_page_carries_are_those_of_its_language(client: Client) -> None:
    boot = orjson.loads((await page_at(client, "/feed", language="ko")).data)
    assert boot == {"lang": "ko", "page": "feed", "texts": orjson.loads((LOCALES / "ko.json").read_bytes())}


async def test_a_static_file_is_kept_for_ever_under_its_version_only(client: Client) -> None:
    page = await page_at(client, "/")
    (style,) = [asset for asset in page.assets if asset.endswith("/style.css")]
    expected = {
        style: "public, max-age=31536000, immutable",
        "/static/v000000000000/style.css": "no-cache",  # of a page that was open during an update
        "/static/style.css": "no-cache",
    }
    for url, caching in expected.items():
        async with client.get(url) as answer:
            assert (answer.status, answer.headers["Cache-Control"]) == (200, caching)
            etag = answer.headers["ETag"]
        async with client.get(url, headers={"If-None-Match": etag}) as answer:
            assert answer.status == 304


@pytest.mark.parametrize("name", ["nothing.js", "../pages.py", "%2e%2e/pages.py", "..%2fpages.py", "app/"])
async def test_nothing_but_the_static_files_is_served(client: Client, name: str) -> None:
    async with client.get(f"/static/{name}") as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("", "en"),
        ("ko", "ko"),
        ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", "ko"),
        ("en;q=0.5, ko;q=0.6", "ko"),
        ("fr, de;q=0.9, ko;q=0.1", "ko"),
        ("ko;q=0, en;q=0.1", "en"),
        ("KO", "ko"),
        ("fr", "en"),
        (";;;,q=1,*", "en"),
        ("xx," * 5_000 + "ko", "en"),
    ],
)
def test_the_browsers_best_language_is_chosen(accepted: str, chosen: str) -> None:
    assert Texts.read(LOCALES).choose(None, accepted) == chosen


def test_both_languages_have_the_same_texts_with_the_same_places() -> None:
    tables = Texts.read(LOCALES).tables
    assert set(tables) == {"en", "ko"}
    for key, english in tables["en"].items():
        korean = tables["ko"][key]
        assert korean.strip(), key
        assert set(re.findall(r"\{(\w+)\}", english)) == set(re.findall(r"\{(\w+)\}", korean)), key


def test_texts_that_differ_in_their_keys_are_refused_at_start() -> None:
    with pytest.raises(ValueError, match=r"differ between en and ko: feed\.title"):
        Texts({"en": {"feed.title": "Feed"}, "ko": {}})


def test_every_text_that_a_page_or_module_names_exists() -> None:
    table = Texts.read(LOCALES).tables["en"]
    sources = [*(pages.FOLDER / "templates").glob("*.html"), *(pages.FOLDER / "static/app").rglob("*.js")]
    calls = r"""(?:\bt|counted|emptyBox)\(\s*["']([a-zA-Z.:-]+)["']\s*[,)]"""
    pattern = re.compile(calls + r'|"(problem\.[\w.]+)"')
    named = {key for path in sources for match in pattern.findall(path.read_text()) for key in match if key}
    assert len(named) > 100
    assert named <= set(table)
