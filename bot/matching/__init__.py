"""Turn a person's words into topics, or into an honest nothing."""
