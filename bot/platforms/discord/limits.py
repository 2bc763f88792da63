"""Name every limit of Discord that replies must keep, each with the document that states it."""

from __future__ import annotations

# https://docs.discord.com/developers/resources/message#embed-object-embed-limits
TITLE = 256
DESCRIPTION = 4_096
FOOTER = 2_048
EMBED_TOTAL = 6_000
"""Characters of all embeds of a message together."""

EMBEDS = 10

# https://docs.discord.com/developers/resources/message#create-message
CONTENT = 2_000
NONCE = 25

# https://docs.discord.com/developers/reference#uploading-files
FILES = 10
FILE_SIZE = 10 * 1024 * 1024
"""Bytes of a file; more only where a server has paid for it."""

# https://docs.discord.com/developers/components/reference
CUSTOM_ID = 100
ROWS = 5
BUTTONS_IN_ROW = 5
BUTTON_LABEL = 80
BUTTON_URL = 512
OPTIONS = 25
OPTION_LABEL = 100
OPTION_VALUE = 100
PLACEHOLDER = 150
FORM_TITLE = 45
FIELD_LABEL = 45
FIELD_PLACEHOLDER = 100
FIELD_TEXT = 4_000

# https://docs.discord.com/developers/interactions/application-commands
CHOICES = 25
CHOICE_NAME = 100
CHOICE_VALUE = 100
COMMAND_NAME = 32
COMMAND_DESCRIPTION = 100

# https://docs.discord.com/developers/interactions/receiving-and-responding
ACKNOWLEDGE_WITHIN = 3.0
"""Seconds after which an interaction that nobody acknowledged is dead."""

# https://docs.discord.com/developers/events/gateway
IDENTIFY_EVERY = 5.0
"""Seconds between two IDENTIFYs in one of the `max_concurrency` lanes."""

BUDGET = 3_500
"""Our own bound for the description, well below Discord's."""

QUOTE = 500
"""Characters of a person's words that a reply quotes; each is at most three of a description."""

LABEL = 34
"""Characters of a button's label that Discord shows; more is cut off."""

FOOT = 512
"""Our own bound for the footer, the page's number included."""

PAGE_LINE = 100
