from __future__ import annotations

import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from handlers.docs.markdown import headings, render, render_line


def test_what_the_documents_use_is_rendered() -> None:
    text = "## One thing\n**Codes** of\n`it`:\n- `A`: first\n  and on\n- ``b``\n\nend\n\n```js\na < `b`\n\n- c\n```"
    assert render(text) == (
        '<h2 id="one-thing">One thing</h2><p><strong>Codes</strong> of <code>it</code>:</p>'
        "<ul><li><code>A</code>: first and on</li><li><code>b</code></li></ul><p>end</p>"
        '<pre tabindex="0"><code>a &lt; `b`\n\n- c</code></pre>'
    )
    assert headings(text) == [("one-thing", "One thing")]


def test_code_keeps_its_asterisks_and_markup_its_letters() -> None:
    assert render_line("`**a**` <b>&") == "<code>**a**</code> &lt;b&gt;&amp;"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in {"h2", "h3", "h4", "p", "ul", "li", "pre", "code", "strong"}
        assert {name for name, _ in attributes} <= {"id", "tabindex"}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


pieces = st.sampled_from(["<script>", "**", "`", "``", "```", "- ", "## ", "\n", "\n\n", '"', "&", "a", " ", "<b x=1>"])


@given(st.one_of(st.lists(pieces, max_size=30).map("".join), st.text(max_size=100)))
def test_any_text_becomes_balanced_tags_of_the_subset_alone(text: str) -> None:
    tags = Tags()
    tags.feed(render(text))
    tags.close()
    assert tags.open == []
    assert not re.search(r"<(script|b)\b", render(text))
