"""The editors' tools: check, measure, ask."""
