"""Draw a reply as both platforms show it, and say what an editor may want to know about it."""

from __future__ import annotations

from typing import Any

from bot.dialogue.model import Reply
from bot.knowledge.texts import Texts
from bot.platforms.discord import render as discord
from bot.platforms.telegram import render as telegram
from bot.workshop.preview import discord_look, telegram_look


def drawn(reply: Reply, texts: Texts) -> dict[str, Any]:
    """Return a reply as the page takes it: `discord` and `telegram` are HTML, the rest is plain."""
    on_discord = discord.render(reply, texts, share=bool(reply.share))
    on_telegram = telegram.render(reply, texts)
    keyboard = on_telegram.keyboard.to_dict() if on_telegram.keyboard else None
    return {
        "title": reply.title,
        "kind": reply.kind,
        "quote": reply.quote,
        "discord": discord_look.look(on_discord.payload(ephemeral=reply.private), on_discord.files),
        "telegram": telegram_look.look(on_telegram.html, keyboard, reply.files),
        "pages": {"Discord": discord.pages(reply, texts), "Telegram": telegram.pages(reply, texts)},
        "prompt": _prompt(reply),
    }


def _prompt(reply: Reply) -> dict[str, Any] | None:
    if not reply.prompt:
        return None
    prompt = reply.prompt
    return {
        "code": prompt.code,
        "title": prompt.title,
        "label": prompt.label,
        "hint": prompt.hint,
        "most": prompt.most,
        "button": prompt.button,
    }
