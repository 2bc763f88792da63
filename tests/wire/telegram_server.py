"""A local server that speaks Telegram's Bot API, keeps its rules and records what it is sent."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, web

TOKEN = "4711:Very-secret_token-of-a-test"
SPEC = Path(__file__).resolve().parents[2].parent / "shared" / "specs" / "telegram_api.json"
ME = {
    "id": 4711,
    "is_bot": True,
    "first_name": "Guide",
    "username": "GuideTestBot",
    "can_join_groups": True,
    "can_read_all_group_messages": False,
    "supports_inline_queries": True,
}
PRIVATE = {"id": 5550010010, "type": "private", "first_name": "Ada"}
GROUP = {"id": -100200, "type": "supergroup", "title": "Neighbours"}
ADA = {"id": 5550010010, "is_bot": False, "first_name": "Adalinde", "username": "ada_of_test", "language_code": "en"}
BEN = {"id": 5550010020, "is_bot": False, "first_name": "Benedikt", "language_code": "en"}

Json = dict[str, Any]


@dataclass
class Call:
    """One call of a method; `value` reads a parameter that is sent as JSON."""

    method: str
    form: dict[str, str]
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Name and content of each file, by its field."""
    at: float = field(default_factory=time.monotonic)

    def __getitem__(self, name: str) -> str:
        return self.form[name]

    def get(self, name: str) -> str | None:
        return self.form.get(name)

    def value(self, name: str) -> Any:
        return json.loads(self.form[name])

    @property
    def chat(self) -> int:
        return int(self.form["chat_id"])

    @property
    def text(self) -> str:
        """The text as people read it."""
        return parse_html(self["text"])[0] if self.get("parse_mode") == "HTML" else self["text"]

    @property
    def codes(self) -> list[str]:
        return [button["callback_data"] for button in self.buttons if "callback_data" in button]

    @property
    def buttons(self) -> list[Json]:
        markup = self.get("reply_markup")
        return [button for row in json.loads(markup).get("inline_keyboard", ()) for button in row] if markup else []


@dataclass
class Fault:
    """What to do with the next `times` calls of a method (for one chat only, where set) in place of answering."""

    method: str
    status: int = 500
    description: str = "Internal Server Error"
    parameters: Json | None = None
    times: int = 1
    chat: int | None = None
    page: str | None = None
    drop: bool = False
    hold: asyncio.Event | None = None
    drip: float = 0.0
    """Seconds between the bytes of an answer that has no end."""


class TelegramServer:
    """Use as `async with`; on leaving it complains about every call that broke the rules of the Bot API."""

    def __init__(self, token: str = TOKEN, *, strict: bool = True) -> None:
        self.token = token
        self.strict = strict
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.violations: list[str] = []
        self.webhook = ""
        self.webhook_secret = ""
        self.deliver_to: list[str] = []
        """Where the listeners behind `webhook` are; each update goes to the next one that takes it."""
        self.times = 1
        """How often each update is delivered at the same moment, to one listener after the other."""
        self._deliveries: set[asyncio.Task[None]] = set()
        self.me: Json = dict(ME)
        self.commands: dict[str, list[Json]] = {}
        self.short_description = ""
        self.description = ""
        self.sent: dict[int, Json] = {}
        self.shown: dict[int, Json] = {}
        """The bot's messages by their id, as people see them now: edits change them."""
        self.deleted: set[int] = set()
        self.spec: Json | None = json.loads(SPEC.read_text()) if SPEC.exists() else None
        self._updates: list[Json] = []
        self._next = 500
        self._message = 10
        self._changed = asyncio.Condition()
        self._poll = 0
        self._polling = 0

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**22)
        app.router.add_route("*", "/bot{token}/{method}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port: int = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()
        if exc[0] is None and self.strict:
            assert not self.violations, "\n".join(self.violations)

    async def stop(self) -> None:
        self.deliver_to = []
        for task in self._deliveries:
            task.cancel()
        await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/bot"

    # What people do.

    async def push(self, kind: str, body: Json) -> int:
        """Deliver an update; returns its id."""
        async with self._changed:
            self._next += 1
            update = {"update_id": self._next, kind: body}
            if self.webhook:
                self.deliver(update)
            else:
                self._updates.append(update)
            self._changed.notify_all()
            return self._next

    def deliver(self, update: Json) -> None:
        """Hand an update to the webhook, as often as it takes."""
        for first in range(self.times):
            task = asyncio.create_task(self._deliver(update, update["update_id"] + first))
            self._deliveries.add(task)
            task.add_done_callback(self._deliveries.discard)

    async def _deliver(self, update: Json, turn: int) -> None:
        path = urlsplit(self.webhook).path
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook_secret}
        async with ClientSession(headers=headers) as session:
            while self.deliver_to:
                url = self.deliver_to[turn % len(self.deliver_to)] + path
                turn += 1
                try:
                    async with session.post(url, json=update) as response:
                        if response.status == 200:
                            return
                except ClientError:
                    pass
                await asyncio.sleep(0.1)

    def body(self, chat: Json = PRIVATE, user: Json = ADA, **rest: Any) -> Json:
        self._message += 1
        return {"message_id": self._message, "date": int(time.time()), "chat": chat, "from": user, **rest}

    async def write(self, text: str, chat: Json = PRIVATE, user: Json = ADA, **rest: Any) -> int:
        """Let somebody write; entities of commands and mentions are set as Telegram sets them."""
        entities = []
        for match in re.finditer(r"(?<![\w/])/\w+(?:@\w+)?|(?<!\w)@\w+", text):
            kind = "bot_command" if match[0].startswith("/") else "mention"
            offset = len(text[: match.start()].encode("utf-16-le")) // 2
            entities.append({"type": kind, "offset": offset, "length": len(match[0])})
        if entities:
            rest.setdefault("entities", entities)
        return await self.push("message", self.body(chat, user, text=text, **rest))

    async def press(self, message: Json, code: str, user: Json = ADA) -> str:
        """Let somebody press a button under a message that the bot sent; returns the id of the query."""
        self._message += 1
        id = f"q{self._message}"
        await self.push(
            "callback_query", {"id": id, "from": user, "message": message, "chat_instance": "1", "data": code}
        )
        return id

    async def type(self, text: str, user: Json = ADA) -> str:
        """Let somebody type after the bot's name."""
        self._message += 1
        id = f"i{self._message}"
        await self.push("inline_query", {"id": id, "from": user, "query": text, "offset": ""})
        return id

    # What tests look at.

    def of(self, *methods: str) -> list[Call]:
        return [call for call in self.calls if call.method in methods]

    def said(self, chat: int | None = None) -> list[Call]:
        return [call for call in self.of("sendMessage") if chat is None or call.chat == chat]

    @property
    def undelivered(self) -> int:
        """How many deliveries no listener has taken yet."""
        return len(self._deliveries)

    @property
    def unconfirmed(self) -> list[int]:
        return [update["update_id"] for update in self._updates]

    def message_of(self, call: Call) -> Json:
        """The message that a sendMessage made, as later updates show it."""
        return self.sent[id(call)]

    async def until(self, condition: Callable[[], Any], within: float = 20.0) -> Any:
        """Wait until a condition holds; the time is only there so that a fault does not wait for ever."""
        async with asyncio.timeout(within):
            while not (found := condition()):  # noqa: ASYNC110 - conditions are about calls, edits, updates alike
                await asyncio.sleep(0.01)
            return found

    # The server.

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        form: dict[str, str] = {}
        files: dict[str, tuple[str, bytes]] = {}
        for key, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                files[key] = (value.filename, value.file.read())
            else:
                form[key] = str(value)
        call = Call(method, form, files)
        self.calls.append(call)
        if request.match_info["token"] != self.token:
            return _error(401, "Unauthorized")
        if fault := self._fault(call):
            if fault.hold:
                await fault.hold.wait()
            elif fault.drop:
                assert request.transport
                request.transport.close()
                return web.Response()
            elif fault.drip:
                return await _drip(request, fault.drip)
            elif fault.page is not None:
                return web.Response(status=fault.status, text=fault.page, content_type="text/html")
            else:
                return _error(fault.status, fault.description, fault.parameters)
        self._check(call)
        try:
            result = await getattr(self, "_" + re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), method))(call)
        except _Refused as refusal:
            return _error(refusal.status, refusal.description)
        return web.json_response({"ok": True, "result": result})

    def _fault(self, call: Call) -> Fault | None:
        for fault in self.faults:
            chat = call.get("chat_id")
            if fault.times and fault.method in {call.method, "*"} and (fault.chat is None or str(fault.chat) == chat):
                fault.times -= 1
                return fault
        return None

    async def _get_me(self, _call: Call) -> Json:
        return self.me

    async def _get_webhook_info(self, _call: Call) -> Json:
        return {"url": self.webhook, "has_custom_certificate": False, "pending_update_count": 0}

    async def _set_webhook(self, call: Call) -> bool:
        if not call["url"].startswith("https://"):
            raise _Refused(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        self.webhook, self.webhook_secret = call["url"], call.get("secret_token") or ""
        return True

    async def _delete_webhook(self, _call: Call) -> bool:
        self.webhook = ""
        return True

    async def _get_updates(self, call: Call) -> list[Json]:
        if self.webhook:
            raise _Refused(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook")
        self._poll += 1
        mine = self._poll
        async with self._changed:
            self._changed.notify_all()
            if offset := int(call.get("offset") or 0):
                self._updates = [update for update in self._updates if update["update_id"] >= offset]
            deadline = time.monotonic() + float(call.get("timeout") or 0)
            while not self._updates and (left := deadline - time.monotonic()) > 0:
                try:
                    async with asyncio.timeout(left):
                        await self._changed.wait()
                except TimeoutError:
                    break
                if self._poll != mine:
                    raise _Refused(409, "Conflict: terminated by other getUpdates request")
            return self._updates[: int(call.get("limit") or 100)]

    async def _send_message(self, call: Call) -> Json:
        told = self._told(call)
        self._message += 1
        chat = next((c for c in (PRIVATE, GROUP) if c["id"] == call.chat), None)
        message: Json = {
            "message_id": self._message,
            "date": int(time.time()),
            "chat": chat or {"id": call.chat, "type": "private" if call.chat > 0 else "supergroup", "title": "x"},
            "from": self.me,
            **told,
        }
        if reply := call.get("reply_parameters"):
            answered = json.loads(reply)["message_id"]
            message["reply_to_message"] = {
                "message_id": answered, "date": 1, "chat": message["chat"], "from": ADA, "text": "what was answered",
            }  # fmt: skip
        if thread := call.get("message_thread_id"):
            message |= {"message_thread_id": int(thread), "is_topic_message": True}
        self.sent[id(call)] = self.shown[self._message] = message
        return message

    def _told(self, call: Call) -> Json:
        """Return what a call puts into a message: text, entities that are set apart, and buttons."""
        told: Json = {"text": self._text(call)}
        if call.get("parse_mode") == "HTML" and (set_apart := entities_of(call["text"])):
            told["entities"] = set_apart
        # What opens the reply field is told to people's apps, and comes back with no message.
        if (markup := call.get("reply_markup")) and "inline_keyboard" in json.loads(markup):
            told["reply_markup"] = json.loads(markup)
        return told

    async def _send_document(self, call: Call) -> Json:
        return self._documents(call)[0]

    async def _send_media_group(self, call: Call) -> list[Json]:
        media = call.value("media")
        if not 2 <= len(media) <= 10:
            raise _Refused(400, "Bad Request: group send failed")
        if [item["media"].removeprefix("attach://") for item in media] != list(call.files):
            self.violations.append("a group names files that are not there")
        return self._documents(call)

    def _documents(self, call: Call) -> list[Json]:
        if not call.files or any(not content for _, content in call.files.values()):
            raise _Refused(400, "Bad Request: file must be non-empty")
        sent = []
        for name, content in call.files.values():
            self._message += 1
            document = {"file_id": "f", "file_unique_id": "u", "file_name": name, "file_size": len(content)}
            sent.append(
                {"message_id": self._message, "date": 1, "chat": PRIVATE, "from": self.me, "document": document}
            )
        return sent

    async def _delete_message(self, call: Call) -> bool:
        message = int(call["message_id"])
        if message in self.deleted:
            raise _Refused(400, "Bad Request: message to delete not found")
        self.deleted.add(message)
        for shown in self.shown.values():
            if (answered := shown.get("reply_to_message")) and answered["message_id"] == message:
                del shown["reply_to_message"]
        return True

    async def _edit_message_text(self, call: Call) -> Json:
        told = self._told(call)
        number = int(call["message_id"])
        chat = PRIVATE if call.chat == PRIVATE["id"] else GROUP
        kept = self.shown.get(number) or {"message_id": number, "date": 1, "chat": chat, "from": self.me}
        kept = {key: value for key, value in kept.items() if key not in {"text", "entities", "reply_markup"}}
        self.shown[number] = {**kept, **told}
        return self.shown[number]

    async def _answer_callback_query(self, call: Call) -> bool:
        if len(call.get("text") or "") > 200:
            raise _Refused(400, "Bad Request: MESSAGE_TOO_LONG")
        return True

    async def _answer_inline_query(self, call: Call) -> bool:
        results = call.value("results")
        if len(results) > 50 or len({result["id"] for result in results}) != len(results):
            self.violations.append("inline results: too many, or ids that are there twice")
        for result in results:
            if not 1 <= len(result["id"].encode()) <= 64:
                self.violations.append(f"inline result id of {len(result['id'])}")
            content = result["input_message_content"]
            _shown(content["message_text"], content.get("parse_mode"))
            self._buttons(result.get("reply_markup"))
        return True

    async def _get_my_commands(self, call: Call) -> list[Json]:
        return self.commands.get(call.get("scope") or "", [])

    async def _set_my_commands(self, call: Call) -> bool:
        self.commands[call.get("scope") or ""] = call.value("commands")
        return True

    async def _get_my_short_description(self, _call: Call) -> Json:
        return {"short_description": self.short_description}

    async def _set_my_short_description(self, call: Call) -> bool:
        self.short_description = call["short_description"]
        return True

    async def _get_my_description(self, _call: Call) -> Json:
        return {"description": self.description}

    async def _set_my_description(self, call: Call) -> bool:
        self.description = call["description"]
        return True

    def _text(self, call: Call) -> str:
        self._buttons(json.loads(call["reply_markup"]) if call.get("reply_markup") else None)
        return _shown(call["text"], call.get("parse_mode"))

    def _buttons(self, markup: Json | None) -> None:
        if not markup:
            return
        if "force_reply" in markup:
            if len(markup.get("input_field_placeholder", "x")) > 64:
                self.violations.append("a placeholder that is too long")
            return
        rows = markup["inline_keyboard"]
        buttons = [button for row in rows for button in row]
        if len(buttons) > 100 or any(not 1 <= len(row) <= 8 for row in rows):
            self.violations.append("too many buttons")
        for button in buttons:
            if not button["text"].strip():
                self.violations.append("a button without a label")
            if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= 64:
                raise _Refused(400, "Bad Request: BUTTON_DATA_INVALID")

    def _check(self, call: Call) -> None:
        """Hold a call against the description of the Bot API, where that is there."""
        if self.spec is None:
            return
        method = self.spec["methods"].get(call.method)
        if method is None:
            self.violations.append(f"there is no method {call.method}")
            return
        fields = {item["name"]: item for item in method.get("fields", [])}
        for name in call.form:
            if name not in fields:
                self.violations.append(f"{call.method} knows no {name}")
        for name, item in fields.items():
            if name not in call.form:
                if item["required"] and name not in call.files:
                    self.violations.append(f"{call.method} needs {name}")
            elif not any(self._fits(_read(call.form[name], kind), kind) for kind in item["types"]):
                self.violations.append(f"{call.method}: {name} is no {item['types']}: {call.form[name][:200]}")

    def _fits(self, value: Any, kind: str) -> bool:
        assert self.spec
        if kind.startswith("Array of "):
            inner = kind.removeprefix("Array of ")
            return isinstance(value, list) and all(self._fits(item, inner) for item in value)
        if kind in _SIMPLE:
            return isinstance(value, _SIMPLE[kind]) and (kind == "Boolean" or not isinstance(value, bool))
        type_ = self.spec["types"][kind]
        if subtypes := type_.get("subtypes"):
            return any(self._fits(value, subtype) for subtype in subtypes)
        fields = {item["name"]: item for item in type_.get("fields", [])}
        return (
            isinstance(value, dict)
            and all(name in fields for name in value)
            and all(
                any(self._fits(value[name], inner) for inner in item["types"])
                if name in value
                else not item["required"]
                for name, item in fields.items()
            )
        )


_SIMPLE: dict[str, type | tuple[type, ...]] = {
    "Integer": int,
    "String": str,
    "Boolean": bool,
    "Float": (int, float),
    "True": bool,
}


@dataclass
class _Refused(Exception):
    status: int
    description: str


async def _drip(request: web.Request, every: float) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(every)


def _error(status: int, description: str, parameters: Json | None = None) -> web.Response:
    body: Json = {"ok": False, "error_code": status, "description": description}
    if parameters:
        body["parameters"] = parameters
    return web.json_response(body, status=status)


def _read(text: str, kind: str) -> Any:
    """A form's field as the type that is wanted: everything but text is sent as JSON."""
    if kind == "String":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return None


def _shown(text: str, mode: str | None) -> str:
    if mode == "HTML":
        try:
            shown, _ = parse_html(text)
        except ValueError as error:
            raise _Refused(400, f"Bad Request: can't parse entities: {error}") from None
    else:
        shown = text
    length = len(shown.strip().encode("utf-16-le")) // 2
    if not length:
        raise _Refused(400, "Bad Request: message text is empty")
    if length > 4096:
        raise _Refused(400, "Bad Request: message is too long")
    return shown.strip()


_PIECE = re.compile(r"<(/?)([a-z]+)((?:\s+[a-z-]+=\"[^\"<>]*\")*)\s*>|([^<>&]+)|&(lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);")
_TAGS = {"b", "i", "a", "code", "pre", "u", "s", "blockquote"}


def entities_of(html: str) -> list[Json]:
    """Return where the parts of a text are that are set apart as a whole, in UTF-16 units of what is shown."""
    found: list[Json] = []
    lead = len(parse_html(html)[0]) - len(parse_html(html)[0].lstrip())
    for match in re.finditer(r"<(blockquote|pre)>(.*?)</\1>", html, re.DOTALL):
        before = parse_html(re.sub(r"</?[a-z][^>]*>", "", html[: match.start()]))[0][lead:]
        inside = parse_html(match[2])[0]
        found.append({"type": match[1], "offset": _units(before), "length": _units(inside)})
    return found


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def parse_html(text: str) -> tuple[str, list[tuple[str, str | None]]]:
    """Read HTML as strictly as Telegram does; returns what is shown, and each tag with its href."""
    at, shown = 0, ""
    open_tags: list[str] = []
    tags: list[tuple[str, str | None]] = []
    while at < len(text):
        match = _PIECE.match(text, at)
        if not match:
            raise ValueError(f"unexpected character at {at}")
        at = match.end()
        closing, tag, attributes, plain, _ = match.groups()
        if plain is not None:
            shown += plain
        elif tag is None:
            shown += unescape(match[0])
        elif tag not in _TAGS:
            raise ValueError(f"unsupported start tag {tag}")
        elif closing:
            if not open_tags or open_tags.pop() != tag:
                raise ValueError(f"unexpected end tag {tag}")
        else:
            open_tags.append(tag)
            href = re.search(r'href="([^"]*)"', attributes)
            if attributes and (tag != "a" or not href):
                raise ValueError("unexpected attribute")
            tags.append((tag, unescape(href[1]) if href else None))
    if open_tags:
        raise ValueError("can't find end tag")
    return shown, tags
