from __future__ import annotations

import dataclasses
import datetime
import functools
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import TODAY, write_knowledge
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion
from wire.discord_rules import CALLBACK, MESSAGES, Json, callback_faults, file_faults, message_faults, refusals

from bot.dialogue import letters
from bot.dialogue.answer import answer
from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import Button, CopyButton, File, Key, Kind, LinkButton, Part, Prompt, Reply, Section
from bot.dialogue.state import Action, State, decode
from bot.knowledge.loader import load
from bot.knowledge.markup import Block, Items, Paragraph, Span, Style, blocks
from bot.knowledge.model import Device, Knowledge
from bot.knowledge.texts import Texts
from bot.platforms.discord.limits import FILE_SIZE
from bot.platforms.discord.quotation import quotation, quoted_in
from bot.platforms.discord.render import Drawn, form, render
from bot.platforms.discord.safety import escaped, safe, safe_url
from bot.platforms.wording import units

ODD = "\\*_~`|<>[]()#-+.:@!&{}\n\t \u200b\u202e\u2066\u0007אבعرب😀👩‍👩‍👧‍👦Ünïx0192"
LURES = (
    "@everyone", "@here", "<@4711>", "<@&4711>", "<#4711>", "</ask:4711>", "<t:1:R>", "<:a:4711>", "<id:guide>",
    "[x](https://evil.example)", "<https://evil.example>", "**bold**", "# big", "-# small", "> said", ">>> said",
    "- item", "1. item", "||spoiler||", "```code```", "https://example.org/a_b_c", "__under__", "\\", "\ud83d", "a" * 200,
)  # fmt: skip

words = st.one_of(st.text(st.sampled_from(ODD), max_size=30), st.sampled_from(LURES), st.text(max_size=60))
text = st.lists(words, max_size=6).map("".join)
long_text = st.lists(words, max_size=25).map(" ".join)
written = long_text.map(lambda said: said.replace("\ud83d", ""))
"""What a file can hold: it is UTF-8, so no half of a character."""

urls = st.one_of(
    st.none(), text, text.map(lambda t: f"https://example.org/{t}"), st.just("https://example.org/a_(b)?c=d")
)
spans = st.builds(Span, st.one_of(text, long_text), st.sampled_from(Style), urls)
lines = st.lists(spans, max_size=3).map(tuple)
drawn_blocks = st.one_of(
    st.builds(Paragraph, lines),
    st.builds(Items, st.lists(lines, max_size=4).map(tuple), st.sampled_from([None, 1, 98])),
)
sections = st.builds(
    Section, st.sampled_from(Part), st.lists(drawn_blocks, max_size=4).map(tuple), st.one_of(st.none(), text)
)
topics = st.sampled_from([f"topic-{number}" for number in range(60)])
states = st.builds(
    State, st.sampled_from(Action), topics, st.one_of(st.none(), st.sampled_from(Device)),
    st.sampled_from([None, "de", "us-ca"]), st.integers(0, 63),
)  # fmt: skip
codes = st.one_of(states.map(State.encode), st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=64))
buttons = st.builds(Button, text, codes)
link_buttons = st.builds(LinkButton, text, urls.filter(lambda url: url is not None))
copy_buttons = st.builds(CopyButton, text, text)
rows = st.lists(
    st.lists(st.one_of(buttons, buttons, link_buttons, copy_buttons), max_size=30).map(tuple), max_size=9
).map(tuple)
named = text.filter(lambda said: safe(said).strip())
prompts = st.builds(
    Prompt, states.map(State.encode), named, named, named, text, text, st.integers(-1, 9_000),
)  # fmt: skip
files = st.builds(File, st.sampled_from(["a.txt", "b.ics"]), st.just(b"x"))
replies = st.builds(
    Reply, st.sampled_from(Kind), text, st.lists(sections, max_size=4).map(tuple), rows, text,
    st.one_of(st.none(), states), st.one_of(st.none(), states.map(State.encode)),
    quote=text, files=st.lists(files, max_size=12).map(tuple), prompt=st.one_of(st.none(), prompts),
)  # fmt: skip

thoroughly = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@functools.cache
def knowledge() -> Knowledge:
    """Return the small knowledge; no fixture, since hypothesis would write out all of it for a failure."""
    with tempfile.TemporaryDirectory() as folder:
        return load(write_knowledge(Path(folder)))


@pytest.fixture(scope="module")
def texts() -> Texts:
    return knowledge().texts


def check(drawn: Drawn) -> None:
    """Fail where Discord would refuse a message, or somebody would be pinged."""
    message = drawn.payload()
    json.dumps(message).encode("ascii")
    assert list(message_faults(message)) == []
    assert "content" not in message
    assert refusals(MESSAGES, "post", message) == []
    sent = {f"files[{index}]": (file.name, file.content) for index, file in enumerate(drawn.files)}
    assert list(file_faults(message, sent)) == []


def embed_of(drawn: Drawn) -> Json:
    """Return the one embed of a message."""
    (embed,) = drawn.embeds
    return dict(embed)


def keys(drawn: Drawn) -> Iterator[Json]:
    for row in drawn.components:
        for component in row["components"]:
            yield from component["options"] if component["type"] == 3 else (component,)


def code(key: Json) -> str | None:
    return key.get("custom_id") or key.get("value")


def one(*shown: Block, **changes: Any) -> Reply:
    return Reply(Kind.ANSWER, changes.pop("title", "A title"), (Section(Part.ANSWER, shown),), **changes)


@thoroughly
@given(replies, st.booleans())
def test_no_reply_breaks_a_limit(reply: Reply, share: bool):
    """Whatever a reply holds, Discord takes the message, on every page, and it pings nobody."""
    check(render(reply, knowledge().texts, share=share))
    if reply.state:
        for step in (1, 63):
            check(render(dataclasses.replace(reply, state=reply.state.at(step)), knowledge().texts, share=share))


@thoroughly
@given(written, written, written, st.lists(written, min_size=1, max_size=4), st.sampled_from([None, "gb", "de"]))
def test_no_topic_breaks_a_limit(title: str, told: str, limits: str, steps: list[str], place: str | None):
    """Whatever editors write into a topic, Discord takes its answer, on every page."""
    small = knowledge()
    topic = small.topics["opt-out-phone"]
    form = topic.form.model_copy(
        update={
            "title": title,
            "answer": told,
            "more": told,
            "limits": limits,
            "steps": {Device.IOS: steps, Device.DESKTOP: steps},
        }
    )
    changed = dataclasses.replace(small, topics={**small.topics, topic.id: dataclasses.replace(topic, form=form)})
    for step in range(64):
        reply = answer(changed, State(Action.SHOW, topic.id, Device.IOS, place, step), TODAY)
        drawn = render(reply, small.texts, share=True)
        check(drawn)
        labels = [key["label"] for key in keys(drawn)]
        if small.texts.buttons.more not in labels:
            break
    assert small.texts.buttons.menu in labels


@thoroughly
@given(prompts)
def test_no_form_breaks_a_limit(prompt: Prompt):
    """Whatever a prompt holds, Discord opens its form."""
    body = {"type": 9, "data": form(prompt)}
    assert list(callback_faults(3, body, {})) == []
    assert refusals(CALLBACK, "post", body) == []


@thoroughly
@given(st.one_of(words, text, long_text), st.one_of(text, long_text))
def test_a_quotation_is_read_back_word_for_word(quote: str, said: str):
    """What a reply quotes is read back exactly, is no markup, and is told from what the reply itself says."""
    said_itself = Paragraph((Span(said),))
    drawn = render(one(said_itself, quote=quote, state=State(Action.SHOW, "a")), knowledge().texts)
    check(drawn)
    assert quoted_in(embed_of(drawn).get("description", "")) == safe(quote).strip()[:500].strip()
    for line in quotation(quote).splitlines():
        read(line.removeprefix("> "))
    unquoted = render(one(said_itself, state=State(Action.SHOW, "a")), knowledge().texts)
    assert quoted_in(embed_of(unquoted).get("description", "")) == ""


@thoroughly
@given(st.lists(st.one_of(text, long_text), min_size=1, max_size=3))
def test_nothing_ends_the_text_to_copy(letter: list[str]):
    """A letter stands in one block of code, as it was written; nothing in it ends the block."""
    section = Section(Part.LETTER, tuple(Paragraph((Span(part),)) for part in letter))
    drawn = render(Reply(Kind.SCREEN, "A letter", (section,)), knowledge().texts)
    check(drawn)
    shown = [embed["description"] for embed in drawn.embeds if "description" in embed]
    copied = "".join("".join(part.split("```")[1:-1]) for part in shown)
    assert all(part.count("```") in {0, 2} for part in shown)
    expected = "".join(re.sub("```+", lambda marks: "\u200b".join(marks[0]), safe(part)) for part in letter)
    if not shown or "…" not in shown[-1]:
        assert "".join(copied.split()) == "".join(expected.split())


_URL = re.compile(r"https?://[A-Za-z0-9/:.?=&%+_~#-]*[A-Za-z0-9/]")


def read(shown: str) -> str:
    """Return Discord's Markdown as it is read; fails where anything in it is markup."""
    outside = _URL.sub("", re.sub(r"\\[^0-9A-Za-z\s]", "", shown))
    assert not re.search(r"[\\*_~`|<\[\]]", outside), shown
    assert not re.search(r"(?m)^\s*([#>+-]|\d+[.)])", re.sub(r"\\[^0-9A-Za-z\s]", "x", shown)), shown
    return re.sub(r"\\([^0-9A-Za-z\s])", r"\1", shown)


@thoroughly
@given(st.one_of(text, long_text))
def test_plain_text_is_never_markup(said: str):
    """Plain text is read as it stands: nothing in it is Markdown, a mention, a link in disguise or a timestamp."""
    drawn = render(one(Paragraph((Span(said),)), title=said), knowledge().texts)
    expected = " ".join(safe(said).split())
    description = embed_of(drawn).get("description", "")
    if "Page" not in str(embed_of(drawn).get("footer")) and "…" not in description:
        assert " ".join(read(description).split()) == expected
    title = embed_of(drawn).get("title", "")
    if not title.endswith("…") and expected:
        assert read(title) == expected


@thoroughly
@given(st.lists(st.builds(Span, words, st.sampled_from(Style)), max_size=6))
def test_styles_hold_what_is_theirs(line: list[Span]):
    """Without our own marks a styled line reads as it stands: its text cannot end or begin a style."""
    drawn = render(one(Paragraph(tuple(line))), knowledge().texts)
    shown = embed_of(drawn).get("description", "").replace("\u200b", "")
    bare = re.sub(r"\\[^0-9A-Za-z\s]", "", _URL.sub("", shown))
    assert bare.replace("**", "").replace("*", "").find("_") == -1
    assert bare.count("*") % 2 == 0
    said = "".join(safe(span.text) for span in line).replace("\u200b", "")
    unmarked = re.sub(r"\\([^0-9A-Za-z\s])|\*", lambda match: match[1] or "", shown)
    if "Page" not in str(drawn.embeds) and "…" not in shown:
        assert "".join(unmarked.split()) == "".join(said.split())


@thoroughly
@given(text, text)
def test_links_lead_only_where_they_say(label: str, tail: str):
    """A masked link is one link to one https address, whatever its label and address try."""
    url = f"https://example.org/{tail}"
    drawn = render(one(Paragraph((Span("see "), Span(label, url=url), Span(" there")))), knowledge().texts)
    shown = embed_of(drawn)["description"]
    masked = re.findall(r"(?<!\\)\[((?:\\.|[^\[\]\\])*)\]\(([^()\s]*)\)", shown)
    assert len(masked) <= 1
    for _, target in masked:
        assert target.startswith("https://example.org/")


def test_addresses_that_are_none_are_left_out(texts: Texts):
    """Only https addresses of a host are linked; the text beside them stays."""
    for url in (
        "http://example.org",
        "javascript:x",
        "https://",
        "https://a b.example",
        "https://u@example.org",
        "https://exa\u202emple.org",
    ):
        assert safe_url(url) is None
        drawn = render(one(Paragraph((Span("label", url=url),)), rows=((LinkButton("x", url),),)), texts)
        assert embed_of(drawn)["description"] == "label"
        assert drawn.components == ()
    drawn = render(one(Paragraph((Span("a", url="https://example.org/a_(b)"),))), texts)
    assert embed_of(drawn)["description"] == "[a](https://example.org/a_%28b%29)"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("@everyone <@1> **b**", r"@everyone \<@1> \*\*b\*\*"),
        ("# h", r"\# h"),
        ("-# s", r"\-# s"),
        ("> q", r"\> q"),
        ("1. x", "1\\. x"),
        ("2025 was", "2025 was"),
        ("a - b > c # d", "a - b > c # d"),
        ("see https://example.org/a_b_c.", "see https://example.org/a_b_c."),
        ("[x](https://a.example)", r"\[x\](https://a.example)"),
    ],
)
def test_escaping(said: str, shown: str):
    """Only what would mean something is escaped, so that what is read aloud stays free of backslashes."""
    assert escaped(said, line_start=True) == shown


def test_pages_are_turned_in_place(texts: Texts):
    """A long answer has pages with title, footer and page on each, and buttons to turn them."""
    shown = [Paragraph((Span(f"{number} " + "word " * 80),)) for number in range(9)]
    reply = one(*shown, state=State(Action.SHOW, "a", check="ab"), footer="Sources checked on 1 May 2026")
    first = render(reply, texts)
    assert [key["label"] for key in keys(first)] == ["More"]
    assert embed_of(first)["footer"]["text"] == "Sources checked on 1 May 2026\nPage 1 of 2"
    second = render(dataclasses.replace(reply, state=decode(code(next(keys(first))) or "")), texts)
    assert [key["label"] for key in keys(second)] == ["Back"]
    assert embed_of(second)["title"] == "A title"
    assert embed_of(second)["footer"]["text"].endswith("Page 2 of 2")
    whole = embed_of(first)["description"] + embed_of(second)["description"]
    assert all(f"{number} word" in whole for number in range(9))


def full(counts: list[int], *, links: int = 0) -> Reply:
    """Return a reply with lists of so many buttons, links before and the menu behind them."""
    lists = [
        tuple(Button(f"b{row}-{n}", State(Action.SHOW, f"t{row}-{n}").encode()) for n in range(count))
        for row, count in enumerate(counts)
    ]
    first = tuple(LinkButton(f"l{n}", f"https://example.org/{n}") for n in range(links))
    menu = (Button("All subjects", State(Action.MENU).encode()),)
    share = State(Action.SHARE, "t").encode()
    body = tuple(Paragraph((Span("word " * 500),)) for _ in range(3))
    return one(
        *body,
        rows=tuple(row for row in (first, *lists, menu) if row),
        state=State(Action.SHOW, "t", step=1),
        share=share,
    )


@pytest.mark.parametrize(
    ("counts", "links"),
    [([4], 4), ([3, 4, 3, 4], 4), ([9], 0), ([20], 4), ([5, 5, 5, 5, 5, 5], 4), ([25, 25, 25], 12), ([26, 30], 0), ([1] * 9, 1)],
)  # fmt: skip
def test_everything_keeps_its_place(texts: Texts, counts: list[int], links: int):
    """However many lists there are, pages, sharing and the menu stay, and as little as possible is left out."""
    drawn = render(full(counts, links=links), texts, share=True)
    check(drawn)
    labels = [key["label"] for key in keys(drawn)]
    assert labels[-4:] == ["Back", "More", "Show to everyone", "All subjects"]
    buttons = sum(label.startswith("b") for label in labels)
    assert buttons == min(sum(counts), 75 if links else 100)
    assert sum(label.startswith("l") for label in labels) >= min(links, 5)


def test_long_lists_become_menus_to_choose_from(texts: Texts):
    """Up to ten of a kind are buttons; more are one menu, whose options hold the same codes."""
    assert {c["type"] for row in render(full([10]), texts).components for c in row["components"]} == {2}
    drawn = render(full([11]), texts)
    assert drawn.components[0]["components"][0]["type"] == 3
    assert drawn.components[0]["components"][0]["placeholder"] == texts.discord.choose
    assert decode(drawn.components[0]["components"][0]["options"][0]["value"]) == State(Action.SHOW, "t0-0")


def test_what_is_there_twice_is_there_once(texts: Texts):
    """Of buttons with the same code or address only the first is drawn."""
    twice = Button("first", "v1:menu::"), Button("second", "v1:menu::")
    links = LinkButton("one", "https://example.org"), LinkButton("two", "https://example.org")
    drawn = render(one(Paragraph((Span("x"),)), rows=(links, twice, twice)), texts)
    assert [key["label"] for key in keys(drawn)] == ["one", "first"]


def test_labels_are_cut_where_discord_would(texts: Texts):
    """A label longer than 34 characters ends in an ellipsis."""
    drawn = render(one(Paragraph((Span("x"),)), rows=((Button("w" * 40, "v1:menu::"),),)), texts)
    assert next(keys(drawn))["label"] == "w" * 33 + "…"


def test_sharing_is_offered_only_where_asked(texts: Texts):
    """The button that shows a reply to everyone stands only under private replies that can be shared."""
    reply = full([2])
    assert "Show to everyone" in [key["label"] for key in keys(render(reply, texts, share=True))]
    assert "Show to everyone" not in [key["label"] for key in keys(render(reply, texts))]
    unshared = dataclasses.replace(reply, share=None)
    assert "Show to everyone" not in [key["label"] for key in keys(render(unshared, texts, share=True))]


def answered(*rows: tuple[Key, ...], steps: int = 1) -> Reply:
    """Return an answer with a guide and feedback around the rows that a topic has."""
    guide = (Button("Guide me", State(Action.GUIDE, "t").encode()),)
    feedback = (
        Button("This helped", State(Action.HELPED, "t").encode()),
        Button("This didn't", State(Action.DIDNT, "t").encode()),
    )
    menu = (Button("All subjects", State(Action.MENU).encode()),)
    body = tuple(Paragraph((Span("word " * 600),)) for _ in range(steps))
    share = State(Action.SHARE, "t").encode()
    return one(*body, rows=(*rows, guide, feedback, menu), state=State(Action.SHOW, "t", step=steps // 2), share=share)


def some(row: int, count: int) -> tuple[Key, ...]:
    return tuple(Button(f"b{row}-{n}", State(Action.SHOW, f"t{row}-{n}").encode()) for n in range(count))


LINKS = (LinkButton("l0", "https://example.org/0"), LinkButton("l1", "https://example.org/1"))


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("counts", [[], [3], [3, 3, 3], [4, 3, 3, 5], [25, 25, 3]])
def test_guide_and_feedback_keep_their_places(texts: Texts, counts: list[int], steps: int):
    """However much stands under an answer, the guide is the first button, the feedback goes before the last keys."""
    drawn = render(
        answered(LINKS, *(some(row, count) for row, count in enumerate(counts)), steps=steps), texts, share=True
    )
    check(drawn)
    assert drawn.components[0]["components"][0]["label"] == "Guide me"
    assert [key["label"] for key in keys(drawn) if key.get("style") == 1] == ["Guide me"]
    labels = [key["label"] for key in keys(drawn)]
    after = labels[labels.index("This helped") :]
    assert after[:2] == ["This helped", "This didn't"]
    assert after[2:] == [*["Back", "More"][: steps - 1], "Show to everyone", "All subjects"] or steps == 2
    assert sum(label.startswith("b") for label in labels) == sum(counts)
    assert {"l0", "l1"} <= set(labels)


def test_feedback_has_a_row_of_its_own_where_there_is_room(texts: Texts):
    """Under a short answer the feedback stands apart; under one with many buttons it shares the last row."""
    rows = [[key["label"] for key in row["components"]] for row in render(answered(some(0, 3)), texts).components]
    assert rows == [["Guide me"], ["b0-0", "b0-1", "b0-2"], ["This helped", "This didn't"], ["All subjects"]]
    drawn = render(answered(*(some(row, 5) for row in range(3))), texts)
    rows = [[key["label"] for key in row["components"]] for row in drawn.components]
    assert rows[0] == ["Guide me"]
    assert rows[-1] == ["This helped", "This didn't", "All subjects"]
    assert all(len(row) == 5 for row in rows[1:-1])


def test_a_prompt_is_the_first_button(texts: Texts):
    """What asks for words of one's own shows a button for its form; other buttons of the same state go."""
    code_ = State(Action.WRITE, "objection", place="de").encode()
    prompt = Prompt(code_, "Write my reasons", "Objection", "Your reasons", "for example", "Letter: x", 1000)
    rows: tuple[tuple[Key, ...], ...] = (LINKS, (Button("the same", code_), CopyButton("Copy", "x")))
    drawn = render(one(Paragraph((Span("x"),)), rows=rows, prompt=prompt), texts)
    assert [key["label"] for key in keys(drawn)] == ["Write my reasons", "l0", "l1"]
    assert next(keys(drawn))["custom_id"] == code_
    assert form(prompt) == {
        "custom_id": code_,
        "title": "Objection",
        "components": [
            {
                "type": 18,
                "label": "Your reasons",
                "component": {
                    "type": 4,
                    "custom_id": "text",
                    "style": 2,
                    "required": True,
                    "max_length": 1000,
                    "placeholder": "for example",
                },
            }
        ],
    }


def test_a_letter_is_drawn_whole(texts: Texts):
    """A letter that no button leads back to is shown to its end, in further embeds where one is too short."""
    note = Section(Part.NOTE, blocks("Copy it."))
    lines = tuple(Paragraph((Span(f"Line {number}\n> *not markup* `{'w' * 100}`"),)) for number in range(36))
    drawn = render(Reply(Kind.SCREEN, "A letter", (note, Section(Part.LETTER, lines)), footer="No legal advice"), texts)
    check(drawn)
    assert len(drawn.embeds) == 2
    first, second = drawn.embeds
    assert first["title"] == "A letter"
    assert first["description"].startswith("Copy it.\n\n```\nLine 0\n> *not markup* `w")
    assert second["description"].startswith("```\nLine")
    assert "Line 35" in second["description"]
    assert "title" not in second
    assert "footer" not in first
    assert second["footer"]["text"] == "No legal advice"


def test_files_go_with_the_message(texts: Texts):
    """Files are named in the body in their order; a giant stays behind."""
    files = (File("a.txt", b"a"), File("huge.txt", b"x" * (FILE_SIZE + 1)), File("b.ics", b"b", "text/calendar"))
    drawn = render(one(Paragraph((Span("x"),)), files=files), texts)
    assert [file.name for file in drawn.files] == ["a.txt", "b.ics"]
    assert drawn.payload()["attachments"] == [{"id": "0", "filename": "a.txt"}, {"id": "1", "filename": "b.ics"}]
    assert "attachments" not in render(one(Paragraph((Span("x"),))), texts).payload()


def test_an_empty_reply_is_still_a_message(texts: Texts):
    """A reply in which nothing is to be seen names the bot, since Discord refuses an empty message."""
    drawn = render(Reply(Kind.FAULT, " \n", (Section(Part.ANSWER, (Paragraph(()),)),)), texts)
    check(drawn)
    assert embed_of(drawn) == {"title": texts.bot_name}


def test_nobody_is_pinged_and_private_replies_are_private(texts: Texts):
    """Every body forbids all mentions; the private one carries the flag."""
    drawn = render(one(Paragraph((Span("@everyone"),))), texts)
    assert drawn.payload()["allowed_mentions"] == {"parse": [], "replied_user": False}
    assert "flags" not in drawn.payload()
    assert drawn.payload(ephemeral=True)["flags"] == 64


@pytest.mark.parametrize(
    "state",
    [
        State(Action.SHOW, "opt-out-phone"),
        State(Action.SHOW, "opt-out-phone", Device.IOS, "de"),
        State(Action.SOURCES, "opt-out-phone"),
        State(Action.PLACE, "opt-out-phone"),
        State(Action.MENU),
        State(Action.GROUP, "opting-out"),
        State(Action.START),
        State(Action.HELP),
        State(Action.PRIVACY),
    ],
    ids=lambda state: f"{state.action}-{state.device or ''}{state.place or ''}",
)
def test_drawn_replies(dialogue: Dialogue, state: State, snapshot: SnapshotAssertion):
    """Replies look as they were last found to look well."""
    reply = dialogue.show(state)
    assert reply
    drawn = render(reply, dialogue.knowledge.texts, share=True)
    check(drawn)
    layout = [
        [f"[{key['label']}]" if "value" not in key else f"({key['label']})" for key in keys(Drawn((), (row,)))]
        for row in drawn.components
    ]
    embed = embed_of(drawn)
    assert (
        "\n".join([
            embed["title"], "", embed["description"], "", embed.get("footer", {}).get("text", ""), "",
            *(" ".join(row) for row in layout),
        ])
        == snapshot
    )  # fmt: skip


def test_real_topics_fit():
    """Every topic of the project's own knowledge, for every place and device, is a message that Discord takes."""
    knowledge = load(Path(__file__).resolve().parents[3] / "knowledge")
    day = datetime.date(2026, 11, 25)
    for topic in knowledge.topics.values():
        places = {None, *topic.form.places}
        for place in places:
            for device in (None, Device.IOS):
                reply = answer(knowledge, State(Action.SHOW, topic.id, device, place), day)
                drawn = render(reply, knowledge.texts, share=True)
                assert list(message_faults(drawn.payload())) == []
                labels = [key["label"] for key in keys(drawn)]
                assert {button.label for row in reply.rows for button in row} <= set(labels)


@pytest.mark.parametrize("sign", ["w", "*", "`", "\n", "😀"])
def test_real_letters_fit(sign: str):
    """Every letter for every place, also with the longest words of one's own, is one message that can be copied."""
    knowledge = load(Path(__file__).resolve().parents[3] / "knowledge")
    for letter in knowledge.letters.values():
        for place in letter.form.places:
            state = State(Action.WRITE if letter.form.grounds else Action.LETTER, letter.id, place=place)
            reply = letters.show(
                knowledge, dataclasses.replace(state, action=Action.LETTER, branch=letters.WRITTEN), TODAY
            )
            if letter.form.grounds:
                prompt = letters.show(knowledge, state, TODAY)
                assert prompt
                assert prompt.prompt
                assert list(callback_faults(3, {"type": 9, "data": form(prompt.prompt)}, {})) == []
                reply = letters.submitted(knowledge, state, TODAY, f"I {sign * (990 // units(sign))} so.")
            assert reply
            assert reply.files
            drawn = render(reply, knowledge.texts)
            check(drawn)
            assert "…" not in str(drawn.embeds)
            shown = "".join(embed["description"] for embed in drawn.embeds)
            assert letter.form.body.strip().splitlines()[-1] in shown


def test_blocks_of_the_knowledge_are_drawn(texts: Texts):
    """Small Markdown becomes Discord's: bold, italics, lists, links, numbered steps, headings."""
    told = blocks("**Bold** and *soft* [label](https://example.org/x).\n\n- one\n- two")
    reply = Reply(
        Kind.ANSWER, "T",
        (Section(Part.ANSWER, told), Section(Part.STEPS, (Items(((Span("Open"),), (Span("Tap"),)), 1),), "Steps")),
    )  # fmt: skip
    assert embed_of(render(reply, texts))["description"] == (
        "**Bold** and *soft* [label](https://example.org/x).\n\n- one\n- two\n\n### Steps\n1. Open\n2. Tap"
    )
