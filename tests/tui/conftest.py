"""Folders of their own for the interface's tests."""

from tui_fixtures import _spoken, demo, own_machine, runs

__all__ = ["_spoken", "demo", "own_machine", "runs"]
