"""The bot on Discord: commands, mentions, direct messages, buttons; one connection a shard."""

import warnings

# discord.py imports `audioop` for voice, which we have none of; so that `python -W error` stays usable.
with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "'audioop' is deprecated", DeprecationWarning)
    import discord  # noqa: F401 - imported here once, so that no other module has to mind the warning
