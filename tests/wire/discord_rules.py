"""Say what Discord would refuse: by its own OpenAPI description where it is present, and by what that lacks."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SPEC = Path(__file__).resolve().parents[2].parent / "shared" / "specs" / "discord_openapi.json"
CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"
COMMANDS = "/applications/{application_id}/commands"
ORIGINAL = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
LATER = 5
"""The answer that acknowledges a question before it is answered."""

MESSAGES = "/channels/{channel_id}/messages"

COMMAND, COMPONENT, AUTOCOMPLETE, FORM = 2, 3, 4, 5
ANSWERS = {COMMAND: {4, 5, 9}, COMPONENT: {4, 5, 6, 7, 9}, AUTOCOMPLETE: {8}, FORM: {4, 5, 6, 7}}
"""Which answers Discord takes to which interaction: a form answers no form."""

MOST_BYTES = 10 * 1024 * 1024

Json = dict[str, Any]
File = tuple[str, bytes]
"""Name and content."""


def refusals(path: str, method: str, body: Any) -> list[str]:
    """Return what is wrong with the body of a request by Discord's own description; nothing where that is absent."""
    if not SPEC.is_file():
        return []
    return [
        f"{'/'.join(map(str, error.path))}: {error.message[:200]}"
        for error in _validator(path, method).iter_errors(body)
    ]


@functools.cache
def _spec() -> Json:
    return json.loads(SPEC.read_text(encoding="utf-8"))


@functools.cache
def _validator(path: str, method: str) -> Draft202012Validator:
    schema = _spec()["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": _spec()["components"]})


def message_faults(message: Json, *, editing: bool = False) -> Iterator[str]:
    """Yield what Discord would refuse about a message, and what would ping somebody."""
    embeds = message.get("embeds") or []
    if len(message.get("content") or "") > 2_000:
        yield "content beyond 2000"
    if not editing and not embeds and not message.get("content"):
        yield "an empty message"
    total = 0
    for embed in embeds:
        title, text = embed.get("title", ""), embed.get("description", "")
        foot = (embed.get("footer") or {}).get("text", "")
        if not title.strip() and not text.strip():
            yield "an empty embed"
        for name, value, most in (("title", title, 256), ("description", text, 4_096), ("footer", foot, 2_048)):
            if _units(value) > most:
                yield f"{name} beyond {most}"
        total += _units(title) + _units(text) + _units(foot)
    if total > 6_000 or len(embeds) > 10:
        yield "embeds beyond 6000 in all, or more than ten"
    mentions = message.get("allowed_mentions")
    if mentions != {"parse": [], "replied_user": False}:
        yield f"mentions are allowed: {mentions}"
    yield from _component_faults(message.get("components") or [])


def file_faults(message: Json, files: dict[str, File]) -> Iterator[str]:
    """Yield what Discord would refuse about the files that come with a message, and what is named and not there."""
    named = {f"files[{one['id']}]": one.get("filename") for one in message.get("attachments") or []}
    if named != {field: name for field, (name, _) in files.items()}:
        yield f"attachments {named} are not the files {sorted(files)}"
    if len(files) > 10:
        yield "more than ten files"
    for name, content in files.values():
        if not content or len(content) > MOST_BYTES:
            yield "a file is empty or beyond 10 MiB"
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", name):
            yield f"the name {name!r} would be changed"


def form_faults(form: Json) -> Iterator[str]:
    """Yield what Discord would refuse about a form."""
    if not 1 <= len(form["custom_id"]) <= 100 or not 1 <= _units(form["title"].strip()) <= 45:
        yield "id or title of a form"
    if not 1 <= len(form["components"]) <= 5:
        yield "a form has no component, or more than five"
    for label in form["components"]:
        field = label.get("component", {})
        if label["type"] != 18 or field.get("type") != 4:
            yield "a field of a form has no label, or is none for text"
            continue
        if not 1 <= _units(label["label"].strip()) <= 45 or _units(label.get("description") or "") > 100:
            yield "a label of a form"
        if "label" in field:
            yield "a field inside a label has a label of its own"
        if field["style"] not in {1, 2} or not 1 <= field.get("max_length", 4_000) <= 4_000:
            yield "style or length of a field"
        if _units(field.get("placeholder", "")) > 100 or not 1 <= len(field["custom_id"]) <= 100:
            yield "placeholder or id of a field"


def _component_faults(rows: list[Json]) -> Iterator[str]:
    if len(rows) > 5:
        yield "more than five rows"
    inside = [component for row in rows for component in row["components"]]
    for row in rows:
        kinds = [component["type"] for component in row["components"]]
        if row["type"] != 1 or kinds not in ([3], *([2] * count for count in range(1, 6))):
            yield f"a row holds {kinds}"
    ids = [component["custom_id"] for component in inside if "custom_id" in component]
    if len(set(ids)) != len(ids):
        yield "an id is there twice"
    if any(not 1 <= len(id) <= 100 for id in ids):
        yield "an id is empty or beyond 100"
    for component in inside:
        yield from (_button_faults(component) if component["type"] == 2 else _select_faults(component))


def _button_faults(button: Json) -> Iterator[str]:
    if not 1 <= _units(button["label"].strip()) <= 34:
        yield "a label is empty or beyond 34"
    if button["style"] not in {1, 2, 5}:
        yield "a button has a style that is none of ours"
    if button["style"] == 5:
        if "custom_id" in button or not re.fullmatch(r"https://\S{1,504}", button["url"]):
            yield "a link is none"
    elif "url" in button or not button["custom_id"].isascii() or len(button["custom_id"]) > 64:
        yield "the id of a button is not ours"


def _select_faults(select: Json) -> Iterator[str]:
    options = select["options"]
    if not 1 <= len(options) <= 25:
        yield "no option, or more than 25"
    if max(Counter(option["value"] for option in options).values()) > 1:
        yield "an option is there twice"
    if any(
        not 1 <= _units(option["label"].strip()) <= 100 or not 1 <= len(option["value"]) <= 100 for option in options
    ):
        yield "an option is empty or beyond 100"
    if _units(select.get("placeholder", "")) > 150:
        yield "a placeholder beyond 150"


def callback_faults(kind: int, body: Json, files: dict[str, File]) -> Iterator[str]:
    """Yield what Discord would refuse about the answer to an interaction of `kind`."""
    if body["type"] not in ANSWERS[kind]:
        yield f"an answer of type {body['type']} to an interaction of type {kind}"
    elif body["type"] == 8:
        choices = body["data"]["choices"]
        if len(choices) > 25:
            yield "more than 25 choices"
        for choice in choices:
            if not 1 <= _units(choice["name"]) <= 100 or not 1 <= _units(choice["value"]) <= 100:
                yield "a choice is empty or beyond 100"
    elif body["type"] == 9:
        yield from form_faults(body["data"])
    elif body["type"] in {4, 7}:
        yield from file_faults(body["data"], files)
        yield from message_faults(body["data"], editing=body["type"] == 7)


def command_faults(commands: list[Json]) -> Iterator[str]:
    """Yield what Discord would refuse about a list of commands, and where they could not be used."""
    for command in commands:
        if command["type"] == 1:
            if not re.fullmatch(r"[-_a-z0-9]{1,32}", command["name"]) or not 1 <= len(command["description"]) <= 100:
                yield f"{command['name']}: name or description"
        elif "description" in command:
            yield f"{command['name']}: a command on messages has no description"
        if command["integration_types"] != [0, 1] or command["contexts"] != [0, 1, 2]:
            yield f"{command['name']}: it cannot be used everywhere"
        required = [option.get("required", False) for option in command.get("options", [])]
        if required != sorted(required, reverse=True):
            yield f"{command['name']}: required options come first"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
