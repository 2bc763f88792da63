from __future__ import annotations

import asyncio
import datetime
import gzip
import io
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
import structlog
from structlog.testing import capture_logs
from telegram import Update, WebhookInfo
from telegram.error import BadRequest, NetworkError
from yarl import URL

from bot.platforms.claims import Claim, LocalClaims
from bot.platforms.platform import PermanentFault
from bot.platforms.telegram import webhook
from bot.platforms.telegram.webhook import Listen, Webhook

SECRET = "a-secret-of-telegram"


@dataclass
class FakeBot:
    """As much of the library's Bot as a webhook needs."""

    url: str = ""
    refuses: str = ""
    error_date: datetime.datetime | None = None
    error: str = "Connection refused"
    allowed: tuple[str, ...] = ()
    set_with: dict[str, Any] = field(default_factory=dict)
    defaults: None = None

    async def initialize(self) -> None:
        return

    async def get_webhook_info(self) -> WebhookInfo:
        told = {"last_error_date": self.error_date, "last_error_message": self.error}
        return WebhookInfo(self.url, False, 0, allowed_updates=self.allowed, **told)

    async def set_webhook(self, url: str, **given: Any) -> None:
        if self.refuses:
            raise BadRequest(self.refuses)
        self.url, self.set_with, self.allowed = url, given, tuple(given["allowed_updates"])


@dataclass
class Taken:
    """Updates that were taken; each is answered when a test says so."""

    ids: list[int] = field(default_factory=list)
    answers: dict[int, asyncio.Future[bool]] = field(default_factory=dict)
    at_once: bool = True
    one: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, update: Update) -> asyncio.Future[bool]:
        self.ids.append(update.update_id)
        self.one.set()
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if self.at_once:
            answer.set_result(True)
        self.answers[update.update_id] = answer
        return answer


@pytest.fixture
def listen() -> Listen:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return Listen("https://bot.example.org/telegram", SECRET, "127.0.0.1", free.getsockname()[1])


@pytest.fixture
def bot() -> FakeBot:
    return FakeBot()


@pytest.fixture
def taken() -> Taken:
    return Taken()


Make = Callable[[], Webhook]


@pytest.fixture
def make(bot: FakeBot, taken: Taken, listen: Listen) -> Make:
    def make() -> Webhook:
        loop = asyncio.get_running_loop()
        log = structlog.get_logger()
        return Webhook(bot, taken, LocalClaims(loop.time), listen, log, now=lambda: 1_000.0)  # type: ignore[arg-type]

    return make


@pytest.fixture
async def hook(make: Make) -> AsyncIterator[Webhook]:
    hook = make()
    await hook.begin()
    yield hook
    await hook.confirm()


async def post(listen: Listen, body: Any = None, *, path: str = "/telegram", secret: str | None = SECRET) -> int:
    headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret is not None else {}
    given: dict[str, Any] = {"data": io.BytesIO(body)} if isinstance(body, bytes) else {"json": body}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{listen.port}{path}", headers=headers, **given) as response,
    ):
        return response.status


async def test_telegram_is_told_where_to_deliver(hook: Webhook, bot: FakeBot, listen: Listen):
    """The webhook is set with its secret and only what we handle, and is able to answer from then on."""
    assert bot.url == listen.url
    assert bot.set_with["secret_token"] == SECRET
    assert set(bot.set_with["allowed_updates"]) == {"message", "callback_query", "inline_query"}
    assert hook.connected


async def test_an_update_is_taken_and_answered_with_200(hook: Webhook, taken: Taken, listen: Listen):
    """What Telegram delivers with the secret is handed on once, also when it comes again."""
    assert await post(listen, {"update_id": 5}) == 200
    assert await post(listen, {"update_id": 5}) == 200
    assert taken.ids == [5]


@pytest.mark.parametrize(
    ("path", "secret", "status"),
    [("/", SECRET, 404), ("/telegram/", SECRET, 404), ("/healthz", SECRET, 404), ("/telegram", "wrong", 403),
     ("/telegram", "", 403), ("/telegram", None, 403)],
)  # fmt: skip
async def test_only_the_one_path_with_the_secret_is_answered(
    hook: Webhook, taken: Taken, listen: Listen, path: str, secret: str | None, status: int
):
    """Every other path is unknown here, and without the secret nothing is taken."""
    assert await post(listen, {"update_id": 5}, path=path, secret=secret) == status
    assert taken.ids == []


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b"[]", 400), (b"[" * 100_000, 400), (b'{"update_id": "5"}', 400), (b'{"update_id": true}', 400),
     (b'{"update_id": 5, "x": "' + b"y" * (1 << 20) + b'"}', 413)],
)  # fmt: skip
async def test_what_is_no_update_is_refused(hook: Webhook, taken: Taken, listen: Listen, body: bytes, status: int):
    """A body that is broken, of another form, or above a mebibyte is refused and harms nothing."""
    assert await post(listen, body) == status
    assert taken.ids == []
    assert await post(listen, {"update_id": 6}) == 200


async def test_what_cannot_be_read_is_refused_and_fills_no_log(
    hook: Webhook, taken: Taken, listen: Listen, caplog: pytest.LogCaptureFixture
):
    """What calls itself compressed and is not, or is no HTTP, is the fault of whoever sent it, not ours."""
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET, "Content-Encoding": "gzip"}
    async with aiohttp.ClientSession(headers=headers) as session:
        address = f"http://127.0.0.1:{listen.port}/telegram"
        for body, status in ((b"no gzip", 400), (gzip.compress(b'{"update_id": 5}'), 200)):
            async with session.post(address, data=body) as response:
                assert response.status == status
    reader, writer = await asyncio.open_connection("127.0.0.1", listen.port)
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert b" 400 " in await reader.read()
    writer.close()
    assert taken.ids == [5]
    assert not caplog.records


async def test_telegram_hears_of_an_update_when_its_answer_was_handed_over(hook: Webhook, taken: Taken, listen: Listen):
    """The delivery stays open until the answer left, so that Telegram repeats it if we die before."""
    taken.at_once = False
    delivery = asyncio.create_task(post(listen, {"update_id": 5}))
    await taken.one.wait()
    assert not delivery.done()
    taken.answers[5].set_result(True)
    assert await delivery == 200


async def test_a_long_answer_holds_the_delivery_for_a_bounded_time(
    hook: Webhook, taken: Taken, listen: Listen, monkeypatch: pytest.MonkeyPatch
):
    """After five seconds Telegram is told that the update arrived; it is answered all the same."""
    monkeypatch.setattr(webhook, "HAND_OVER_WITHIN", 0.05)
    taken.at_once = False
    assert await post(listen, {"update_id": 5}) == 200
    taken.answers[5].set_result(True)
    assert await post(listen, {"update_id": 5}) == 200
    assert taken.ids == [5]


async def test_what_finds_no_room_is_left_to_telegram(
    make: Make, listen: Listen, taken: Taken, monkeypatch: pytest.MonkeyPatch
):
    """Telegram keeps what cannot even be queued, and its next delivery is answered; a stop gives it back at once."""
    monkeypatch.setattr(webhook, "HAND_OVER_WITHIN", 0.05)
    monkeypatch.setattr(webhook, "CLOSE_WITHIN", 0.05)
    room, came = asyncio.Event(), asyncio.Event()

    async def take(update: Update) -> asyncio.Future[bool]:
        came.set()
        await room.wait()
        return await taken(update)

    hook = make()
    hook._take = take
    await hook.begin()
    assert await post(listen, {"update_id": 5}) == 503
    room.set()
    assert await post(listen, {"update_id": 5}) == 200
    room.clear()
    came.clear()
    monkeypatch.setattr(webhook, "HAND_OVER_WITHIN", 5)
    delivery = asyncio.create_task(post(listen, {"update_id": 6}))
    await came.wait()
    await hook.confirm()
    assert await delivery == 503
    assert taken.ids == [5]
    assert await hook._claims.take(6) is Claim.OURS


async def test_a_press_does_not_wait_for_a_free_connection(
    make: Make, taken: Taken, listen: Listen, monkeypatch: pytest.MonkeyPatch
):
    """Where more are held than may be, the oldest is let go, and is answered all the same; the others are held."""
    monkeypatch.setattr(webhook, "MOST_HELD", 2)
    hook = make()
    await hook.begin()
    taken.at_once = False
    deliveries = [asyncio.create_task(post(listen, {"update_id": 5}))]
    await taken.one.wait()
    for id in (6, 7):
        taken.one.clear()
        deliveries.append(asyncio.create_task(post(listen, {"update_id": id})))
        await taken.one.wait()
    assert await deliveries[0] == 200
    assert not any(delivery.done() for delivery in deliveries[1:])
    for answer in taken.answers.values():
        answer.set_result(True)
    assert [await delivery for delivery in deliveries] == [200, 200, 200]
    assert await post(listen, {"update_id": 5}) == 200
    assert sorted(taken.ids) == [5, 6, 7]
    await hook.confirm()


async def test_an_update_that_was_not_answered_comes_again(hook: Webhook, taken: Taken, listen: Listen):
    """Where answering was broken off, the next delivery of the update is answered."""
    taken.at_once = False
    first = asyncio.create_task(post(listen, {"update_id": 5}))
    await taken.one.wait()
    taken.answers[5].set_result(False)
    assert await first == 503
    taken.at_once = True
    assert await post(listen, {"update_id": 5}) == 200
    assert taken.ids == [5, 5]


async def test_a_stopping_process_takes_nothing_more_over_connections_that_are_open(
    hook: Webhook, taken: Taken, listen: Listen
):
    """A load balancer keeps its connections; what it sends over one of them goes to another process."""
    async with aiohttp.ClientSession(headers={"X-Telegram-Bot-Api-Secret-Token": SECRET}) as session:
        address = f"http://127.0.0.1:{listen.port}/telegram"
        async with session.post(address, json={"update_id": 5}) as response:
            assert response.status == 200
        await hook.stop()
        async with session.post(address, json={"update_id": 6}) as response:
            assert response.status == 503
    assert taken.ids == [5]


async def test_an_update_whose_claim_comes_after_the_stop_is_left_to_others(
    hook: Webhook, taken: Taken, listen: Listen, monkeypatch: pytest.MonkeyPatch
):
    """What answers may be closed already, so the claim is given up and Telegram delivers again."""
    claims = hook._claims
    asked, stopped = asyncio.Event(), asyncio.Event()
    take = claims.take

    async def slow(id: int) -> Claim:
        asked.set()
        await stopped.wait()
        return await take(id)

    monkeypatch.setattr(claims, "take", slow)
    delivery = asyncio.create_task(post(listen, {"update_id": 5}))
    await asked.wait()
    await hook.stop()
    stopped.set()
    assert await delivery == 503
    assert taken.ids == []
    assert await take(5) is Claim.OURS


@pytest.mark.parametrize("path", ["/a%20b", "/a+b;c=1/", ""])
async def test_any_path_that_can_be_set_is_found(make: Make, listen: Listen, taken: Taken, path: str):
    """A path with escapes is compared as requests name it."""
    named = replace(listen, url=f"https://bot.example.org{path}")
    hook = make()
    hook._listen = named
    await hook.begin()
    assert await post(listen, {"update_id": 5}, path=URL(path or "/", encoded=True).raw_path) == 200
    await hook.confirm()
    assert taken.ids == [5]


async def test_a_refused_webhook_ends_the_platform_with_one_sentence(make: Make, bot: FakeBot):
    """Telegram's refusal of the address is told, and not tried again."""
    bot.refuses = "Bad webhook: HTTPS url must be provided for webhook"
    hook = make()
    with pytest.raises(PermanentFault, match=r"Telegram refuses the webhook .*correct TELEGRAM_WEBHOOK_URL"):
        await hook.begin()
    await hook.confirm()


@pytest.mark.parametrize("change", ["url", "updates", "secret"])
async def test_what_others_change_about_the_webhook_is_set_right_and_told(
    hook: Webhook, bot: FakeBot, listen: Listen, change: str
):
    """Another address, presses kept back or another secret: each would leave people without answers for good."""
    looks, looked_again = 0, asyncio.Event()

    async def sleep(_seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks > 2:
            looked_again.set()
            await asyncio.Event().wait()

    hook._sleep = sleep
    bot.set_with = {}
    if change == "url":
        bot.url = "https://elsewhere.example.org/"
    elif change == "updates":
        bot.allowed = ("message",)
    else:
        assert await post(listen, {"update_id": 5}, secret="another") == 403
        bot.error_date = datetime.datetime.fromtimestamp(1_001, datetime.UTC)
        bot.error = "Wrong response from the webhook: 403 Forbidden"
    with capture_logs() as logs:
        task = asyncio.create_task(hook.run())
        await looked_again.wait()
        task.cancel()
    assert bot.url == listen.url
    assert bot.set_with["secret_token"] == SECRET
    assert sum("webhook is set again" in line["event"] for line in logs) == 1


async def test_a_refusal_that_is_not_ours_sets_no_webhook(hook: Webhook, bot: FakeBot):
    """What stands before us and refuses Telegram's deliveries is not mended by telling Telegram our secret."""
    looked_again = asyncio.Event()
    sleeps = iter((None, None))

    async def sleep(_seconds: float) -> None:
        if next(sleeps, looked_again) is looked_again:
            looked_again.set()
            await asyncio.Event().wait()

    hook._sleep = sleep
    bot.set_with = {}
    bot.error_date = datetime.datetime.fromtimestamp(1_001, datetime.UTC)
    bot.error = "Wrong response from the webhook: 403 Forbidden"
    task = asyncio.create_task(hook.run())
    await looked_again.wait()
    task.cancel()
    assert not bot.set_with
    assert not hook.connected


async def test_a_taken_port_ends_the_platform_with_one_sentence(make: Make, hook: Webhook):
    """Where somebody else listens already, the sentence names the variable and the address."""
    with pytest.raises(PermanentFault, match=r"TELEGRAM_WEBHOOK_LISTEN: 127\.0\.0\.1:"):
        await make().begin()


async def test_an_error_newer_than_the_last_update_counts_and_silence_does_not(hook: Webhook, bot: FakeBot):
    """Telegram's latest error means that nobody gets an answer; an old one, or none, does not."""
    hook._judge(await bot.get_webhook_info())
    assert hook.connected
    bot.error_date = datetime.datetime.fromtimestamp(1_001, datetime.UTC)
    hook._judge(await bot.get_webhook_info())
    assert not hook.connected
    hook._last_update = 1_002.0
    hook._judge(await bot.get_webhook_info())
    assert hook.connected


async def test_an_outage_shows_after_two_looks(hook: Webhook, bot: FakeBot, monkeypatch: pytest.MonkeyPatch):
    """What passes within a minute does not show; whoever cannot reach Telegram for longer can answer nobody."""
    time, ready, over = 0.0, [], asyncio.Event()

    async def unreached() -> WebhookInfo:
        ready.append((time, hook.connected))
        if time > 120:
            over.set()
            await asyncio.Event().wait()
        raise NetworkError("x")

    async def sleep(seconds: float) -> None:
        nonlocal time
        time += seconds

    monkeypatch.setattr(bot, "get_webhook_info", unreached)
    hook._sleep = sleep
    task = asyncio.create_task(hook.run())
    await over.wait()
    task.cancel()
    assert any(30 < at < 60 and can for at, can in ready)
    assert all(can is (at < 2 * webhook.LOOK_EVERY + 5) for at, can in ready)
