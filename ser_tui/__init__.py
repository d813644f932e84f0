"""Hyperparameter search for speech emotion recognition: in a terminal, and from Python.

    import ser_tui

    study = ser_tui.load_study("study.yaml", budget=10)
    run = ser_tui.run(study, on_event=print)
    print(run.best.parameters, run.best.value("bca"))
    print(ser_tui.load_model(run).predict(["speech.wav"]).labels)

Importing it imports next to nothing: a name brings what it needs when it is first used. What people can mend is raised as
`UserError`, whose text is one line.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ser_tui.api.predicting import Predictions, Predictor, Segments, load_model
    from ser_tui.api.running import Run, open_run, run, runs
    from ser_tui.api.studies import load_study
    from ser_tui.corpora.entry import CorpusEntry
    from ser_tui.corpora.registry import add as add_corpus
    from ser_tui.encoders.base import SpeechEncoder
    from ser_tui.strategies.base import Observation, Proposal, Strategy
    from ser_tui.strategies.records import Settings as StrategySettings
    from ser_tui.strategies.records import StrategyRecord
    from ser_tui.strategies.registry import register as register_strategy
    from ser_tui.study.document import Study
    from ser_tui.study.errors import UserError

__all__ = [
    "CorpusEntry", "Observation", "Predictions", "Predictor", "Proposal", "Run", "Segments", "SpeechEncoder", "Strategy", "StrategyRecord",
    "StrategySettings", "Study", "UserError", "__version__", "add_corpus", "load_model", "load_study", "open_run",
    "register_strategy", "run", "runs",
]  # fmt: skip

__version__ = "0.2.0"

_PLACES = {
    "CorpusEntry": ("ser_tui.corpora.entry", "CorpusEntry"),
    "Observation": ("ser_tui.strategies.base", "Observation"),
    "Predictions": ("ser_tui.api.predicting", "Predictions"),
    "Predictor": ("ser_tui.api.predicting", "Predictor"),
    "Proposal": ("ser_tui.strategies.base", "Proposal"),
    "Run": ("ser_tui.api.running", "Run"),
    "Segments": ("ser_tui.api.predicting", "Segments"),
    "SpeechEncoder": ("ser_tui.encoders.base", "SpeechEncoder"),
    "Strategy": ("ser_tui.strategies.base", "Strategy"),
    "StrategyRecord": ("ser_tui.strategies.records", "StrategyRecord"),
    "StrategySettings": ("ser_tui.strategies.records", "Settings"),
    "Study": ("ser_tui.study.document", "Study"),
    "UserError": ("ser_tui.study.errors", "UserError"),
    "add_corpus": ("ser_tui.corpora.registry", "add"),
    "load_model": ("ser_tui.api.predicting", "load_model"),
    "load_study": ("ser_tui.api.studies", "load_study"),
    "open_run": ("ser_tui.api.running", "open_run"),
    "register_strategy": ("ser_tui.strategies.registry", "register"),
    "run": ("ser_tui.api.running", "run"),
    "runs": ("ser_tui.api.running", "runs"),
}
"""Where each public name is, and what it is called there."""


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, called = _PLACES[name]
    found = getattr(importlib.import_module(module), called)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *_PLACES])
