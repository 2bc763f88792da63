"""Answer what LinkedIn does with people's data and AI, on Discord, on Telegram and in a terminal."""
