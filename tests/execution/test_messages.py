"""What goes through the pipe comes out as it was, to the bit."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.execution.messages import Failed, PlainFold, PlainPart, Prepare, Train, Trained, asked, encode, told
from ser_tui.store.files import DiskError
from ser_tui.study.errors import UserError
from ser_tui.study.hyperparameters import Value
from ser_tui.study.scores import ACCURACY, BCA, Score, Share
from ser_tui.training.trial import Fold, NonFiniteLoss, Part, Rival, TrialResult, TrialStopped, UtteranceChanged


def test_a_result_comes_through_to_the_bit() -> None:
    said = np.array([[0.1, 0.9], [np.nan, np.nan], [1 / 3, 2 / 3]], dtype=np.float32)
    scores: dict[Share, Score] = {BCA: Score(1 / 3), ACCURACY: Score(0.1)}
    result = TrialResult(scores, (1, -1, 0), 2, 2 / 3, 0.7 / 3, False, 1.25, ("a note",), said, {"peak_memory": 1e9}, 3, 7, 0, 0.5)
    message = told(encode(Trained.of(result)))
    assert isinstance(message, Trained) and message.result() == result
    assert message.result().prepared == 0.5
    found = message.result().probabilities
    assert found is not None and found.dtype == np.float32 and found.tobytes() == said.tobytes()


def test_parts_come_through_whatever_their_files_are_called() -> None:
    clips = (Clip(Path("/data/\udcff.wav")), Clip(Path("/data/ä b.wav"), 0.5, 1.0 / 3 + 1))
    part = Part(clips, (0, 1), ("d1", "d2"), ("03", ""))
    fold = Fold("03", part, part, (1, 0))
    plain = PlainPart.of(part)
    message = asked(encode(Prepare(study="name: x", train=plain, validation=plain, classes=("a", "b"), folds=(PlainFold.of(fold),))))
    assert isinstance(message, Prepare) and message.train.part() == part and message.folds[0].fold() == fold


def test_numbers_stay_whole_or_not() -> None:
    values: dict[str, Value] = {"learning_rate": 1e-5 / 3, "epochs": 2, "max_seconds": 2.0, "layers": "last"}
    rival = Rival(3, 2 / 3, (0, -1, 1))
    message = asked(encode(Train(parameters=values, seed=2**32 - 1, rival=rival)))
    assert isinstance(message, Train) and message.parameters == values and message.rival == rival
    assert {name: type(value) for name, value in message.parameters.items()} == {name: type(value) for name, value in values.items()}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TrialStopped(), TrialStopped), (NonFiniteLoss("the loss became nan"), NonFiniteLoss), (UserError("mend it"), UserError),
        (UtteranceChanged("changed"), UtteranceChanged), (DiskError("full"), DiskError), (MemoryError(), MemoryError),
        (RuntimeError("DefaultCPUAllocator: not enough memory"), MemoryError), (OSError(errno.ENOMEM, "no memory"), MemoryError),
        (OSError(errno.ENOSPC, "No space left on device", "/tmp/x"), DiskError),
        (PermissionError(errno.EACCES, "no", "/x"), PermissionError),
        (ValueError("odd"), ValueError), (KeyError("layers"), RuntimeError),
    ],
)  # fmt: skip
def test_failures_are_what_the_search_knows(error: Exception, kind: type[Exception]) -> None:
    message = told(encode(Failed.of(error)))
    assert isinstance(message, Failed)
    found = message.error()
    assert type(found) is kind
    if not isinstance(found, MemoryError):
        assert str(error) in str(found) or isinstance(found, DiskError)
