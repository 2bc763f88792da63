"""Keep the bot running: logs, supervision, health."""
