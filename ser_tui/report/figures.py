"""Numbers of a run's document by their path, so that a figure on a page is that of `show --json`, and says which one it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ser_tui.report.markup import Html, joined, tag, text
from ser_tui.study.formatting import measured_text, score
from ser_tui.study.records import Key
from ser_tui.study.score_keys import SCORE
from ser_tui.study.scores import MEASURES, Measure, Score


def measures_of(trial: Mapping[str, Any]) -> dict[str, Score]:
    """What one of `trial_list` is measured by, without intervals."""
    return {name: Score(found["value"]) for name, found in trial["scores"].items() if found is not None}


def searched_for(document: Mapping[str, Any]) -> tuple[Measure, ...]:
    """What the run's study searches for, what its best is by first."""
    return tuple(MEASURES[name] for name in document["objectives"])


_MEASURED = Key("value", "interval")


def named(path: str, key: str) -> str:
    """The path of `key` in what stands at `path`."""
    return f"{path}.{key}"


def scored(record: Mapping[str, Any]) -> bool:
    """Whether a trial, or an epoch, has a score."""
    return SCORE.found(record)[0] is not None


class Figures:
    """The numbers of `document`, as `document.run_document` makes it. A path is keys and places joined by dots: trial_list.3.loss."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def at(self, path: str) -> Any:
        """The value at `path`; None where there is none. A key that has dots of its own ends a path."""
        value: Any = self.document
        keys = path.split(".")
        for place, key in enumerate(keys):
            if isinstance(value, Mapping):
                rest = ".".join(keys[place:])
                if rest in value:
                    return value[rest]
                value = value.get(key)
            elif isinstance(value, Sequence) and not isinstance(value, str) and key.isdigit() and int(key) < len(value):
                value = value[int(key)]
            else:
                return None
        return value

    def number(self, path: str, shown: Callable[[Any], str] = score) -> Html:
        """The number at `path` as `shown` writes it, its exact value and its path beside it for programs."""
        value = self.at(path)
        if value is None:
            return text("-")
        return tag("data", shown(value), value=json.dumps(value), data_of=path)

    def measured(self, path: str, measure: Measure) -> Html:
        """A score of the trial at `path` as people read it: .976 [.912, .981], 0.42 min, 1.25 GiB."""
        if measure.unit == "share":
            return self.scored(f"{path}.scores.{measure.name}", _MEASURED)
        features = bool(self.at(f"{path}.scores.{measure.name}.with_features"))
        return self.number(
            f"{path}.scores.{measure.name}.value", lambda value: measured_text(measure, Score(value, with_features=features))
        )

    def interval(self, path: str) -> Html:
        """[.912, .981]"""
        if self.at(path) is None:
            return text("")
        return joined(["[", self.number(f"{path}.0"), ", ", self.number(f"{path}.1"), "]"])

    def scored(self, path: str, key: Key = SCORE) -> Html:
        """.976 [.912, .981]: the score that what stands at `path` has under `key`, and its 95 % interval, held together on a line."""
        value, interval = named(path, key.name), named(path, key.interval)
        if self.at(value) is None:
            return text("-")
        if self.at(interval) is None:
            return self.number(value)
        return tag("span", self.number(value), " ", self.interval(interval), class_="score")
