"""The study of a run as its log holds it, typed. Light: pydantic, which checks a study document, takes longer than a list of runs.

Not `document.Study` either, because a log outlives versions: one that a newer ser_tui wrote may name protocols, strategies or
settings that this version does not know, and is to be shown all the same. What is of another type than it should be counts as
not said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ser_tui.study.constraints import Constraint, readable
from ser_tui.study.hyperparameters import TRAINED, Value, counts
from ser_tui.study.scores import BCA, CHECKPOINT_SIZE, MEASURES, TRAINED_PARAMETERS, Measure

TRANSDUCTIVE = "transductive"
_USUAL = ("learning_rate", "epochs", "unfreeze_epoch", "max_seconds", "layers", "pooling", "inverse_regularization")


@dataclass(frozen=True)
class LoggedStudy:
    """What a run was asked to do. Texts are empty where the log does not say it; `plain` is all that it says."""

    plain: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    corpora: tuple[str, ...] = ()
    encoder: str = ""
    method: str = "finetune"
    strategy: str = ""
    protocol: str = ""
    objective_folds: int = 1
    """Of the protocol: on how many folds a trial is scored; 0: all."""
    minutes: float | None = None
    """Of the budget."""
    trials: int | None = None
    """Of the budget."""
    search: Mapping[str, Any] = field(default_factory=dict)
    """Hyperparameter -> its only value, or what is searched, as the document writes it."""
    training: Mapping[str, Any] | None = None
    objectives: tuple[str, ...] = (BCA,)
    """What is searched for, names in `scores.MEASURES`: best is by the first of them."""
    constraints: tuple[Constraint, ...] = ()
    """What the best trial must keep."""

    @staticmethod
    def of(plain: Any) -> LoggedStudy:
        """The study in an event or in a summary, as `load.to_plain` made it in whatever version."""
        data: Mapping[str, Any] = plain if isinstance(plain, Mapping) else {}
        training = data.get("training")
        minutes, objective = _section(data, "budget").get("minutes"), _section(data, "protocol").get("objective_folds")
        trials = _section(data, "budget").get("trials")
        return LoggedStudy(
            plain=data,
            name=_text(data.get("name")),
            corpora=_texts(data.get("corpus")),
            encoder=_text(data.get("encoder")),
            method=_text(data.get("method")) or "finetune",
            strategy=_kind(data.get("strategy")) + ("+warm" if _is_warm(_section(data, "warm_start")) else ""),
            protocol=_kind(data.get("protocol")),
            objective_folds=objective if type(objective) is int else 1,
            minutes=minutes if type(minutes) in (int, float) else None,
            trials=trials if type(trials) is int else None,
            search=_section(data, "search"),
            training=training if isinstance(training, Mapping) else None,
            objectives=_measured(_texts(data.get("objectives")) or _texts(data.get("objective"))),
            constraints=readable(_texts(data.get("constraints"))),
        )

    @property
    def labels(self) -> dict[str, str]:
        """Emotion -> the class that it counted as, where the study says so; an empty text: it was dropped."""
        return {name: target for name, target in _section(self.plain, "labels").items() if isinstance(target, str)}

    @property
    def on_a_cluster(self) -> bool:
        """Whether its trials were made by the workers of a Dask cluster, which may be of several machines."""
        executor = _section(self.plain, "executor")
        return executor.get("kind") == "dask" and executor.get("cluster") != "local"

    @property
    def transductive(self) -> str:
        """The word that stands beside every score where features are taken by each speaker's own statistics; empty elsewhere."""
        return TRANSDUCTIVE if self.training is not None and self.training.get("normalize_speaker") is True else ""

    @property
    def beside(self) -> str:
        """The same behind a comma."""
        return f", {self.transductive}" if self.transductive else ""

    def __bool__(self) -> bool:
        return bool(self.plain)

    @property
    def corpus(self) -> str:
        """emodb, or emodb+ravdess."""
        return "+".join(self.corpora)

    @property
    def measure(self) -> Measure:
        """What is searched for, which best is by; of two the first."""
        return MEASURES[self.objectives[0]]

    @property
    def measures(self) -> tuple[Measure, ...]:
        """All that is searched for, one or two."""
        return tuple(MEASURES[name] for name in self.objectives)

    @property
    def of_best(self) -> tuple[tuple[str, Measure], ...]:
        """What the best trial is told by, in order, each with the words before it: ("least minutes", ...), ("its BCA", ...)."""
        found = dict.fromkeys(MEASURES[name] for name in (self.objectives[0], BCA, *self.objectives[1:]))
        return tuple((one.most if one is self.measure else f"its {one.label}", one) for one in found)

    @property
    def others(self) -> tuple[Measure, ...]:
        """What is shown of every trial besides BCA: what else is searched for, and what is saved where not all trials train all."""
        names = [*self.objectives, *(one.measure.name for one in self.constraints)]
        if self.search.get(TRAINED, "full") != "full":
            names += [TRAINED_PARAMETERS, CHECKPOINT_SIZE]
        return tuple(MEASURES[name] for name in dict.fromkeys(names) if name != BCA)

    @property
    def fixed(self) -> dict[str, Value]:
        """The hyperparameters that have one value in all trials, but for those that no trial reads."""
        fixed = {name: value for name, value in self.search.items() if isinstance(value, int | float | str)}
        trained = fixed.get(TRAINED, "full" if TRAINED not in self.search else "")
        return {name: value for name, value in fixed.items() if not trained or counts(name, trained)}

    @property
    def varied(self) -> list[str]:
        """The hyperparameters that the study varies, in table order."""
        return [
            name
            for name, dimension in self.search.items()
            if isinstance(dimension, Mapping) and (_is_wide(dimension) or _several(dimension.get("choices")))
        ]

    @property
    def searched(self) -> list[str]:
        """The same; the usual ones among all that the study names where it varies none."""
        return self.varied or [name for name in self.search if name in _USUAL]


def _measured(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name in MEASURES) or (BCA,)


def _several(choices: Any) -> bool:
    return isinstance(choices, list | tuple) and len(choices) > 1


def _is_wide(dimension: Mapping[str, Any]) -> bool:
    """Whether it is an interval: one of an imported study may begin where it ends."""
    return "low" in dimension and dimension["low"] != dimension.get("high")


def _section(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, Mapping) else {}


def _is_warm(section: Mapping[str, Any]) -> bool:
    """See `searching.WarmStart.asked`."""
    return section.get("first_point", "none") != "none" or bool(section.get("runs"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else (_text(value),) if value else ()


def _kind(section: Any) -> str:
    return _text(section.get("kind")) if isinstance(section, Mapping) else _text(section)
