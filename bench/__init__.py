"""Our engine beside the obvious ways to match a question; outside the package, with requirements of its own."""
