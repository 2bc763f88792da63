"""A local server that speaks Discord's REST interface and gateway, keeps its rules and records what it is sent."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp
from aiohttp import web
from wire.discord_rules import (
    AUTOCOMPLETE,
    CALLBACK,
    COMMAND,
    COMMANDS,
    COMPONENT,
    FORM,
    LATER,
    MESSAGES,
    ORIGINAL,
    File,
    Json,
    callback_faults,
    command_faults,
    file_faults,
    message_faults,
    refusals,
)
from wire.process import Watched

TOKEN = "MTIzNDU2.Very-secret.token_of-a-test"
ME = {"id": "424242424242424242", "username": "guide", "discriminator": "0", "avatar": None, "bot": True}
APPLICATION = "434343434343434343"
ADA = {
    "id": "100100100100100100",
    "username": "ada_of_test",
    "discriminator": "0",
    "avatar": None,
    "global_name": "Adalinde",
}
BEN = {
    "id": "200200200200200200",
    "username": "ben_of_test",
    "discriminator": "0",
    "avatar": None,
    "global_name": "Benedikt",
}
GUILD, CHANNEL, DIRECT = "300300300300300300", "310310310310310310", "320320320320320320"


@dataclass
class Fault:
    """What the server does instead of answering: a status with a body, or a dropped connection."""

    status: int = 500
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    hang: bool = False
    """Whether nothing comes at all, for as long as anybody waits."""

    after: bool = False
    """Whether the request is obeyed all the same, and only its answer is lost."""


def limited(seconds: float) -> Fault:
    """Return a 429 as Discord sends it."""
    body = {"message": "You are being rate limited.", "retry_after": seconds, "global": False}
    return Fault(429, body, {"Via": "1.1 google", "Retry-After": str(seconds), "X-RateLimit-Scope": "user"})


HTML = Fault(502, "<html><body>Bad gateway</body></html>")


@dataclass
class Call:
    """A request as it came in."""

    method: str
    path: str
    body: Any
    authorization: str | None
    files: dict[str, File] = field(default_factory=dict)


@dataclass
class Session:
    """A session of the gateway: what was sent in it, and over which connection."""

    id: str
    shard: int
    sent: list[Json] = field(default_factory=list)
    connection: Connection | None = None


class Connection:
    """A connection to the gateway, compressed as the client asked."""

    def __init__(self, socket: web.WebSocketResponse, *, compress: bool) -> None:
        self.socket = socket
        self._zlib = zlib.compressobj() if compress else None

    async def send(self, payload: Json) -> None:
        text = json.dumps(payload)
        if self._zlib is None:
            await self.socket.send_str(text)
            return
        await self.socket.send_bytes(self._zlib.compress(text.encode()) + self._zlib.flush(zlib.Z_SYNC_FLUSH))


class DiscordServer(Watched):
    """Discord on 127.0.0.1. What a test sets, it does; what a client does, it records."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.messages: list[Json] = []
        self.answers: dict[str, Json] = {}
        self.deferred: dict[str, tuple[str, int]] = {}
        """Interactions that were acknowledged before they were answered, by their token: id and flags."""

        self.files: dict[str, dict[str, bytes]] = {}
        """Files by name, by the id of the interaction or message that they came with."""

        self.commands: list[Json] = []
        self.dials: list[str] = []
        self.identified: list[Json] = []
        self.resumed: list[Json] = []
        self.heartbeats = 0
        self.closes: list[int | None] = []
        self.acknowledge = True
        self.mute = False
        """Whether the gateway answers heartbeats alone, and neither IDENTIFY nor RESUME."""

        self.heartbeat_interval = 41_250
        self.close_identify: list[int] = []
        self.close_resume: list[int] = []
        self.invalidate_identify = 0
        self.limit = {"total": 1_000, "remaining": 1_000, "reset_after": 14_400_000, "max_concurrency": 16}
        self.application: dict[str, Any] = {}
        self.gateway_url: str | None = None
        self.resume_url: str | None = None
        self.sessions: dict[str, Session] = {}
        self._interactions: dict[str, tuple[str, int]] = {}
        self._faults: dict[str, list[Fault]] = {}
        self._ids = itertools.count(1_400_000_000_000_000_000)
        self._runner: web.AppRunner | None = None
        self.port = 0

    # --- life -------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/api/v10{path:/.*}", self._rest)
        app.router.add_get("/gateway/", self._gateway)
        app.router.add_get("/resume/", self._gateway)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for session in self.sessions.values():
            if session.connection:
                await session.connection.socket.close()
        if self._runner:
            await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v10"

    @property
    def environment(self) -> dict[str, str]:
        return {"DISCORD_TOKEN": TOKEN, "DISCORD_API_BASE_URL": self.base_url}

    # --- what a test sets -------------------------------------------------------------------------------------

    def fail(self, path: str, *faults: Fault) -> None:
        """Answer the next requests to a path (a pattern) with faults, one after the other."""
        self._faults.setdefault(path, []).extend(faults)

    def forget(self) -> None:
        """Begin to record anew."""
        for record in (self.calls, self.violations, self.messages, self.answers, self.files, self._faults):
            record.clear()

    def id(self) -> str:
        return str(next(self._ids))

    @property
    def ready(self) -> bool:
        return any(session.connection for session in self.sessions.values())

    def session(self, shard: int = 0) -> Session:
        return [session for session in self.sessions.values() if session.shard == shard][-1]

    async def dispatch(self, event: str, data: Json, shard: int = 0) -> None:
        """Send an event; what nobody is there to take is kept for whoever resumes."""
        session = self.session(shard)
        payload = {"op": 0, "t": event, "s": len(session.sent) + 1, "d": data}
        session.sent.append(payload)
        if session.connection:
            await session.connection.send(payload)

    async def send(self, payload: Json, shard: int = 0) -> None:
        """Send something else than an event."""
        connection = self.session(shard).connection
        assert connection
        await connection.send(payload)

    async def cut(self, code: int, shard: int = 0) -> None:
        """Close a connection with a code."""
        connection = self.session(shard).connection
        assert connection
        await connection.socket.close(code=code)

    async def say(self, content: str, **changes: Any) -> str:
        """Send a message of a person; returns its id. With `guild` it is said in a server, else directly."""
        id = self.id()
        guild, shard = changes.pop("guild", False), changes.pop("shard", 0)
        message = {
            "id": id,
            "type": 0,
            "channel_id": CHANNEL if guild else DIRECT,
            "author": ADA,
            "content": content,
            "timestamp": "2026-11-25T10:00:00.000000+00:00",
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "attachments": [],
            "embeds": [],
            "components": [],
            "pinned": False,
            "flags": 0,
            **({"guild_id": GUILD, "member": {"roles": [], "nick": "Addie"}} if guild else {}),
            **changes,
        }
        await self.dispatch("MESSAGE_CREATE", message, shard)
        return id

    async def interact(self, kind: int, data: Json, *, person: Json = ADA, direct: bool = False, **changes: Any) -> str:
        """Send an interaction; returns its id."""
        token = f"interaction-token-{self.id()}"
        id = self.expect(token, kind)
        place = (
            {"user": person, "channel_id": DIRECT, "context": 1, "channel": {"id": DIRECT, "type": 1}}
            if direct
            else {
                "member": {"user": person, "roles": [], "nick": "Addie", "permissions": "0"},
                "guild_id": GUILD,
                "channel_id": CHANNEL,
                "context": 0,
                "channel": {"id": CHANNEL, "type": 0},
            }
        )
        interaction = {
            "id": id,
            "application_id": APPLICATION,
            "type": kind,
            "token": token,
            "version": 1,
            "locale": "en-GB",
            "entitlements": [],
            "authorizing_integration_owners": {},
            "app_permissions": "0",
            "attachment_size_limit": 10_485_760,
            "data": data,
            **place,
            **changes,
        }
        await self.dispatch("INTERACTION_CREATE", interaction)
        return id

    def expect(self, token: str, kind: int) -> str:
        """Return the id of an interaction that will be answered with `token`."""
        id = self.id()
        self._interactions[id] = (token, kind)
        return id

    async def answered(self, id: str) -> Json:
        """Wait for the answer to an interaction."""
        await self.until(lambda: id in self.answers)
        return self.answers[id]

    async def command(self, name: str, question: str | None = None, **changes: Any) -> Json:
        options = [] if question is None else [{"name": "question", "type": 3, "value": question}]
        data = {"id": self.id(), "name": name, "type": 1, "options": options}
        return await self.answered(await self.interact(COMMAND, data, **changes))

    async def type(self, typed: str, **changes: Any) -> list[Json]:
        option = {"name": "question", "type": 3, "value": typed, "focused": True}
        data = {"id": self.id(), "name": "ask", "type": 1, "options": [option]}
        return (await self.answered(await self.interact(AUTOCOMPLETE, data, **changes)))["data"]["choices"]

    async def point(self, content: str, **changes: Any) -> Json:
        target = self.id()
        message = {"id": target, "content": content, "author": BEN, "attachments": [], "embeds": []}
        data = {
            "id": self.id(), "name": "Answer this", "type": 3, "target_id": target,
            "resolved": {"messages": {target: message}},
        }  # fmt: skip
        return await self.answered(await self.interact(COMMAND, data, **changes))

    async def press(self, code: str, message: Json | None = None, **changes: Any) -> Json:
        data: Json = {"component_type": 2, "custom_id": code}
        return await self.answered(await self.interact(COMPONENT, data, message=message or {}, **changes))

    async def choose(self, select: str, value: str, message: Json, **changes: Any) -> Json:
        data: Json = {"component_type": 3, "custom_id": select, "values": [value]}
        return await self.answered(await self.interact(COMPONENT, data, message=message, **changes))

    async def submit(self, form: Json, text: str, **changes: Any) -> tuple[Json, dict[str, bytes]]:
        """Fill in a form that was opened; returns the answer and the files that came with it."""
        fields = [
            {"type": 18, "id": 1, "component": {"type": 4, "id": 2, "custom_id": one["component"]["custom_id"], "value": text}}
            for one in form["components"]
        ]  # fmt: skip
        data: Json = {"custom_id": form["custom_id"], "components": fields}
        id = await self.interact(FORM, data, **changes)
        return await self.answered(id), self.files.get(id, {})

    # --- REST -------------------------------------------------------------------------------------------------

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        body, files = await _read(request)
        self.calls.append(Call(request.method, path, body, request.headers.get("Authorization"), files))
        fault = self._fault(path)
        answer = self._obey(request, path, body, files) if fault is None or fault.after else None
        self.changed()
        if fault is None:
            assert answer is not None
            return answer
        if fault.hang:
            await asyncio.Event().wait()
        if fault.drop:
            assert request.transport
            request.transport.abort()
            return web.Response(status=500)
        if isinstance(fault.body, str):
            return web.Response(status=fault.status, text=fault.body, content_type="text/html", headers=fault.headers)
        return _json(fault.body or {"message": "fault", "code": 0}, status=fault.status, headers=fault.headers)

    def _fault(self, path: str) -> Fault | None:
        for pattern, faults in self._faults.items():
            if faults and re.search(pattern, path):
                return faults.pop(0)
        return None

    def _obey(self, request: web.Request, path: str, body: Any, files: dict[str, File]) -> web.Response:
        if match := re.fullmatch(r"/interactions/(\d+)/([^/]+)/callback", path):
            return self._callback(match[1], match[2], body, files)
        if request.method == "PATCH" and (match := re.fullmatch(r"/webhooks/(\d+)/([^/]+)/messages/@original", path)):
            return self._complete(match[1], match[2], body, files)
        if request.headers.get("Authorization") != f"Bot {TOKEN}":
            return _error(401, 0, "401: Unauthorized")
        match (request.method, path):
            case ("GET", "/users/@me"):
                return _json(ME)
            case ("GET", "/oauth2/applications/@me" | "/applications/@me"):
                return _json({"id": APPLICATION, "name": "guide", "description": "", "flags": 0, **self.application})
            case ("GET", "/gateway/bot"):
                url = self.gateway_url or f"ws://127.0.0.1:{self.port}/gateway/"
                return _json({"url": url, "shards": 3, "session_start_limit": self.limit})
            case ("GET", p) if p == f"/applications/{APPLICATION}/commands":
                return _json(self.commands)
            case ("PUT", p) if p == f"/applications/{APPLICATION}/commands":
                return self._overwrite(body)
            case ("POST", p) if match := re.fullmatch(r"/channels/(\d+)/messages", p):
                return self._message(match[1], body, files)
        self.violations.append(f"nobody knows {request.method} {path}")
        return _error(404, 0, "404: Not Found")

    def _callback(self, id: str, token: str, body: Any, files: dict[str, File]) -> web.Response:
        expected, kind = self._interactions.get(id, ("", 0))
        if token != expected:
            return _error(404, 10062, "Unknown interaction")
        if id in self.answers or token in self.deferred:
            return _error(400, 40060, "Interaction has already been acknowledged.")
        if bad := self._refused([*refusals(CALLBACK, "post", body), *callback_faults(kind, body, files)]):
            return bad
        if body["type"] == LATER:
            self.deferred[token] = id, body.get("data", {}).get("flags", 0)
            return web.Response(status=204)
        self.answers[id] = body
        self.files[id] = dict(files.values())
        return web.Response(status=204)

    def _complete(self, application: str, token: str, body: Any, files: dict[str, File]) -> web.Response:
        """Put the answer in the place of the acknowledgement that went before it; it stays as hidden as that was."""
        if application != APPLICATION or token not in self.deferred:
            return _error(404, 10015, "Unknown Webhook")
        if bad := self._refused([*refusals(ORIGINAL, "patch", body), *message_faults(body), *file_faults(body, files)]):
            return bad
        id, flags = self.deferred[token]
        self.answers[id] = {"type": 4, "data": {**body, "flags": flags}}
        self.files[id] = dict(files.values())
        return _json({"id": self.id(), **body})

    def _message(self, channel: str, body: Any, files: dict[str, File]) -> web.Response:
        found = [*refusals(MESSAGES, "post", body), *message_faults(body), *file_faults(body, files)]
        if bad := self._refused(found):
            return bad
        known = [said for said in self.messages if said["nonce"] == body.get("nonce") and body.get("enforce_nonce")]
        if known:
            return _json(known[0])
        message = {
            **body, "id": self.id(), "channel_id": channel, "author": ME, "content": "", "type": 19,
            "timestamp": "2026-11-25T10:00:00.000000+00:00",
        }  # fmt: skip
        self.messages.append(message)
        self.files[message["id"]] = dict(files.values())
        return _json(message)

    def _overwrite(self, body: Any) -> web.Response:
        if bad := self._refused([*refusals(COMMANDS, "put", body), *command_faults(body)]):
            return bad
        self.commands = [self.stored(command) for command in body]
        return _json(self.commands)

    def stored(self, command: Json) -> Json:
        """Return a command as Discord gives it back: with more fields, in another order."""
        options = [
            {key: value for key, value in option.items() if value is not False} for option in command.get("options", [])
        ]
        return {
            "id": self.id(), "application_id": APPLICATION, "version": self.id(), "default_member_permissions": None,
            "nsfw": False, "dm_permission": True, "name_localizations": None, "description_localizations": None,
            "description": "", **command, "integration_types": [1, 0], "contexts": [2, 0, 1],
            **({"options": options} if options else {}),
        }  # fmt: skip

    def _refused(self, found: list[str]) -> web.Response | None:
        if not found:
            return None
        self.violations += found
        return _error(400, 50035, "Invalid Form Body")

    # --- gateway ----------------------------------------------------------------------------------------------

    async def _gateway(self, request: web.Request) -> web.StreamResponse:
        self.dials.append(request.path)
        self.changed()
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        compress = request.query.get("compress")
        if compress not in {None, "zlib-stream"} or request.query.get("encoding") != "json":
            self.violations.append(f"a connection asks for {dict(request.query)}")
        connection = Connection(socket, compress=compress == "zlib-stream")
        session: Session | None = None
        await connection.send({"op": 10, "d": {"heartbeat_interval": self.heartbeat_interval}})
        async for frame in socket:
            if frame.type != aiohttp.WSMsgType.TEXT:
                break
            payload = json.loads(frame.data)
            match payload["op"]:
                case 1:
                    self.heartbeats += 1
                    if self.acknowledge:
                        await connection.send({"op": 11})
                case 2:
                    session = await self._identify(connection, payload["d"])
                case 6:
                    session = await self._resume(connection, payload["d"])
                case _:
                    self.violations.append(f"the client sent op {payload['op']}")
            self.changed()
        if session and session.connection is connection:
            session.connection = None
        self.closes.append(socket.close_code)
        self.changed()
        return socket

    async def _identify(self, connection: Connection, data: Json) -> Session | None:
        self.identified.append(data)
        if self.mute:
            return None
        if data["token"] != TOKEN:
            await connection.socket.close(code=4004)
            return None
        if self.close_identify:
            await connection.socket.close(code=self.close_identify.pop(0))
            return None
        if self.invalidate_identify:
            self.invalidate_identify -= 1
            await connection.send({"op": 9, "d": False})
            return None
        shard, count = data.get("shard", (0, 1))
        session = Session(f"session-{self.id()}", shard, connection=connection)
        ready = {
            "v": 10,
            "user": ME,
            "guilds": [{"id": GUILD, "unavailable": True}],
            "session_id": session.id,
            "resume_gateway_url": self.resume_url or f"ws://127.0.0.1:{self.port}/resume/",
            "application": {"id": APPLICATION, "flags": 0},
            **({"shard": [shard, count]} if "shard" in data else {}),
        }
        payload = {"op": 0, "t": "READY", "s": 1, "d": ready}
        session.sent.append(payload)
        await connection.send(payload)
        self.sessions[session.id] = session
        return session

    async def _resume(self, connection: Connection, data: Json) -> Session | None:
        self.resumed.append(data)
        if self.mute:
            return None
        session = self.sessions.get(data["session_id"])
        if self.close_resume:
            await connection.socket.close(code=self.close_resume.pop(0))
            return None
        if session is None or data["token"] != TOKEN:
            await connection.send({"op": 9, "d": False})
            return None
        session.connection = connection
        for payload in session.sent[data["seq"] :]:
            await connection.send(payload)
        await connection.send({"op": 0, "t": "RESUMED", "s": len(session.sent), "d": {"_trace": []}})
        return session


async def _read(request: web.Request) -> tuple[Any, dict[str, File]]:
    """Return the body of a request and its files by field: a form carries both, JSON only the one."""
    if not request.can_read_body:
        return None, {}
    if request.content_type != "multipart/form-data":
        return await request.json(), {}
    body, files = None, {}
    async for part in await request.multipart():
        if part.name == "payload_json":
            body = json.loads(await part.text())
        else:
            files[part.name] = (part.filename or "", bytes(await part.read()))
    return body, files


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    # Discord names no charset, and the library reads nothing else as JSON.
    return web.Response(
        body=json.dumps(body).encode(), status=status, headers={"Content-Type": "application/json", **(headers or {})}
    )


def _error(status: int, code: int, message: str) -> web.Response:
    return _json({"message": message, "code": code}, status=status)


def buttons(message: Json) -> Iterator[Json]:
    """Yield the buttons of a message, and the options of its menus."""
    for row in message["components"]:
        for component in row["components"]:
            yield from component["options"] if component["type"] == 3 else (component,)


def code_of(message: Json, label: str) -> str:
    """Return the code of the button with a label."""
    return next(b.get("custom_id") or b["value"] for b in buttons(message) if b["label"] == label)
