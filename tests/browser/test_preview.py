"""An editor's way through the preview, in a real browser."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from driving import ROOT, Page, browser, serving
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

PHONE = "topics/opting-out/opt-out-phone.yaml"
ANSWER = "#entry=opt-out-phone&device=ios&place=de"
PANES = ("#discord-dark", "#discord-light", "#telegram")
LEARNING = 600.0
"""Seconds that fitting all phrasings may take beside other work."""

TITLE = "Turn off AI training on a phone or tablet"


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    with browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def page(driver: WebDriver, tmp_path: Path) -> Iterator[Page]:
    folder = Path(shutil.copytree(ROOT / "knowledge", tmp_path / "knowledge"))
    cache = tmp_path / "cache"
    cache.mkdir()
    for heads in (ROOT / "var" / "cache").glob("heads-*.npz"):
        shutil.copy(heads, cache)
    with serving(folder, cache) as base:
        page = Page(driver, base, folder)
        page.narrow(1600, 1200)
        page.scheme("light")
        driver.get_log("performance")
        driver.get_log("browser")
        yield page


def test_changed_menu_label_is_in_both_previews(page: Page):
    """A menu that LinkedIn renamed is in all three panes soon after it was saved, the page staying where it was."""
    page.open(ANSWER)
    page.button("#telegram", "Show me step by step")
    page.run(
        "scrollTo(0, 300); document.querySelector('#telegram .row button').focus({preventScroll: true}); window.kept = 1"
    )
    focused = page.focused()
    page.edit(PHONE, lambda text: text.replace("Tap **Settings** at the bottom", "Tap **Cogwheel** at the bottom"))
    for pane in PANES:
        page.until(lambda pane=pane: "Tap Cogwheel at the bottom" in page.text(pane))
    assert "For: iPhone or iPad, Germany" in page.text("#telegram")
    assert page.focused() == focused
    assert page.run("return [scrollY, window.kept]") == [300, 1]
    assert "entry=opt-out-phone&device=ios&place=de" in page.run("return location.hash")
    assert page.complaints() == []


def test_broken_file_leads_to_the_mistake(page: Page):
    """A broken file is told with line and remedy, at its line too, beside the last good answer; mending ends it."""
    page.open(ANSWER)
    page.edit(PHONE, lambda text: text.replace("limits:", "limts:", 1))
    page.until(lambda: 'unknown key "limts"' in page.text("#errors"))
    assert "opt-out-phone.yaml, line" in page.text("#errors")
    assert 'did you mean "limits"?' in page.text("#errors")
    page.until(lambda: 'did you mean "limits"?' in page.text("#file li.error"))
    assert page.text("#file li.error").startswith("limts:")
    for pane in PANES:
        assert TITLE in page.text(pane)
    page.click(page.find("#errors button"))
    page.until(lambda: page.focused("id") == "file")
    assert page.run(
        "const box = document.querySelector('#file').getBoundingClientRect();"
        "const line = document.querySelector('#file li.error').getBoundingClientRect();"
        "return line.top >= box.top && line.bottom <= box.bottom"
    )
    page.edit(PHONE, lambda text: text.replace("limts:", "limits:", 1))
    page.until(lambda: not page.text("#errors"))
    assert page.complaints() == []


def test_buttons_work(page: Page):
    """Buttons of each platform lead on in all panes, Back leads back, and links open beside the preview."""
    page.open(ANSWER)
    page.press("#telegram", "Show me step by step")
    assert "Step 1 of" in page.text("#discord-dark")
    page.press("#discord-light", "Next")
    assert "Step 2 of" in page.text("#telegram")
    page.click(page.find("#back"))
    page.until(lambda: "Step 1 of" in page.text("#telegram"))
    link = page.find("#telegram a.key")
    assert link.get_attribute("target") == "_blank"
    assert "noopener" in (link.get_attribute("rel") or "")
    page.click(page.find("#first"))
    page.until(lambda: "Sources checked" in page.text("#telegram"))
    assert page.complaints() == []


def test_device_and_place(page: Page):
    """Another device and another place change the answer in all panes."""
    page.open("#entry=opt-out-phone")
    page.run("document.querySelector('#devices input[value=android]').click()")
    page.until(lambda: "For: Android" in page.text("#telegram"))
    page.run("const s = document.querySelector('#place'); s.value = 'gb'; s.dispatchEvent(new Event('change'))")
    for pane in PANES:
        page.until(lambda pane=pane: "United Kingdom" in page.text(pane))


def test_trying_a_question(page: Page):
    """A question shows the reply in all panes and says why: band, device, place and the ranked topics."""
    page.open(ANSWER)
    page.find("#question").send_keys("i'm in lyon, how do i stop this on my android" + Keys.ENTER)
    page.until(lambda: "Band" in page.text("#why"))
    why = page.text("#why")
    assert "android" in why
    assert "opt-out-phone" in why
    assert "changed nothing here" in why
    for pane in PANES:
        assert "France" in page.text(pane)
    assert page.complaints() == []


def test_letter_with_own_words(page: Page):
    """A letter asks for a person's own words in a form, shows them in the letter, and has files to download."""
    page.open("#entry=/objection-gdpr")
    for label in ("Write", "grounds", "own words"):
        if page.run("return document.querySelector('#prompt').hidden") and label in page.text("#telegram"):
            page.press("#telegram", label)
    page.until(lambda: page.text("#prompt"))
    page.find("#words").send_keys("My posts are about my illness.")
    page.click(page.find("#prompt button"))
    page.until(lambda: "My posts are about my illness." in page.text("#discord-dark pre"))
    assert page.run("return [...document.querySelectorAll('#telegram a[download]')].map((link) => link.download)")
    assert page.complaints() == []


def test_learning_and_moved_questions(page: Page):
    """New asks are learned with a bar on the page, and then the golden questions that moved are told."""
    page.open(ANSWER)
    page.edit(
        PHONE, lambda text: text.replace("asks:\n", "asks:\n  - zebra crossing in the linkedin app on my handset\n")
    )
    page.until(lambda: page.run("return document.querySelector('#learning') !== null"))
    page.until(lambda: "Since the preview started" in page.text("#moved"), patience=LEARNING)
    assert "question" in page.text("#moved")
    assert page.complaints() == []


def test_keyboard_alone(page: Page):
    """Everything can be reached and done without a mouse, and the focus is always to be seen."""
    page.open()
    page.run("document.activeElement.blur()")
    page.tab()
    assert page.focused() == "Skip to the answer"
    assert page.find(".skip").rect["x"] >= 0
    page.keys("/")
    assert page.focused("id") == "search"
    page.keys("computer")
    page.until(lambda: "entr" in page.text("#hits"))
    page.keys(Keys.ARROW_DOWN)
    assert "entry" in page.focused("className")
    page.keys(Keys.ENTER)
    page.until(lambda: "computer" in page.text("#subject"))
    page.keys("/")
    page.keys(Keys.ESCAPE)
    assert page.focused("id") == "subject"
    assert page.run("return document.querySelector('#search').value") == ""
    for _ in range(40):
        page.tab()
        if page.focused() == "Show me step by step":
            break
    assert page.focused() == "Show me step by step"
    assert page.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keys(Keys.ENTER)
    page.until(lambda: "Step 1 of" in page.text("#telegram"))
    assert page.focused("id") == "discord-dark"


def test_nothing_leaves_this_machine(page: Page):
    """However the page is used, the browser asks no host but the preview's own."""
    page.open(ANSWER)
    page.press("#telegram", "Show me step by step")
    page.find("#question").send_keys("who owns linkedin" + Keys.ENTER)
    page.until(lambda: page.text("#why"))
    assert page.hosts() == {page.base.split("/")[2]}


@pytest.mark.parametrize("width", [360, 800, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_any_window(page: Page, width: int, scheme: str):
    """Nothing has to be scrolled sideways, and text stands out enough, in any window and both schemes."""
    page.narrow(width)
    page.scheme(scheme)
    page.open(ANSWER)
    page.find("#question").send_keys("how do i turn it off" + Keys.ENTER)
    page.until(lambda: page.text("#why"))
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    assert page.run(CONTRAST) == []


def test_names_and_landmarks(page: Page):
    """Landmarks, headings in order, a name for each control, unique ids: what a screen reader lives on."""
    page.open(ANSWER)
    assert page.run("return ['header', 'nav', 'main'].map((name) => document.querySelectorAll(name).length)") == [
        1,
        1,
        1,
    ]
    assert page.run("return document.documentElement.lang") == "en-GB"
    assert page.run(NAMELESS) == []
    ids = page.run("return [...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids))
    levels = page.run(
        "return [...document.querySelectorAll('main h1, main h2, main h3')].map((one) => +one.tagName[1])"
    )
    assert levels[0] == 2
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert page.run("return document.querySelectorAll('[role=status]').length") >= 2


NAMELESS = """
return [...document.querySelectorAll('button, a[href], input, select, textarea, summary, progress, meter, section, [role=region]')]
  .filter((one) => one.checkVisibility())
  .filter((one) => !(one.innerText?.trim() || one.labels?.length || one.ariaLabel || one.getAttribute('aria-labelledby')))
  .map((one) => one.outerHTML.slice(0, 120));
"""

CONTRAST = """
const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
const parse = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
const light = ([r, g, b]) => [r, g, b].map((part) => part / 255).map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
  .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
const behind = (one) => { for (let at = one; at; at = at.parentElement) { const found = parse(getComputedStyle(at).backgroundColor); if (found[3] > 250) return found; } return [255, 255, 255, 255]; };
const faint = new Set();
for (const one of document.querySelectorAll('body *')) {
  const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!own || !one.checkVisibility() || one.closest('.unseen, .skip, :disabled')) continue;
  const [a, b] = [light(parse(getComputedStyle(one).color)), light(behind(one))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < 4.5) faint.add(`${one.tagName}.${one.className}: ${one.textContent.slice(0, 30)} ${ratio.toFixed(2)}`);
}
return [...faint];
"""
