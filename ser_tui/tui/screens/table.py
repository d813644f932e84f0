"""The one table of screens. Only the app reads it; screens open one another through the app, by these names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

if TYPE_CHECKING:
    from ser_tui.store.drafts import KeptDraft
    from ser_tui.store.runs import RunFolder
    from ser_tui.tui.data.follow import View


def _home() -> Screen[None]:
    from ser_tui.tui.screens.home import HomeScreen

    return HomeScreen()


def _new_study(study: Mapping[str, Any] | None = None, origin: str = "", draft: KeptDraft | None = None) -> Screen[None]:
    from ser_tui.tui.screens.new_study import NewStudyScreen

    return NewStudyScreen(study, origin, draft)


def _run(run_id: str) -> Screen[None]:
    from ser_tui.tui.screens.run import RunScreen

    return RunScreen(run_id)


def _compare(run_ids: Sequence[str]) -> Screen[None]:
    from ser_tui.tui.screens.compare import CompareScreen

    return CompareScreen(run_ids)


def _evaluate(run_id: str, corpus: str = "") -> Screen[None]:
    from ser_tui.tui.screens.evaluate import EvaluateScreen

    return EvaluateScreen(run_id, corpus)


def _results(run_id: str, awaited: bool = False) -> Screen[None]:
    from ser_tui.tui.screens.results import ResultsScreen

    return ResultsScreen(run_id, awaited)


def _parameters(view: Callable[[], View]) -> Screen[None]:
    from ser_tui.tui.screens.parameters import ParametersScreen

    return ParametersScreen(view)


def _timeline(view: Callable[[], View]) -> Screen[None]:
    from ser_tui.tui.screens.timeline import TimelineScreen

    return TimelineScreen(view)


def _emotions(run_id: str) -> Screen[None]:
    from ser_tui.tui.screens.emotions import EmotionsScreen

    return EmotionsScreen(run_id)


def _errors(run_id: str, number: int | None = None) -> Screen[None]:
    from ser_tui.tui.screens.errors import ErrorsScreen

    return ErrorsScreen(run_id, number)


def _log(folder: RunFolder) -> Screen[None]:
    from ser_tui.tui.screens.log import LogScreen

    return LogScreen(folder)


def _corpora() -> Screen[None]:
    from ser_tui.tui.screens.corpora import CorporaScreen

    return CorporaScreen()


def _encoders() -> Screen[None]:
    from ser_tui.tui.screens.encoders import EncodersScreen

    return EncodersScreen()


def _queue() -> Screen[None]:
    from ser_tui.tui.screens.queue import QueueScreen

    return QueueScreen()


def _replay(run_ids: Sequence[str] = ()) -> Screen[None]:
    from ser_tui.tui.screens.replay import ReplayScreen

    return ReplayScreen(run_ids)


def _paper() -> Screen[None]:
    from ser_tui.tui.screens.paper import PaperScreen

    return PaperScreen()


def _settings() -> Screen[None]:
    from ser_tui.tui.screens.settings import SettingsScreen

    return SettingsScreen()


SCREENS: Mapping[str, Callable[..., Screen[None]]] = {
    "home": _home,
    "new study": _new_study,
    "run": _run,
    "compare": _compare,
    "evaluate": _evaluate,
    "results": _results,
    "errors": _errors,
    "emotions": _emotions,
    "log": _log,
    "parameters": _parameters,
    "timeline": _timeline,
    "corpora": _corpora,
    "encoders": _encoders,
    "queue": _queue,
    "replay": _replay,
    "paper": _paper,
    "settings": _settings,
}
"""Name -> what makes the screen. Each is imported when it is first shown: the start must not wait for all of them."""


def bring() -> None:
    """Import what is opened most often, and what that draws with: half a second on a small machine. For a thread, after the first frame."""
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
