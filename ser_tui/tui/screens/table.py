"""The screens by name: that of a module beside this one. Only the app asks here; screens open one another through the app."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from textual.screen import Screen

from ser_tui.tui.data.garbage import kept


def maker(name: str) -> Callable[..., Screen[None]]:
    """What makes the screen called `name` (new study: NewStudyScreen, in new_study.py), imported when it is first shown: the start must
    not wait for all of them."""
    module = import_module(f"ser_tui.tui.screens.{name.replace(' ', '_')}")
    found: Callable[..., Screen[None]] = getattr(module, f"{name.title().replace(' ', '')}Screen")
    return found


def bring() -> None:
    """Import what is opened most often, and what that draws with: half a second on a small machine. For a thread, after the first frame."""
    with kept():
        import ser_tui.evaluation.analysis
        import ser_tui.tui.screens.errors
        import ser_tui.tui.screens.parameters
        import ser_tui.tui.screens.results
        import ser_tui.tui.screens.run
        import ser_tui.tui.views.trial_details
        import ser_tui.tui.widgets.plot  # noqa: F401


def sheets() -> Sequence[Path]:
    """The style sheets of all screens and dialogs."""
    return sorted(Path(__file__).parents[1].rglob("*.tcss"))
