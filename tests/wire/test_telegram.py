from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator

import pytest
from process import BotProcess
from telegram_server import ADA, BEN, GROUP, PRIVATE, SPEC, TOKEN, Call, Fault, TelegramServer

DONE, NO_PLATFORM = 0, 3


def bot(server: TelegramServer, **more: str) -> BotProcess:
    environment = {"TELEGRAM_TOKEN": TOKEN, "TELEGRAM_API_BASE_URL": server.base_url, "NO_PROXY": "*", **more}
    return BotProcess(environment, python=("-W", "error", "-W", "ignore:'audioop' is deprecated:DeprecationWarning"))


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        yield server


async def answer_to(server: TelegramServer, text: str, **rest: object) -> Call:
    """Write in the private chat; returns the one message that comes back."""
    before = len(server.said())
    await server.write(text, **rest)  # type: ignore[arg-type]
    await server.until(lambda: len(server.said()) > before and not server.unconfirmed, 60)
    assert len(server.said()) == before + 1
    return server.said()[-1]


async def test_people_get_their_answers(server: TelegramServer):
    """Questions, screens, deep links, presses and inline mode work over the wire, from a bare start to a clean end."""
    async with bot(server) as process:
        stop = await answer_to(server, "how do i stop linkedin training ai on my stuff")
        assert "Sources checked on" in stop.text
        assert stop.value("link_preview_options") == {"is_disabled": True}
        fitted = await answer_to(server, "i'm in munich on an iphone, how do i turn it off")
        assert "For: iPhone or iPad, Germany" in fitted.text
        assert "Step by step: iPhone or iPad" in fitted.text
        assert "private" in (await answer_to(server, "are my dms read?")).text.lower()
        refused = await answer_to(server, "what's the weather")
        assert "I have no answer to that" in refused.text
        assert "neither to LinkedIn nor to Microsoft" in (await answer_to(server, "/start")).text
        assert "kept" in (await answer_to(server, "/privacy")).text
        for command in ("/help", "/about", "/topics", "/nonsense"):
            assert (await answer_to(server, command)).codes
        linked = await answer_to(server, "/start past-training")
        assert "past-training" in " ".join(linked.codes)
        await server.press(server.message_of(refused), refused.codes[0])
        await server.until(lambda: server.of("editMessageText"))
        assert server.of("answerCallbackQuery")
        await server.type("does linkedin read my messages")
        await server.until(lambda: server.of("answerInlineQuery"))
        results = server.of("answerInlineQuery")[0].value("results")
        assert 1 <= len(results) <= 20
        assert await process.stop() == DONE
    assert "Telegram is connected" in process.output
    assert not server.unconfirmed
    assert '"level": "error"' not in process.output
    assert '"level": "warning"' not in process.output


async def test_a_follow_up_to_a_message_of_ours_keeps_its_topic(server: TelegramServer):
    """Who replies to an answer asks about its topic, also after a restart."""
    async with bot(server) as process:
        first = await answer_to(server, "/start opt-out-phone")
        assert await process.stop() == DONE
    async with bot(server) as process:
        second = await answer_to(server, "and on android?", reply_to_message=server.message_of(first))
        assert second.text.splitlines()[0] == first.text.splitlines()[0]
        assert "Android" in second.text
        assert await process.stop(signal.SIGINT) == DONE


async def test_groups_are_answered_where_they_ask(server: TelegramServer):
    """In a group only what is addressed to the bot is answered, in its topic, as a reply; presses stay with their owner."""
    topic = {"message_thread_id": 77, "is_topic_message": True}
    async with bot(server) as process:
        await server.write("good morning everybody", GROUP, BEN)
        await server.write("/help@SomeOtherBot", GROUP, BEN)
        await server.push("edited_message", server.body(GROUP, BEN, text="@GuideTestBot are my dms read"))
        await server.push("message", server.body(GROUP, BEN, new_chat_members=[BEN]))
        await server.write("@GuideTestBot, are my dms read?", GROUP, ADA, **topic)
        asked = server._message
        await server.until(lambda: server.said() and not server.unconfirmed, 60)
        [answer] = server.said()
        assert answer["message_thread_id"] == "77"
        assert answer.value("reply_parameters") == {"message_id": asked, "allow_sending_without_reply": True}
        message = {**server.message_of(answer), "reply_to_message": server.body(GROUP, ADA, text="x")}
        code = next(code for code in answer.codes if code.startswith("v1:show:"))
        await server.press(message, code, BEN)
        await server.until(lambda: server.of("answerCallbackQuery"))
        assert server.of("answerCallbackQuery")[0]["url"].startswith("https://t.me/GuideTestBot?start=")
        await server.press(message, code, ADA)
        await server.until(lambda: server.of("editMessageText"))
        await server.write("/topics", GROUP, BEN)
        await server.until(lambda: len(server.said()) == 2)
        assert await process.stop() == DONE
    assert len(server.of("editMessageText")) == 1


@pytest.mark.parametrize("form", ["console", "json"])
async def test_nothing_typed_no_id_and_no_token_is_written_out(server: TelegramServer, form: str):
    """Floods, refusals, outages and broken updates leave no word, id, name or token in the output, in either form."""
    secret = "xylophone appointment"
    for method in ("sendMessage", "editMessageText", "answerCallbackQuery", "answerInlineQuery"):
        for status, description, parameters in (
            (400, f"Bad Request: {secret}", None),
            (403, f"Forbidden: {secret}", None),
            (429, f"Too Many Requests: {secret}", {"retry_after": 0 if "Message" in method else 3600}),
        ):
            server.faults.append(Fault(method, status, description, parameters))
    server.faults.append(Fault("sendMessage", 500, secret, times=2))
    server.faults.append(Fault("getUpdates", 500, secret))
    async with bot(server, BOT_LOG=form) as process:
        await server.push("message", {**server.body(text=secret), "entities": [{"type": secret}]})
        for _ in range(3):
            await server.write(f"{secret} {TOKEN}")
            await server.press({**server.body(PRIVATE), "text": "x"}, f"v1:{secret}")
            await server.type(secret)
        await server.until(lambda: len(server.of("sendMessage")) >= 5 and not server.unconfirmed, 60)
        assert await process.stop() == DONE
    assert "could not be sent" in process.output
    for hidden in (*secret.split(), TOKEN, TOKEN.partition(":")[2], str(ADA["id"]), "Adalinde", "ada_of_test"):
        assert hidden not in process.output


async def test_a_bad_token_ends_the_process(server: TelegramServer):
    """With no platform left the process says so and ends with 3; the sentence holds no token."""
    server.token = "1:another"
    async with bot(server) as process:
        assert await process.ended() == NO_PLATFORM
    assert "does not accept the token" in process.output
    assert TOKEN.partition(":")[2] not in process.output


async def test_a_token_that_is_revoked_while_polling_ends_it(server: TelegramServer):
    """The end comes with one sentence, at whatever time."""
    async with bot(server) as process:
        await process.says("Telegram is connected")
        server.faults.append(Fault("*", 401, "Unauthorized", times=99))
        await server.write("hello")
        assert await process.ended() == NO_PLATFORM
    assert "does not accept the token" in process.output


async def test_a_webhook_ends_it_and_stays(server: TelegramServer):
    """A deployment that receives by webhook is left alone."""
    server.webhook = "https://elsewhere.example/hook"
    async with bot(server) as process:
        assert await process.ended() == NO_PLATFORM
    assert "webhook" in process.output
    assert "elsewhere.example" not in process.output
    assert {call.method for call in server.calls} <= {"getMe", "getWebhookInfo"}


async def test_a_refused_webhook_ends_it(server: TelegramServer):
    """Telegram's reason is told, and what to correct."""
    server.faults.append(Fault("setWebhook", 400, "Bad Request: bad webhook: IP address 10.0.0.1 is reserved"))
    own = {
        "TELEGRAM_WEBHOOK_URL": "https://bot.example.org/telegram",
        "TELEGRAM_WEBHOOK_SECRET": "a-secret-of-telegram",
        "TELEGRAM_WEBHOOK_LISTEN": "127.0.0.1:0",
    }
    async with bot(server, **own) as process:
        assert await process.ended() == NO_PLATFORM
    assert "Telegram refuses the webhook (Bad webhook: ip address 10.0.0.1 is reserved)" in process.output
    assert len(server.of("setWebhook")) == 1


async def test_a_second_poller_ends_one_of_two(server: TelegramServer):
    """Two processes with one token: one ends with a sentence, the other goes on answering."""
    async with bot(server) as one, bot(server) as two:
        ends = [asyncio.create_task(process.ended(60)) for process in (one, two)]
        done, running = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        assert done.pop().result() == NO_PLATFORM
        assert "Another process" in one.output + two.output
        await answer_to(server, "/help")
        for process, task in ((one, ends[0]), (two, ends[1])):
            if task in running:
                assert await process.stop() == DONE
                task.cancel()


async def test_an_answer_under_way_is_finished_on_the_way_out(server: TelegramServer):
    """A signal while an answer hangs: it is sent or left to Telegram, and the process ends within five seconds."""
    hold = asyncio.Event()
    server.faults.append(Fault("sendMessage", hold=hold, chat=PRIVATE["id"]))
    async with bot(server) as process:
        stuck = await server.write("are my dms read?")
        await server.until(server.said)
        began = time.monotonic()
        assert await process.stop() == DONE
        assert time.monotonic() - began < 5
        assert server.unconfirmed == [stuck]
    hold.set()


async def test_an_outage_is_outlived(server: TelegramServer):
    """While Telegram is away nothing ends; afterwards the question is answered once."""
    server.faults.append(Fault("*", 502, page="<html>Bad Gateway</html>", times=3))
    async with bot(server) as process:
        server.faults.append(Fault("sendMessage", drop=True))
        await server.write("are my dms read?")
        await server.until(lambda: server.said() and not server.unconfirmed, 60)
        server.faults.append(Fault("getUpdates", drop=True, times=2))
        await server.write("/help")
        await server.until(lambda: len(server.said()) == 3 and not server.unconfirmed, 60)
        assert await process.stop() == DONE


@pytest.mark.skipif(not SPEC.exists(), reason="the description of the Bot API is not beside this checkout")
async def test_the_local_server_holds_calls_against_the_description(server: TelegramServer):
    """The check that all tests here rest on finds what is wrong."""
    server._check(Call("sendMessage", {"chat_id": "1", "text": "x", "nonsense": "1"}))
    server._check(Call("sendMessage", {"text": "x", "link_preview_options": '{"is_disabled": "no"}'}))
    server._check(Call("sendMesage", {}))
    assert len(server.violations) == 4
    server.violations.clear()
