"""Folders of their own for the interface's tests."""

from tui_fixtures import own_machine, runs

__all__ = ["own_machine", "runs"]
