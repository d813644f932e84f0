"""The terminal interface. Never imports torch."""
