from __future__ import annotations

import os
import re
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from conftest import ROOT, TODAY, write_knowledge
from sample_letters import LETTERS

from bot.dialogue.checkup import REGIONS
from bot.dialogue.guide import controls_of
from bot.knowledge.loader import load
from bot.knowledge.model import Knowledge, PlaceId
from bot.workshop.export import INDEX, SHEET, pages
from bot.workshop.folder import MARK, FolderError, write_folder

REFUSED = {"script", "link", "img", "iframe", "object", "embed", "form", "base"}


class Page(HTMLParser):
    """Collects ids, links, headings and landmarks of a page, and fails on a tag that is not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headings: list[int] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        found = dict(attrs)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "a":
            self.links.append(str(found["href"]))
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.headings.append(int(tag[1]))
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load(ROOT / "knowledge")


@pytest.fixture(scope="module")
def exported(knowledge: Knowledge) -> dict[str, Page]:
    return {path: Page(text) for path, text in pages(knowledge, TODAY).items()}


def test_every_topic_has_a_page_and_a_place_on_the_sheet(knowledge: Knowledge, exported: dict[str, Page]):
    """Index, sheet, a page a topic, a letter and a region of the check-up: nothing is left out."""
    topics = {f"topics/{id}.html" for id in knowledge.topics}
    letters = {f"letters/{id}.html" for id in knowledge.letters}
    regions = {f"check-up/{region}.html" for region in (*REGIONS, "elsewhere")}
    assert set(exported) == {INDEX, SHEET, *topics, *letters, *regions}
    assert set(knowledge.topics) | {f"letter_{id}" for id in knowledge.letters} <= set(exported[SHEET].ids)
    assert {f"check_up_{region}" for region in (*REGIONS, "elsewhere")} <= set(exported[SHEET].ids)


def test_every_link_leads_somewhere(exported: dict[str, Page]):
    """Each link inside the export meets a page and, where it names one, a place on it; others are plain https."""
    followed = 0
    for path, page in exported.items():
        for address in page.links:
            parts = urlsplit(address)
            if parts.scheme:
                assert parts.scheme == "https", (path, address)
                continue
            target = os.path.normpath(Path(path).parent / unquote(parts.path)) if parts.path else path
            assert target in exported, (path, address)
            if parts.fragment:
                assert parts.fragment in exported[target].ids, (path, address)
            followed += 1
    assert followed > 300


def test_every_page_can_be_reached_from_the_index(exported: dict[str, Page]):
    """Whoever begins at the index finds every page."""
    reached, queue = {INDEX}, [INDEX]
    while queue:
        here = queue.pop()
        for address in exported[here].links:
            if not urlsplit(address).scheme and urlsplit(address).path:
                target = os.path.normpath(Path(here).parent / urlsplit(address).path)
                if target not in reached:
                    reached.add(target)
                    queue.append(target)
    assert reached == set(exported)


def test_pages_run_and_load_nothing(exported: dict[str, Page]):
    """No script, no handler, no style or picture from elsewhere."""
    for path, page in exported.items():
        assert not REFUSED & set(page.tags), path
        assert not [name for name, _ in page.attributes if name.startswith("on") or name in {"src", "style"}], path


def test_pages_can_be_used_without_eyes(knowledge: Knowledge, exported: dict[str, Page]):
    """Language, title, one main, one first heading, no level left out, no id twice, and a way past the navigation."""
    texts = pages(knowledge, TODAY)
    for path, page in exported.items():
        assert '<html lang="en-GB">' in texts[path]
        assert page.tags.count("main") == 1
        assert page.headings.count(1) == 1, path
        assert page.headings[0] == 1 or path == SHEET, path
        assert all(later - earlier <= 1 for earlier, later in zip(page.headings, page.headings[1:], strict=False)), path
        assert len(page.ids) == len(set(page.ids)), path
        assert "#main" in page.links


def test_a_topic_page_holds_everything_of_its_topic(small: Knowledge):
    """Steps by device, what differs by place, limits, sources, status of facts and dates are there; words stay words."""
    text = pages(small, TODAY)["topics/opt-out-phone.html"]
    for told in (
        "<h1>Turn off AI training on your phone</h1>", "You can switch it off in the app.", "Step by step: iPhone or iPad",
        "<li>Tap <strong>Settings</strong>.</li>", "What differs in the United Kingdom", "In the UK you can switch it off as well.",
        "What this does not do", "It does not undo earlier training.", "<em>thing</em>", "The Daily Example: <a href=", "(2025-10-01, copy)",
        "Sources checked on 1 November 2026", "well supported, as of 23 November 2026", '<a href="private-messages.html">',
    ):  # fmt: skip
        assert told in text, told
    assert small.texts.due not in text
    assert small.texts.due in pages(small, TODAY.replace(year=2028))["topics/opt-out-phone.html"]
    assert small.texts.disclaimer.split(",")[0] in text


def test_an_export_replaces_an_earlier_one_whole(tmp_path: Path):
    """What the earlier export had and the new one has not is gone, and nothing is left beside it."""
    folder = tmp_path / "deep" / "out"
    write_folder(folder, {"index.html": "1", "topics/a.html": "a"})
    write_folder(folder, {"index.html": "2", "topics/b.html": "b"})
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert files == [MARK, "index.html", "topics/b.html"]
    assert (folder / "index.html").read_text(encoding="utf-8") == "2"
    assert list(folder.parent.iterdir()) == [folder]


def test_an_empty_folder_is_filled(tmp_path: Path):
    """A folder with nothing in it may be written to."""
    (tmp_path / "out").mkdir()
    write_folder(tmp_path / "out", {"index.html": "1"})
    assert (tmp_path / "out" / "index.html").is_file()


@pytest.mark.parametrize("foreign", ["CNAME", "topics/notes.txt", ".git/config"])
def test_nothing_of_anybody_else_is_lost(tmp_path: Path, foreign: str):
    """A folder that holds another file, even inside an earlier export, is refused and stays as it is."""
    folder = tmp_path / "out"
    write_folder(folder, {"index.html": "1", "topics/a.html": "a"})
    (folder / foreign).parent.mkdir(exist_ok=True)
    (folder / foreign).write_text("mine", encoding="utf-8")
    with pytest.raises(FolderError, match=r"nothing of it was touched"):
        write_folder(folder, {"index.html": "2"})
    assert (folder / foreign).read_text(encoding="utf-8") == "mine"
    assert (folder / "index.html").read_text(encoding="utf-8") == "1"


def test_a_file_and_the_folder_one_is_in_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A file, the current folder and one above it are no place for an export."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(FolderError, match="is a file"):
        write_folder(tmp_path / "file", {"index.html": "1"})
    (tmp_path / "here" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here" / "below")
    for name in (".", ".."):
        with pytest.raises(FolderError, match="folder that you are in"):
            write_folder(Path(name), {"index.html": "1"})


def test_a_failure_in_the_middle_leaves_the_earlier_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """When the new pages cannot be put in place, the old ones are still there, and nothing else."""
    folder = tmp_path / "out"
    write_folder(folder, {"index.html": "1"})
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(FolderError, match="No space left"):
        write_folder(folder, {"index.html": "2"})
    assert (folder / "index.html").read_text(encoding="utf-8") == "1"
    assert list(tmp_path.iterdir()) == [folder]


def test_equal_steps_are_written_once(small: Knowledge, folder: Path):
    """Devices on which the way is the same share one list."""
    path = folder / "topics" / "opting-out" / "opt-out-phone.yaml"
    text = path.read_text(encoding="utf-8").replace("on your Android.", "on your iPhone.")
    path.write_text(text, encoding="utf-8")
    written = pages(load(folder), TODAY)["topics/opt-out-phone.html"]
    assert "Step by step: iPhone or iPad, Android phone or tablet" in written
    assert written.count("Open the app on your iPhone.") == 1


def test_the_sheet_leaves_out_only_what_says_the_same(small: Knowledge):
    """On paper the plain words are left out; answer, steps, limits, places, sources and dates are all there."""
    sheet = pages(small, TODAY)[SHEET]
    assert "There is a switch. Turn it off." not in sheet
    for told in (
        "You can switch it off in the app.", "<li>Tap <strong>Settings</strong>.</li>", "It does not undo earlier training.",
        "What differs in the United Kingdom", "Open the app in the EEA.", "The Daily Example: <a href=", "Sources checked on 1 November 2026",
    ):  # fmt: skip
        assert told in sheet, told


def test_a_letter_page_is_a_form_to_fill_in(tmp_path: Path):
    """Whom it goes to, what to enclose, by when, its words with blanks, the next letter, sources and facts are there."""
    written = pages(load(write_knowledge(tmp_path / "k", LETTERS)), TODAY)
    text = written["letters/objection.html"]
    for told in (
        "<h1>Objection (Article 21)</h1>", "For people in: European Economic Area, Switzerland", "It tells LinkedIn to stop.",
        "<li>LinkedIn Ireland Unlimited Company, Dublin</li>", '<a href="https://www.linkedin.com/help/linkedin/ask/TS-DPRO">',
        "Enclose nothing.", "One month after the day on which you send it.", "up to 3 months", "A bare sentence may not suffice.",
        "Subject: Objection of [date]", "LinkedIn Ireland Unlimited Company, Dublin\n[date]\n", "[your own words]",
        "[day by which the answer is due]", '<a href="reminder.html">Reminder</a>', "LinkedIn Help: <a href=",
        "Sources checked on 1 November 2026", "well supported, as of 23 November 2026",
    ):  # fmt: skip
        assert told in text, told
    assert "{" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    assert "14 days after" in written["letters/reminder.html"]
    assert "[date of my first letter]" in written["letters/reminder.html"]
    assert '<a href="#letter_reminder">' in written[SHEET]


def test_a_complaint_names_the_authority_of_each_country(knowledge: Knowledge):
    """Where the authority follows from the country, the page lists them all, and the form leaves a gap."""
    text = pages(knowledge, TODAY)["letters/complaint-gdpr.html"]
    for place in ("fr", "ie", "se"):
        regulator = knowledge.regulator_of(PlaceId(place))
        assert regulator
        assert f'<a href="{regulator.url}">{escape(regulator.name)}</a>' in text
    assert "[name of the authority]" in text
    only = pages(knowledge, TODAY)["letters/complaint-uk-ico.html"]
    assert "[name of the authority]" not in only


def test_a_check_up_page_has_the_controls_of_its_region(knowledge: Knowledge):
    """Each region lists its own controls in order, with why and with the way to the topic that has the steps."""
    written = pages(knowledge, TODAY)
    for region in (*REGIONS, "elsewhere"):
        text = written[f"check-up/{region}.html"]
        controls = controls_of(knowledge, None if region == "elsewhere" else region)
        places = [text.index(f"<h2>{at}. {escape(one.title)}</h2>") for at, one in enumerate(controls, 1)]
        assert places == sorted(places)
        for control in controls:
            assert escape(control.why, quote=False) in text
            assert f'<a href="../topics/{control.topic}.html">' in text
        assert f"<h2>{len(controls) + 1}." not in text


def test_topics_lead_to_what_one_can_do(exported: dict[str, Page]):
    """A topic of the check-up links to it, and one that shares a fact with a letter to the letters."""
    assert f"../{INDEX}#check_ups" in exported["topics/opt-out-overview.html"].links
    assert f"../{INDEX}#letters_" in exported["topics/objection-form.html"].links
    assert not [address for address in exported["topics/slack.html"].links if "#check_ups" in address]


def test_an_export_without_letters_has_no_place_for_them(small: Knowledge):
    """Where the knowledge has no letters, neither index nor sheet speaks of them."""
    written = pages(small, TODAY)
    assert "letters_" not in written[INDEX]
    assert "letters_" not in written[SHEET]
