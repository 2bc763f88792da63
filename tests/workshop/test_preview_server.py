"""The preview answers this machine's own browser, and nobody else."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from conftest import SMALL, TODAY, FakeMatcher, sure

from bot.app import mind_of, training
from bot.dialogue.dialogue import Dialogue, Mind
from bot.dialogue.state import Action, State
from bot.knowledge.loader import load
from bot.knowledge.model import Knowledge
from bot.matching.model import Explanation, Matcher, NearestAsk, Thresholds, Word
from bot.service.reload import RefitError
from bot.workshop.preview.guard import refusal
from bot.workshop.preview.live import Live, Parts, Tell
from bot.workshop.preview.nothing_kept import NothingKept
from bot.workshop.preview.server import HOST, PortError, PreviewServer

PHONE = "topics/opting-out/opt-out-phone.yaml"


class Explaining(FakeMatcher):
    """A matcher that also says why."""

    def explain(self, text: str, *, after: str | None = None, apart: bool = False) -> Explanation:
        match = self.match(text, after=after)
        return Explanation(
            match, text, (("ths", "this"),), 0.8, match.topics, None, (Word("phone", 0.5),),
            tuple(NearestAsk(one.topic, "an ask", 0.7) for one in match.topics), (), Thresholds(0.6, 0.9, 0.1),
        )  # fmt: skip


class Quiet:
    def info(self, *_: object, **__: object) -> None:
        """Say nothing."""

    warning = error = info


@dataclass
class Learning:
    """Stands for the process that fits: tells how far it is, and ends when a test lets it."""

    matcher: Matcher
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0
    fails: bool = False

    async def __call__(self, _knowledge: Knowledge, tell: Tell) -> Matcher:
        self.asked += 1
        tell("reading", 0.25)
        await self.may_end.wait()
        if self.fails:
            raise RefitError("The phrasings could not be learned.")
        return self.matcher


@dataclass
class Preview:
    """A preview that is served, with what a test steers it by."""

    base: str
    live: Live
    folder: Path
    matcher: Explaining
    learning: Learning
    client: aiohttp.ClientSession
    saved: asyncio.Queue[None]

    def save(self, path: str, change: Callable[[str], str]) -> None:
        file = self.folder / path
        file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")
        self.saved.put_nowait(None)

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        async with self.client.get(self.base + path, headers=headers) as response:
            text = await response.text()
            return response.status, json.loads(text) if response.content_type == "application/json" else text

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        async with self.client.post(self.base + path, json=body, headers=headers) as response:
            text = await response.text()
            return response.status, json.loads(text) if response.content_type == "application/json" else text

    async def until(self, holds: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Return the first state for which `holds`, as a page hears it."""
        async with asyncio.timeout(30), self.client.get(f"{self.base}/api/events") as response:
            async for line in response.content:
                state = json.loads(line.removeprefix(b"data: ")) if line.startswith(b"data: ") else {}
                if state and holds(state):
                    return dict(state)
        raise AssertionError("the stream ended")


@asynccontextmanager
async def previewing(folder: Path) -> AsyncIterator[Preview]:
    matcher = Explaining()
    learning = Learning(matcher)
    learning.may_end.set()
    saved: asyncio.Queue[None] = asyncio.Queue()

    async def changes() -> AsyncIterator[None]:
        while True:
            yield await saved.get()

    def dialogue(mind: Mind) -> Dialogue:
        return Dialogue(mind, clock=lambda: 0.0, today=lambda: TODAY, ledger=NothingKept())

    parts = Parts(
        folder, lambda: load(folder), mind_of, lambda knowledge: training(knowledge).digest(), learning, dialogue,
        lambda: TODAY, Quiet(),
    )  # fmt: skip
    live = Live(parts)
    server = PreviewServer(live, parts)
    port = await server.start(0)
    running = asyncio.create_task(live.run(changes()))
    async with aiohttp.ClientSession() as client:
        yield Preview(f"http://{HOST}:{port}", live, folder, matcher, learning, client, saved)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await server.stop()


@pytest.mark.parametrize(
    ("host", "origin", "site", "welcome"),
    [
        ("127.0.0.1:8765", None, None, True),
        ("localhost:8765", "http://localhost:8765", "same-origin", True),
        ("[::1]:8765", "http://[::1]:8765", None, True),
        ("localhost", None, "none", True),
        ("preview.example", None, None, False),
        ("localhost.example:8765", None, None, False),
        ("127.0.0.1.example", None, None, False),
        ("", None, None, False),
        ("127.0.0.1:8765", "http://evil.example", None, False),
        ("127.0.0.1:8765", "http://127.0.0.1:9000", None, False),
        ("127.0.0.1:8765", "null", None, False),
        ("127.0.0.1:8765", None, "cross-site", False),
    ],
)
def test_who_is_let_in(host: str, origin: str | None, site: str | None, *, welcome: bool):
    """Only names of this machine are answered, and only pages of the preview itself may ask."""
    assert (refusal(host, origin, site) is None) is welcome


async def test_refusal_over_http(folder: Path):
    """A foreign Host or Origin gets one sentence and nothing of the knowledge, on every path."""
    async with previewing(folder) as preview:
        await preview.until(lambda state: state["loaded"])
        for path in ("/", "/api/outline", "/api/events", "/preview.js"):
            status, text = await preview.get(path, Host="evil.example")
            assert (status, "localhost only" in text) == (403, True)
        status, text = await preview.post("/api/ask", {"question": "x"}, Origin="http://evil.example")
        assert (status, "other pages" in text) == (403, True)


async def test_headers(folder: Path):
    """Every response, refusals and streams included, forbids the page to load anything from elsewhere."""
    async with previewing(folder) as preview:
        await preview.until(lambda state: state["loaded"])
        for path, host in (("/", None), ("/api/events", None), ("/nothing", None), ("/", "evil.example")):
            headers = {"Host": host} if host else {}
            async with preview.client.get(preview.base + path, headers=headers) as response:
                policy = response.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
            assert "unsafe" not in policy


async def test_page_names_nothing_from_elsewhere(folder: Path):
    """The page and what it loads name no address outside of this server."""
    async with previewing(folder) as preview:
        for path in ("/", "/preview.css", "/preview.js", "/icon.svg"):
            status, text = await preview.get(path)
            assert status == 200
            assert "//" not in text.replace("http://www.w3.org/2000/svg", "").replace("// ", "")


async def test_taken_port(folder: Path):
    """A port that is taken is told in one sentence with the way out."""
    async with previewing(folder) as preview:
        port = int(preview.base.rsplit(":", 1)[1])
        other = PreviewServer(preview.live, preview.live._parts)
        with pytest.raises(PortError, match=rf"^127\.0\.0\.1:{port} is taken; choose another with --port\.$"):
            await other.start(port)


async def test_outline_lists_topics_and_screens(folder: Path):
    """All topics are listed by group, and after them the bot's own screens, each with a code that is answered."""
    async with previewing(folder) as preview:
        await preview.until(lambda state: state["loaded"])
        _, found = await preview.get("/api/outline")
        titles = [group["title"] for group in found["groups"]]
        assert titles == ["Opting out", "Which data", "Screens and letters"]
        for entry in (entry for group in found["groups"] for entry in group["entries"]):
            status, shown = await preview.post("/api/show", {"code": entry["code"]})
            assert status == 200
            assert shown["message"]["telegram"]


async def test_show_fits_device_and_place(folder: Path):
    """A screen is shown for the device and the place that are chosen; others are refused in a sentence."""
    async with previewing(folder) as preview:
        await preview.until(lambda state: state["loaded"])
        code = State(Action.SHOW, "opt-out-phone").encode()
        _, plain = await preview.post("/api/show", {"code": code})
        _, fitted = await preview.post("/api/show", {"code": code, "device": "ios", "place": "gb"})
        assert fitted["message"]["discord"] != plain["message"]["discord"]
        assert "United Kingdom" in fitted["message"]["discord"]
        assert (await preview.post("/api/show", {"code": code, "device": "fridge"}))[0] == 400
        assert (await preview.post("/api/show", {"code": "v9:nonsense"}))[0] == 400
        assert (await preview.post("/api/show", ["no", "object"]))[0] == 400


async def test_buttons_lead_on(folder: Path):
    """What a button sends is answered with what it leads to, and an unknown one with the kind sentence people get."""
    async with previewing(folder) as preview:
        await preview.until(lambda state: state["loaded"])
        _, menu = await preview.post("/api/press", {"code": State(Action.MENU).encode()})
        assert State(Action.GROUP, "which-data").encode() in menu["message"]["telegram"]
        _, old = await preview.post("/api/press", {"code": "v1:gone:"})
        assert old["message"]["kind"] == "fault"


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_what_people_can_say_about_answers(folder: Path, tmp_path: Path):
    """The way to the editors can be walked with the quoted words, to a receipt, and nothing is kept of it."""
    before = files(tmp_path)
    async with previewing(folder) as preview:
        await preview.until(lambda state: state["loaded"])
        _, tried = await preview.post("/api/ask", {"question": "who ate my cookies"})
        quote = tried["message"]["quote"]
        assert quote == "who ate my cookies"
        _, shown = await preview.post("/api/press", {"code": State(Action.EDITORS).encode(), "quoted": quote})
        assert "who ate my cookies" in shown["message"]["discord"]
        send = State(Action.SEND, "preview").encode()
        assert send in shown["message"]["telegram"]
        _, sent = await preview.post("/api/press", {"code": send, "quoted": quote})
        assert State(Action.WITHDRAW, "preview").encode() in sent["message"]["telegram"]
    assert files(tmp_path) == before


async def test_trying_a_question(folder: Path):
    """A tried question shows the reply, its band, what was recognised, the ranking, and whether an edit moved it."""
    async with previewing(folder) as preview:
        preview.matcher.says = {"opt out in munich on an iphone": sure("opt-out-phone")}
        await preview.until(lambda state: state["loaded"])
        _, tried = await preview.post("/api/ask", {"question": "opt out in munich on an iphone"})
        assert (tried["band"], tried["device"], tried["place"]) == ("sure", "ios", "de")
        assert tried["topics"] == ["opt-out-phone"]
        assert tried["why"]["ranked"][0]["ask"] == "an ask"
        assert tried["why"]["repaired"] == ["ths → this"]
        assert tried["before"]["same"] is True
        assert "You can switch it off in the app." in tried["message"]["telegram"]


async def test_tried_question_that_an_edit_moved(folder: Path):
    """After an edit whose phrasings were learned, a question that goes elsewhere says where it went before."""
    async with previewing(folder) as preview:
        preview.matcher.says = {"read my notes": sure("private-messages")}
        preview.learning.matcher = after = Explaining(says={"read my notes": sure("opt-out-phone")})
        await preview.until(lambda state: state["loaded"])
        # The first knowledge was learned with the first matcher.
        preview.live.before.change(mind_of(load(folder), preview.matcher))
        preview.save(PHONE, lambda text: text.replace("asks:\n", "asks:\n  - read my notes please\n"))
        await preview.until(lambda state: state["moved"])
        _, tried = await preview.post("/api/ask", {"question": "read my notes"})
        assert after.asked
        assert tried["before"] == {"same": False, "was": "sure: private-messages", "now": "sure: opt-out-phone"}


async def test_saved_file_is_shown_at_once(folder: Path):
    """An edit of a sentence is in both looks as soon as the page hears of it, without learning anything anew."""
    async with previewing(folder) as preview:
        first = await preview.until(lambda state: state["loaded"] and not state["checking"])
        preview.save(PHONE, lambda text: text.replace("switch it off in the app", "switch it off under **Kiwi**"))
        await preview.until(lambda state: state["serial"] > first["serial"] + 1)
        code = State(Action.SHOW, "opt-out-phone").encode()
        _, shown = await preview.post("/api/show", {"code": code})
        assert "<strong>Kiwi</strong>" in shown["message"]["discord"]
        assert "<b>Kiwi</b>" in shown["message"]["telegram"]
        assert preview.learning.asked == 1


async def test_broken_file_keeps_the_last_good_answer(folder: Path):
    """A broken file is told with line and remedy, also beside its line, while the last good answer is still shown."""
    async with previewing(folder) as preview:
        await preview.until(lambda state: state["loaded"])
        preview.save(PHONE, lambda text: text.replace("title:", "ttile:", 1))
        state = await preview.until(lambda state: state["errors"])
        assert any("ttile" in error["what"] and error["line"] == 1 for error in state["errors"])
        _, file = await preview.get(f"/api/file?path={PHONE}")
        assert file["lines"][0].startswith("ttile:")
        assert 'did you mean "title"?' in [finding["remedy"] for finding in file["findings"]]
        status, shown = await preview.post("/api/show", {"code": State(Action.SHOW, "opt-out-phone").encode()})
        assert (status, "You can switch it off" in shown["message"]["discord"]) == (200, True)
        preview.save(PHONE, lambda text: text.replace("ttile:", "title:", 1))
        assert (await preview.until(lambda state: not state["errors"]))["loaded"]


async def test_broken_from_the_start(folder: Path):
    """A folder that is broken from the start shows its errors, and its answers once it is mended."""
    (folder / PHONE).write_text(SMALL[PHONE].replace("title:", "ttile:", 1), encoding="utf-8")
    async with previewing(folder) as preview:
        state = await preview.until(lambda state: state["errors"])
        assert state["loaded"] is False
        _, found = await preview.get("/api/outline")
        assert [entry["id"] for entry in found["groups"][0]["entries"]] == ["opt-out-phone", "private-messages"]
        assert (await preview.post("/api/ask", {"question": "x"}))[0] == 503
        preview.save(PHONE, lambda text: text.replace("ttile:", "title:", 1))
        assert (await preview.until(lambda state: state["loaded"]))["errors"] == []


async def test_learning_shows_its_progress(folder: Path):
    """While new phrasings are learned a bar says how far that is, and the previous ones go on answering."""
    async with previewing(folder) as preview:
        await preview.until(lambda state: state["loaded"])
        preview.learning.may_end.clear()
        preview.save(PHONE, lambda text: text.replace("asks:\n", "asks:\n  - something quite new\n"))
        state = await preview.until(lambda state: state["learning"])
        assert state["learning"] == {"step": "reading", "share": 0.25}
        assert (await preview.post("/api/press", {"code": State(Action.MENU).encode()}))[0] == 200
        preview.learning.may_end.set()
        await preview.until(lambda state: not state["learning"])


async def test_learning_that_fails(folder: Path):
    """Phrasings that cannot be learned are told, and the previous ones go on answering."""
    async with previewing(folder) as preview:
        await preview.until(lambda state: state["loaded"])
        preview.learning.fails = True
        preview.save(PHONE, lambda text: text.replace("asks:\n", "asks:\n  - something quite new\n"))
        state = await preview.until(lambda state: state["fault"])
        assert "could not be learned" in state["fault"]
        assert state["loaded"]


async def test_moved_questions(folder: Path):
    """After learning, the golden questions that are answered otherwise are listed, with a bar meanwhile."""
    async with previewing(folder) as preview:
        await preview.until(lambda state: state["loaded"])
        preview.live.before.change(mind_of(load(folder), Explaining()))
        preview.learning.matcher = Explaining(says={"where is the switch on my handset": sure("opt-out-phone")})
        preview.save(PHONE, lambda text: text.replace("asks:\n", "asks:\n  - something quite new\n"))
        state = await preview.until(lambda state: state["moved"])
        assert state["moved"]["sentence"] == "Since the preview started, this edit moved 1 question (1 better)."
        assert state["moved"]["moves"][0]["question"] == "where is the switch on my handset"
        assert state["moving"] is None


async def test_comparing_on_demand(folder: Path):
    """Without an edit no question moved, and the page is told so when it asks."""
    async with previewing(folder) as preview:
        await preview.until(lambda state: state["loaded"])
        assert (await preview.post("/api/compare", {}))[0] == 200
        state = await preview.until(lambda state: state["moved"])
        assert state["moved"]["sentence"] == "Since the preview started, no question moved."


async def test_only_files_of_the_knowledge(folder: Path, tmp_path: Path):
    """No path leads out of the knowledge folder, also not through a link."""
    (tmp_path / "secret.yaml").write_text("secret", encoding="utf-8")
    (folder / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    async with previewing(folder) as preview:
        for path in ("../secret.yaml", str(tmp_path / "secret.yaml"), "link.yaml", "groups.yaml/../../secret.yaml", ""):
            status, body = await preview.get(f"/api/file?path={path}")
            assert (status, "secret" in body.get("lines", [])) == (404, False)
        assert (await preview.get("/api/file?path=groups.yaml"))[0] == 200


async def test_what_a_topic_rests_on(folder: Path):
    """A topic shows its facts with their status and sources, and when its check is due."""
    async with previewing(folder) as preview:
        await preview.until(lambda state: state["loaded"])
        _, found = await preview.get("/api/about?path=topics/which-data/private-messages.yaml")
        assert [(fact["id"], fact["status"]) for fact in found["facts"]] == [("F-DATA-01", "contested")]
        assert found["facts"][0]["sources"][0]["name"] == "LinkedIn Help: Control your data"
        assert "reviewed" in found["review"]
        _, checkup = await preview.get("/api/about?path=checkup.yaml")
        assert [fact["id"] for fact in checkup["facts"]] == ["F-OPT-01"]
        assert (await preview.get("/api/about?path=texts.yaml"))[0] == 404


async def test_new_topic_that_is_not_loaded_yet(folder: Path):
    """A new file with errors is listed as not loaded, so that an editor finds it and its lines."""
    async with previewing(folder) as preview:
        await preview.until(lambda state: state["loaded"])
        shutil.copy(folder / PHONE, folder / "topics/opting-out/newcomer.yaml")
        preview.save("topics/opting-out/newcomer.yaml", lambda text: text.replace("title:", "ttile:", 1))
        await preview.until(lambda state: state["errors"])
        _, found = await preview.get("/api/outline")
        assert found["groups"][0]["title"] == "Not loaded"
        assert [entry["id"] for entry in found["groups"][0]["entries"]] == ["newcomer"]
        assert found["groups"][0]["entries"][0]["findings"] >= 1
