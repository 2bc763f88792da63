"""The preview shows a message as its platform does, and nothing that its platform would not show."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html import unescape

import pytest
from conftest import TODAY
from hypothesis import given
from hypothesis import strategies as st

from bot.dialogue.answer import answer
from bot.dialogue.model import Button, CopyButton, File, Kind, LinkButton, Part, Prompt, Reply, Section
from bot.dialogue.state import Action, State
from bot.knowledge.markup import Paragraph, Span
from bot.knowledge.model import Knowledge
from bot.platforms.discord.safety import escaped
from bot.workshop.preview import telegram_look
from bot.workshop.preview.discord_markdown import html, inline
from bot.workshop.preview.drawn import drawn
from bot.workshop.preview.telegram_html import sanitised


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("**bold** and *slanted*", "<strong>bold</strong> and <em>slanted</em>"),
        ("***both***", "<strong><em>both</em></strong>"),
        (r"2 \* 3 \* 4", "2 * 3 * 4"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        (r"\<@1\> & <b>", "&lt;@1&gt; &amp; &lt;b&gt;"),
        ("a_b_c", "a<em>b</em>c"),
        (r"**\*starred\***", "<strong>*starred*</strong>"),
        ("unclosed **bold", "unclosed **bold"),
        ("||hidden||", "<mark>hidden</mark>"),
        ("`code`", "<code>code</code>"),
    ],
)
def test_discord_marks(written: str, shown: str):
    """Marks become what Discord makes of them, and escaped ones are the characters themselves."""
    assert inline(written) == shown


def test_discord_links():
    """A masked link and a bare address both open beside the preview; a masked link to a script is text."""
    shown = inline("[the page](https://www.linkedin.com/a%28b%29) or https://example.org/x?a=1&b=2.")
    assert 'href="https://www.linkedin.com/a%28b%29" target="_blank" rel="noopener noreferrer">the page</a>' in shown
    assert '<a href="https://example.org/x?a=1&amp;b=2"' in shown
    assert shown.endswith("</a>.")
    assert "<a" not in inline("[x](javascript:alert(1))")


def test_discord_blocks():
    """Headings, lists, quotations and code keep their places among paragraphs."""
    text = "> said\n> so\n\nOne\ntwo\n\n### Head\n3. three\n4. four\n\n- a\n- b\n\n```\n**as it is** <i>\n```"
    assert html(text).split("\n") == [
        "<blockquote>said<br>so</blockquote>",
        "<p>One<br>two</p>",
        "<h6>Head</h6>",
        '<ol start="3"><li>three</li><li>four</li></ol>',
        "<ul><li>a</li><li>b</li></ul>",
        '<pre tabindex="0"><code>**as it is** &lt;i&gt;</code></pre>',
    ]


def test_discord_code_that_nothing_ends():
    """A fence without an end is text, and what follows it is still shown."""
    assert html("```\nafter") == "<p>```</p>\n<p>after</p>"


@given(st.text(alphabet=st.characters(blacklist_categories=["Cs", "Cc"]), max_size=60))
def test_escaped_text_is_shown_as_it_is(text: str):
    """Whatever our renderer escapes is shown as it was, with no markup in it."""
    shown = inline(escaped(text))
    assert unescape(re.sub(r"</?a[^>]*>", "", shown)) == text


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("<b>bold</b> &lt;not&gt; &amp;", "<b>bold</b> &lt;not&gt; &amp;"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ('<b onclick="x()">b</b>', "<b>b</b>"),
        ("<b>open <i>ends", "<b>open <i>ends</i></b>"),
        ("<b>crossed <i>tags</b></i>", "<b>crossed <i>tags</i></b>&lt;/i&gt;"),
        ('<img src=x onerror="y()">', '&lt;img src=x onerror="y()"&gt;'),
    ],
)
def test_telegram_html(sent: str, shown: str):
    """Telegram's elements are kept without attributes; any other tag is shown as the text that it is."""
    assert sanitised(sent) == shown


def test_telegram_links():
    """A link opens beside the preview; one that is none is shown as text."""
    shown = sanitised('<a href="https://example.org/?a=1&amp;b=2">here</a>')
    assert shown == '<a href="https://example.org/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">here</a>'
    assert "<a" not in sanitised('<a href="javascript:alert(1)">here</a>')


def test_both_show_the_answer_and_its_buttons(small: Knowledge):
    """Both looks show the title and the text of an answer, and each button with the code that it sends."""
    shown = drawn(answer(small, State(Action.SHOW, "opt-out-phone"), TODAY), small.texts)
    for platform in ("discord", "telegram"):
        assert "Turn off AI training on your phone" in shown[platform]
        assert "You can switch it off in the app." in shown[platform]
        assert f'data-code="{State(Action.MENU).encode()}"' in shown[platform]
    assert shown["pages"] == {"Discord": 1, "Telegram": 1}


def test_everything_that_a_reply_may_hold(small: Knowledge):
    """Quote, files, copy button, link button and prompt all appear, and nothing of them is markup."""
    prompt = Prompt(State(Action.WRITE, "letter").encode(), "Write <it>", "Title", "Label", "Hint", "Line", 300)
    reply = Reply(
        Kind.SCREEN, "A <title>", (Section(Part.LETTER, (Paragraph((Span("Dear *Sir*\n<b>"),)),)),),
        rows=((LinkButton("Open", "https://example.org/?a=1&b=2"), CopyButton("Copy", 'the "text"'), Button("Next", "v1:menu::")),),
        quote="my <words>", files=(File("letter.txt", b"Dear Sir"),), prompt=prompt, private=True,
    )  # fmt: skip
    shown = drawn(reply, small.texts)
    content = base64.b64encode(b"Dear Sir").decode()
    for platform in ("discord", "telegram"):
        assert "<title>" not in shown[platform]
        assert "<words>" not in shown[platform]
        assert f'download="letter.txt" href="data:text/plain;charset=utf-8;base64,{content}"' in shown[platform]
        # On Telegram nothing stands beside the open field for words of one's own.
        with_links = shown if platform == "discord" else drawn(replace(reply, prompt=None), small.texts)
        assert 'href="https://example.org/?a=1&amp;b=2"' in with_links[platform]
    assert "<blockquote>my &lt;words&gt;</blockquote>" in shown["discord"]
    assert "Only you can see this" in shown["discord"]
    assert "Write &lt;it&gt;</button>" in shown["discord"]
    assert shown["prompt"]["most"] == 300


def test_a_list_to_choose_from(small: Knowledge):
    """A long list is a menu that opens and closes, each choice a button with its code."""
    rows = tuple(
        tuple(Button(f"Choice {group}{at}", State(Action.MENU, step=group * 12 + at + 1).encode()) for at in range(12))
        for group in range(4)
    )
    shown = drawn(Reply(Kind.MENU, "Many", rows=rows), small.texts)["discord"]
    assert shown.count('<details class="select">') >= 1
    assert all(f">{key.label}</button>" in shown for row in rows for key in row)


def test_telegram_copies():
    """A button that copies holds its text, which no quotation mark in it can end."""
    keyboard = {"inline_keyboard": [[{"text": "Copy", "copy_text": {"text": 'a "b" <c>'}}]]}
    assert 'data-copy="a &quot;b&quot; &lt;c&gt;"' in telegram_look.look("x", keyboard)
