"""Name every limit of Telegram that replies must keep; the library's own constants where it has them."""

from __future__ import annotations

from telegram.constants import (
    BotCommandLimit,
    BotDescriptionLimit,
    InlineKeyboardButtonLimit,
    InlineKeyboardMarkupLimit,
    InlineQueryResultLimit,
    MessageLimit,
    PollingLimit,
    ReplyLimit,
)

TEXT = int(MessageLimit.MAX_TEXT_LENGTH)
"""UTF-16 units of a message, counted after its entities are parsed."""

ENTITIES = int(MessageLimit.MESSAGE_ENTITIES)
"""Bold, italic and linked runs of one message; Telegram ignores those beyond."""

DEEP_LINK = int(MessageLimit.DEEP_LINK_LENGTH)
"""Characters of what follows `?start=`, of the alphabet A-Za-z0-9_- (https://core.telegram.org/bots/features#deep-linking)."""

CALLBACK_DATA = int(InlineKeyboardButtonLimit.MAX_CALLBACK_DATA)
COPY_TEXT = int(InlineKeyboardButtonLimit.MAX_COPY_TEXT)
PLACEHOLDER = int(ReplyLimit.MAX_INPUT_FIELD_PLACEHOLDER)
BUTTONS = int(InlineKeyboardMarkupLimit.TOTAL_BUTTON_NUMBER)
RESULT_ID = int(InlineQueryResultLimit.MAX_ID_LENGTH)
COMMAND_DESCRIPTION = int(BotCommandLimit.MAX_DESCRIPTION)
DESCRIPTION = int(BotDescriptionLimit.MAX_DESCRIPTION_LENGTH)
SHORT_DESCRIPTION = int(BotDescriptionLimit.MAX_SHORT_DESCRIPTION_LENGTH)
UPDATES = int(PollingLimit.MAX_LIMIT)

BUDGET = 3_500
"""Our own bound for a whole message: what no page may exceed, well below Telegram's."""

TITLE = 256
FOOTER = 512
PAGE_LINE = 100
"""UTF-16 units of the parts that stand on every page, so that any text leaves room for the body."""

LABEL = 34
"""Characters of a button's label; more is cut off on a phone."""

SHORT_LABEL = 16
"""Characters up to which two buttons share a row: on a narrow phone that is what half a row shows."""

URL = 2_048
"""Characters of an address; Telegram names no limit, and refuses the whole message for a bad one."""
