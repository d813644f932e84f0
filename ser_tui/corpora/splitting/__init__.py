"""Protocols: how utterances are split into parts and folds, and what must be said about it."""
