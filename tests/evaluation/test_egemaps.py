"""The eGeMAPS baseline, by the real openSMILE where it is installed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.evaluation import egemaps
from ser_tui.training.metrics import balanced_accuracy
from ser_tui.training.trial import Part, TrialStopped

pytestmark = pytest.mark.skipif(not egemaps.available(), reason="needs opensmile: pip install ser-tui[egemaps]")


@pytest.fixture(scope="module")
def anger_and_sadness(shared_data: Path) -> list[Path]:
    """EmoDB's loudest and quietest emotion, six speakers, two utterances each."""
    files = sorted((shared_data / "emodb").glob("*.flac"))
    speakers = ("03", "08", "09", "11", "13", "14")
    return [path for s in speakers for code in "WT" for path in [p for p in files if p.name[:2] == s and p.name[5] == code][:2]]


def part(paths: list[Path]) -> Part:
    return Part(tuple(map(Clip, paths)), tuple("WT".index(path.name[5]) for path in paths), tuple(path.name for path in paths))


def test_it_tells_anger_from_sadness_in_voices_that_it_never_heard(anger_and_sadness: list[Path]) -> None:
    train, test = part(anger_and_sadness[:16]), part(anger_and_sadness[16:])
    logits = egemaps.logits(train, test.clips, test.digests, 3)
    assert logits.shape == (8, 3)
    assert balanced_accuracy(test.labels, logits.argmax(1), 3) >= 0.75


def test_a_file_without_audio_has_no_logits_and_does_not_spoil_the_training(anger_and_sadness: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF")
    paths = anger_and_sadness[:8]
    train = Part((*map(Clip, paths), Clip(broken)), (*part(paths).labels, 1), (*part(paths).digests, "broken"))
    logits = egemaps.logits(train, (Clip(broken), Clip(paths[0])), ("broken", paths[0].name), 2)
    assert np.isnan(logits[0]).all() and np.isfinite(logits[1]).all()


def test_functionals_are_computed_once_per_content(anger_and_sadness: list[Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy.flac"
    shutil.copy(anger_and_sadness[0], copy)
    first = egemaps.functionals([Clip(copy)], ["content of its own"])
    assert first.shape == (1, egemaps.FUNCTIONALS) and np.isfinite(first).all()
    copy.unlink()
    np.testing.assert_array_equal(egemaps.functionals([Clip(copy)], ["content of its own"]), first)
    assert np.isnan(egemaps.functionals([Clip(copy)], [""])).all()


def test_it_stops_when_asked(anger_and_sadness: list[Path]) -> None:
    with pytest.raises(TrialStopped):
        egemaps.functionals([Clip(anger_and_sadness[0])], [""], lambda: True)
