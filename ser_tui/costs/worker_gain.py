"""Whether several workers, each with its share of the threads, make more trials than one with all: measured once per machine and
encoder, and remembered in the cache."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from ser_tui.costs import calibration
from ser_tui.experiment.data import SplitCorpus
from ser_tui.store import measurements
from ser_tui.study.document import Study
from ser_tui.study.scores import PEAK_MEMORY
from ser_tui.training.trial import Part

GROUPS = 2
"""Batches of training utterances, of different lengths, whose epochs are timed."""
UNDISTURBED = 0.85
"""A worker of one thread that had so much of a core's time, or more, was not held up by others."""
MOST = 1e15
"""No measured figure is as high: a file that says so was not written by `remember`."""


@dataclass(frozen=True)
class Gain:
    """What was measured of so many workers at a time."""

    workers: int
    alone: float
    """Seconds of an epoch of one worker that has all threads, and the machine for itself as far as others let it."""
    together: float
    """Seconds of the same epoch of each worker, all at it at the same time."""
    peak: float
    """The most bytes that one of them held."""

    @property
    def times(self) -> float:
        """How many times the trials of one worker with all threads they make in the same time. As many times as there are workers is
        the most that can be: where more was measured, others used the machine."""
        return min(float(self.workers), self.workers * self.alone / self.together) if self.together > 0 else 1.0


def parts(data: SplitCorpus) -> tuple[Part, Part]:
    """What is trained on to measure: a few utterances of either part."""
    lengths = [utterance.seconds for utterance in data.manifest.utterances]
    train = calibration.spread(data, data.split.train, lengths, calibration.BATCH, GROUPS)[0]
    return train, calibration.spread(data, data.split.validation, lengths, calibration.BATCH // 2, GROUPS)[0]


def epoch_of(
    study: Study, train: Part, validation: Part, classes: tuple[str, ...], should_stop: Callable[[], bool]
) -> tuple[float, float | None, float]:
    """Seconds of the quicker one of two epochs of the unfrozen encoder in this process, the most bytes that it held, where the system
    tells, and the seconds of processor time that it had for each second. Raises what a trial raises."""
    begun, used = time.perf_counter(), time.process_time()
    reports, _, result = calibration.trained(study, train, validation, classes, should_stop)
    share = (time.process_time() - used) / max(time.perf_counter() - begun, 1e-9)
    return min(report.seconds for report in reports[-2:]), result.costs.get(PEAK_MEMORY), share


def remember(name: str, gain: Gain) -> None:
    """Keep `gain` under `name`."""
    measurements.remember("workers", lambda table: table.update({name: asdict(gain)}))


def recall(name: str) -> Gain | None:
    """What is kept under `name`, or None."""
    return measurements.figures(Gain, measurements.table("workers").get(name), lambda value: 0 < value < MOST)
