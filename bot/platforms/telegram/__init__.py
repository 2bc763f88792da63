"""The bot on Telegram: long polling, private chats, groups, inline mode."""
