"""What a model gets wrong, and how sure it is of it: confusions, recalls by class, speaker and sex, calibration. Pure, numpy only.

Truth and predictions are class indices as in `ser_tui.training.metrics`; -1 is the prediction of an utterance that could not be
read, which counts as wrong and, having no probabilities, enters no calibration.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ser_tui.evaluation.statistics import lone_recalls, recall_intervals
from ser_tui.study.events import counts_fit
from ser_tui.study.formatting import counted, score
from ser_tui.study.records import Key, to_plain
from ser_tui.study.score_keys import SCORE
from ser_tui.training.metrics import UNREADABLE, balanced_accuracy, confusion_matrix, recalls

BINS = 15
"""Of a reliability diagram: as many as Guo et al. 2017 have."""
MOST_PAIRS = 5
"""Confused pairs that are told in words."""
TINY = 1e-12
"""Probabilities below are taken for this much, so that one utterance's logarithm is not infinite."""
FITTED_HERE = "these very utterances"
"""Of a temperature: it was fitted on what it is shown on."""
_COLDEST, _HOTTEST = 0.02, 50.0
"""Temperatures between which the best one is looked for; at a limit there is none, as where every answer is right."""

By = Literal["speaker", "gender"]


@dataclass(frozen=True)
class Spoken:
    """What is known of an utterance beside its class. `seconds`: how long it is; `path`: where its recording lies, or, where `corpus`
    is not on this machine, its place in that; `start`, `end`: the segment's bounds in it, in seconds, None for a whole recording;
    `digest`: of its content; `corpus`: None where the path was kept whole, as ser_tui did before it knew corpora there."""

    id: str
    speaker: str | None = None
    gender: str | None = None
    seconds: float | None = None
    path: str | None = None
    start: float | None = None
    end: float | None = None
    digest: str = ""
    corpus: str | None = None


@dataclass(frozen=True)
class Answers:
    """What a model said of n utterances. Raises ValueError where the parts do not fit each other."""

    classes: tuple[str, ...]
    """What indices are into. Those that no utterance has in truth can be said only."""
    truth: tuple[int, ...]
    predictions: tuple[int, ...]
    probabilities: NDArray[np.float32] | None = None
    """[n, classes]: rows add up to 1, and are NaN for utterances that could not be read; None: they were not kept."""
    spoken: tuple[Spoken, ...] = ()
    """One an utterance; none where not even ids are known."""
    groups: tuple[str, ...] | None = None
    """The speaker of each utterance where intervals are over speakers, see `statistics.Units`."""
    recordings: tuple[str, ...] | None = None
    seed: int = 0
    """Of intervals over recordings of which some are cut into segments, which are drawn."""
    transductive: bool = False
    """Whether `predictions` hang on other utterances than their own: by the speakers' own statistics, see `LoggedStudy.transductive`."""
    self_trained: NDArray[np.float32] | None = None
    """As `probabilities`, after self-training on the utterances; None: there is none, or it was not kept."""

    def __post_init__(self) -> None:
        n, count = len(self.truth), len(self.classes)
        lengths = {n, len(self.predictions), *(len(one) for one in (self.spoken, self.groups, self.recordings) if one)}
        wrong_range = n and (min(self.truth) < 0 or max((*self.truth, *self.predictions)) >= count or min(self.predictions) < UNREADABLE)
        shaped = all(one is None or one.shape == (n, count) for one in (self.probabilities, self.self_trained))
        if len(lengths) > 1 or wrong_range or not shaped:
            raise ValueError(f"answers that do not fit: {sorted(lengths)} utterances of {count} classes")

    def __len__(self) -> int:
        return len(self.truth)


@dataclass(frozen=True)
class Confusion:
    """Rows: the classes that occur in truth; columns: the classes that could be said. Row `shares` are of all utterances of the
    class, so that they add up to less than 1 where some could not be read."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    utterances: tuple[int, ...]
    """Of each row, unreadable ones included."""

    @property
    def shares(self) -> tuple[tuple[float, ...], ...]:
        """`counts` by the utterances of the row; 0 in a row without any."""
        return tuple(tuple(count / max(1, of) for count in row) for row, of in zip(self.counts, self.utterances, strict=True))

    @property
    def recalls(self) -> tuple[float | None, ...]:
        """Of each row; None where it has no utterance."""
        return tuple(
            self.counts[index][self.columns.index(name)] / of if of and name in self.columns else None
            for index, (name, of) in enumerate(zip(self.rows, self.utterances, strict=True))
        )


@dataclass(frozen=True)
class Recall:
    """The recall of one class on `utterances` of it, with its 95 % interval. `lone`: one speaker alone has the class, so that the interval
    is over utterances, where those of the other classes are over speakers."""

    name: str
    recall: float | None
    interval: tuple[float, float] | None
    utterances: int
    lone: bool = False


@dataclass(frozen=True)
class Pair:
    """`count` of `of` utterances of class `truth` were said to be of class `said`."""

    truth: str
    said: str
    count: int
    of: int

    @property
    def words(self) -> str:
        """fear -> happiness 1 of 14"""
        return f"{self.truth} -> {self.said} {self.count} of {self.of}"


@dataclass(frozen=True)
class Wrong:
    """One utterance with its answer, right ones too where these are asked for. `confidence`: the probability of what was said;
    `truth_probability`: of what is true; None: not kept, or unreadable. `said` is empty for an unreadable one."""

    index: int
    truth: str
    said: str
    spoken: Spoken
    confidence: float | None
    truth_probability: float | None
    probabilities: Mapping[str, float] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """JSON-safe, one level deep."""
        spoken = {name: value for name, value in asdict(self.spoken).items() if name != "digest"}
        return {
            **spoken, "truth": self.truth, "said": self.said, "confidence": self.confidence,
            "truth_probability": self.truth_probability, "probabilities": dict(self.probabilities),
        }  # fmt: skip


@dataclass(frozen=True)
class Group:
    """The score of one speaker's utterances, or of one sex's. `value`: BCA over the classes that they hold."""

    name: str
    utterances: int
    value: Annotated[float, Key(SCORE.name)]
    accuracy: float
    recalls: Mapping[str, float]
    """By class, of those that they hold."""


@dataclass(frozen=True)
class Bin:
    """Answers whose confidence lies in (low, high], the first bin 0 included. `confidence`: their mean; None where there are none."""

    low: float
    high: float
    utterances: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Calibration:
    """How far confidence is what it says. `ece`: expected calibration error; `nll`: mean negative log-likelihood in nats;
    `temperature`: what logits are to be divided by; `mended_ece`, `mended_nll`: with it; `fit_on`: on what it was fit, in words.

    A temperature that is fit on the very utterances that it is shown on is kinder than on others: `fit_on` says so.
    """

    bins: tuple[Bin, ...]
    ece: float
    nll: float
    utterances: int
    temperature: float | None
    mended_ece: float | None
    mended_nll: float | None
    fit_on: str
    cooled_on: str = ""
    """On what the temperature was fitted that is in these probabilities already (`training.calibration`), in words; empty: none is."""


def confusion(answers: Answers) -> Confusion:
    """Who was taken for whom, see `metrics.confusion_matrix`."""
    counts = confusion_matrix(answers.truth, answers.predictions, len(answers.classes))
    held = [answers.truth.count(index) for index in range(len(answers.classes))]
    rows = [index for index, count in enumerate(held) if count]
    return Confusion(
        tuple(answers.classes[index] for index in rows),
        answers.classes,
        tuple(tuple(int(cell) for cell in counts[index]) for index in rows),
        tuple(held[index] for index in rows),
    )


def counted_confusion(rows: Sequence[str], columns: Sequence[str], counts: Sequence[Sequence[int]]) -> Confusion | None:
    """Who was taken for whom, of `counts` [rows, columns] that a log holds; rows without an utterance are left out.

    None where they are no matrix of these classes, see `events.counts_fit`: which count is of which class is not known then.
    """
    if not counts_fit(counts, rows, columns):
        return None
    held = [(name, tuple(row), sum(row)) for name, row in zip(rows, counts, strict=True) if any(row)]
    return Confusion(tuple(name for name, _, _ in held), tuple(columns), tuple(row for _, row, _ in held), tuple(of for _, _, of in held))


def confused_pairs(matrix: Confusion, most: int | None = MOST_PAIRS) -> tuple[Pair, ...]:
    """The confusions with the most utterances, of equally many those that cost their class more recall first."""
    found = [
        Pair(truth, said, count, of)
        for truth, row, of in zip(matrix.rows, matrix.counts, matrix.utterances, strict=True)
        for said, count in zip(matrix.columns, row, strict=True)
        if count and said != truth
    ]
    return tuple(sorted(found, key=lambda pair: (-pair.count, pair.of, pair.truth, pair.said))[:most])


def class_recalls(answers: Answers) -> tuple[Recall, ...]:
    """The recall of each class that occurs, with its interval as of every score here: `statistics.recall_intervals`."""
    matrix = confusion(answers)
    intervals = recall_intervals(answers.truth, answers.predictions, answers.classes, answers.groups, answers.seed, answers.recordings)
    lone = lone_recalls(answers.truth, answers.classes, answers.groups)
    return tuple(
        Recall(name, recall, intervals.get(name), of, name in lone)
        for name, recall, of in zip(matrix.rows, matrix.recalls, matrix.utterances, strict=True)
    )


def listed(
    answers: Answers,
    *,
    truth: str | None = None,
    said: str | None = None,
    speaker: str | None = None,
    gender: str | None = None,
    shortest: float | None = None,
    longest: float | None = None,
    right: bool = False,
) -> tuple[Wrong, ...]:
    """The utterances that were answered wrongly, the most confident mistakes first; `right`: the right ones too.

    A cell of the confusion matrix is `truth` and `said` together, which tells of hits where they are the same. `shortest` and
    `longest` bound the length in seconds: utterances whose length is not known lie outside every bound.
    """
    cell = truth is not None and said is not None
    found = []
    for index, (true, answer) in enumerate(zip(answers.truth, answers.predictions, strict=True)):
        if not (right or cell or true != answer):
            continue
        # Before anything is gathered of it: a key asks for one cell of 100,000 answers.
        if truth not in (None, answers.classes[true]) or said not in (None, _class_said(answers, answer)):
            continue
        one = _answered(answers, index, true, answer)
        spoken = one.spoken
        fits = (
            (speaker is None or spoken.speaker == speaker) and (gender is None or spoken.gender == gender)
            and (shortest is None or (spoken.seconds is not None and spoken.seconds >= shortest))
            and (longest is None or (spoken.seconds is not None and spoken.seconds <= longest))
        )  # fmt: skip
        if fits:
            found.append(one)
    return tuple(sorted(found, key=lambda one: (-(one.confidence or 0.0), one.index)))


def _answered(answers: Answers, index: int, true: int, answer: int) -> Wrong:
    row = [] if answers.probabilities is None else answers.probabilities[index].tolist()
    shares = dict(zip(answers.classes, row, strict=True)) if row and all(map(math.isfinite, row)) else {}
    name, said = answers.classes[true], _class_said(answers, answer)
    spoken = answers.spoken[index] if answers.spoken else Spoken(f"utterance {index + 1}")
    return Wrong(index, name, said, spoken, shares.get(said), shares.get(name), shares)


def _class_said(answers: Answers, answer: int) -> str:
    return "" if answer == UNREADABLE else answers.classes[answer]


def by_group(answers: Answers, by: By) -> tuple[Group, ...]:
    """Recall by speaker, or by sex, the lowest BCA first; nothing where no utterance has one. Utterances without are left out."""
    held: dict[str, list[int]] = {}
    for index, spoken in enumerate(answers.spoken):
        name = spoken.speaker if by == "speaker" else spoken.gender
        if name is not None:
            held.setdefault(name, []).append(index)
    found = []
    for name, indices in held.items():
        truth = [answers.truth[index] for index in indices]
        said = [answers.predictions[index] for index in indices]
        by_class = recalls(truth, said, len(answers.classes))
        found.append(
            Group(
                name, len(indices), balanced_accuracy(truth, said, len(answers.classes)),
                sum(a == b for a, b in zip(truth, said, strict=True)) / len(indices),
                {answers.classes[c]: float(value) for c, value in enumerate(by_class) if np.isfinite(value)},
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda group: (group.value, group.name)))


def reliability(probabilities: NDArray[np.floating], truth: Sequence[int], bins: int = BINS) -> tuple[tuple[Bin, ...], float]:
    """The bins of a reliability diagram (DeGroot and Fienberg 1983; Niculescu-Mizil and Caruana 2005) of `probabilities` [n, C],
    all finite, and the expected calibration error: over `bins` bins of equal width, the mean of |accuracy - confidence|
    weighted by their utterances (Naeini, Cooper, Hauskrecht 2015; Guo, Pleiss, Sun, Weinberger 2017, equation 3)."""
    values = np.asarray(probabilities, dtype=np.float64)
    confidence, right = values.max(1), values.argmax(1) == np.asarray(truth)
    places = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    found, error = [], 0.0
    for number in range(bins):
        own = places == number
        count = int(own.sum())
        mean, share = (float(confidence[own].mean()), float(right[own].mean())) if count else (None, None)
        found.append(Bin(number / bins, (number + 1) / bins, count, mean, share))
        if mean is not None and share is not None:
            error += count / len(values) * abs(share - mean)
    return tuple(found), error


def likelihood(probabilities: NDArray[np.floating], truth: Sequence[int]) -> float:
    """The mean negative log-likelihood of `truth` [n] under `probabilities` [n, C], in nats."""
    values = np.asarray(probabilities, dtype=np.float64)[np.arange(len(truth)), np.asarray(truth)]
    return float(-np.log(np.maximum(values, TINY)).mean())


def heated(probabilities: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """`probabilities` [n, C] as they would be with all logits divided by `temperature`, which leaves the answers as they are."""
    logits = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), TINY)) / temperature
    powers = np.exp(logits - logits.max(1, keepdims=True))
    scaled: NDArray[np.float64] = powers / powers.sum(1, keepdims=True)
    return scaled


def best_temperature(probabilities: NDArray[np.floating], truth: Sequence[int]) -> float | None:
    """The temperature with the least `likelihood` (temperature scaling: Guo et al. 2017, section 4.2), by golden section over its
    inverse, in which the function is convex. None where the best one is at a limit: all answers are right, or none tells
    anything."""
    if bool((np.asarray(probabilities).argmax(1) == np.asarray(truth)).all()):
        return None  # the colder the better, without end
    low, high, ratio = 1 / _HOTTEST, 1 / _COLDEST, (5**0.5 - 1) / 2
    logits = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), TINY))
    rows = np.arange(len(truth))

    def loss(inverse: float) -> float:
        scaled = logits * inverse
        top = scaled.max(1)
        return float((np.log(np.exp(scaled - top[:, None]).sum(1)) + top - scaled[rows, np.asarray(truth)]).mean())

    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = loss(left), loss(right)
    while high - low > 1e-5:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = loss(right)
    inverse = (low + high) / 2
    return 1 / inverse if 1.001 / _HOTTEST < inverse < 0.999 / _COLDEST else None


def calibration(answers: Answers, fit: Answers | None = None, fit_on: str = FITTED_HERE, cooled_on: str = "") -> Calibration | None:
    """How well confidence fits accuracy, and the temperature that would mend it, which `fit` decides on (None: the same
    utterances), called `fit_on` in words. None where no probabilities are kept."""
    values, truth = _readable(answers)
    if values is None or not len(values):
        return None
    bins, ece = reliability(values, truth)
    other, other_truth = _readable(fit) if fit is not None else (values, truth)
    temperature = best_temperature(other, other_truth) if other is not None and len(other) else None
    mended = None if temperature is None else heated(values, temperature)
    return Calibration(
        bins,
        ece,
        likelihood(values, truth),
        len(values),
        temperature,
        None if mended is None else reliability(mended, truth)[1],
        None if mended is None else likelihood(mended, truth),
        fit_on,
        cooled_on,
    )


def _readable(answers: Answers) -> tuple[NDArray[np.float32] | None, tuple[int, ...]]:
    """The finite rows of the probabilities and their truth."""
    if answers.probabilities is None:
        return None, ()
    finite = np.flatnonzero(np.isfinite(answers.probabilities).all(axis=1))
    return answers.probabilities[finite], tuple(answers.truth[index] for index in finite)


def plain_confusion(matrix: Confusion) -> dict[str, Any]:
    """A confusion matrix, its recalls and the pairs that are confused most, JSON-safe: what logs without predictions have."""
    return {
        "rows": list(matrix.rows),
        "columns": list(matrix.columns),
        "counts": [list(row) for row in matrix.counts],
        "shares": [list(row) for row in matrix.shares],
        "utterances": list(matrix.utterances),
        "confused": [asdict(pair) for pair in confused_pairs(matrix)],
    }


def plain(answers: Answers, calibrated: Calibration | None = None) -> dict[str, Any]:
    """All of the analysis, JSON-safe, but for the utterances themselves, see `listed`."""
    return {
        "confusion": plain_confusion(confusion(answers)),
        "recalls": [asdict(one) for one in class_recalls(answers)],
        "unreadable": answers.predictions.count(UNREADABLE),
        "wrong": sum(a != b for a, b in zip(answers.truth, answers.predictions, strict=True)),
        "by_speaker": [to_plain(group) for group in by_group(answers, "speaker")],
        "by_gender": [to_plain(group) for group in by_group(answers, "gender")],
        "calibration": None if calibrated is None else asdict(calibrated),
    }


def pairs_text(pairs: Iterable[Pair]) -> str:
    """fear -> happiness 1 of 14, neutral -> boredom 1 of 16; or that nothing was confused."""
    return ", ".join(pair.words for pair in pairs) or "no class was taken for another"


def calibration_text(found: Calibration) -> str:
    """calibration error .043 on 107 utterances; temperature 1.32 would make it .021 (fit on ...)"""
    told = f"expected calibration error {score(found.ece)} on {counted(found.utterances, 'utterance')}"
    told += f", by the run's temperature, which was fitted on {found.cooled_on}" if found.cooled_on else ""
    if found.temperature is None or found.mended_ece is None:
        return f"{told}; no temperature would mend it (fit on {found.fit_on})"
    return f"{told}; temperature {found.temperature:.2f} would make it {score(found.mended_ece)} (fit on {found.fit_on})"


def reliability_bar(found: Bin, cells: int) -> str:
    """One row of a reliability diagram, a cell for every 1 / `cells`: # as far as the accuracy, | where the mean confidence lies.
    A calibrated model's | stands at the end of its #; blanks between them are overconfidence, # beyond it the contrary."""
    if found.accuracy is None or found.confidence is None:
        return " " * cells
    line = list("#" * round(found.accuracy * cells) + "." * cells)[:cells]
    at = min(cells - 1, max(0, round(found.confidence * cells) - 1))
    return "".join([*line[:at], "|", *line[at + 1 :]])


def bin_text(found: Bin) -> str:
    """.60-.67: the confidences that a bin takes."""
    low, high = (f"{end:.2f}".removeprefix("0") for end in (found.low, found.high))
    return f"{low}-{high}"


def hardest_class(group: Group) -> tuple[str, float] | None:
    """The class of which the group's utterances are recognized least, and its recall; None where all of them are."""
    name, recall = min(group.recalls.items(), key=lambda item: (item[1], item[0]), default=("", 1.0))
    return (name, recall) if recall < 1 else None
