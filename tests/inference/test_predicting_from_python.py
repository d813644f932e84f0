"""The Python API hears what the command hears, and refuses what it refuses: one model has one answer to a recording."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from weakref import ref

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from tiny_encoders import CLASSES, MakeModel

import ser_tui
from ser_tui.inference.answering import answer
from ser_tui.study.uses import PredictRequest


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory, recordings: list[Path]) -> list[Path]:
    """What is no speech, or not to its end."""
    folder = tmp_path_factory.mktemp("odd")
    samples, rate = soundfile.read(recordings[3])
    soundfile.write(folder / "silent.wav", np.zeros(rate), rate)
    soundfile.write(folder / "opposite.wav", np.stack([samples, -samples], 1), rate, subtype="FLOAT")
    soundfile.write(folder / "loud.wav", samples * 32_768, rate, subtype="FLOAT")
    soundfile.write(folder / "cut.wav", samples, rate)
    cut = folder / "cut.wav"
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    return sorted(folder.iterdir())


def test_a_folder_without_a_model_is_called_so(tmp_path: Path) -> None:
    with pytest.raises(ser_tui.UserError, match=r"holds no model \(model.json is absent\), and is no run's folder"):
        ser_tui.load_model(tmp_path)


@pytest.mark.parametrize("by_speaker", [False, True])
def test_an_answer_from_python_is_that_of_the_command(
    make_model: MakeModel, recordings: list[Path], odd: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], by_speaker: bool
) -> None:
    folder, paths = make_model("whisper", probe=True, by_speaker=by_speaker), [*recordings, *odd]
    speakers = ["ann", "bob"] * (len(paths) // 2)
    table = tmp_path / "heard.csv"
    table.write_text("file,speaker\n" + "".join(f"{path},{name}\n" for path, name in zip(paths, speakers, strict=True)))
    answer(PredictRequest(str(folder), (str(table),), "json"))
    rows = {row["file"]: row for row in json.loads(capsys.readouterr().out)["answers"]}
    found = ser_tui.load_model(folder).predict(paths, speakers)
    for index, path in enumerate(paths):
        row = rows[str(path)]
        assert found.problems.get(index) == (f"{path}: {row['problem']}" if "problem" in row else None), path.name
        assert found.labels[index] == row.get("emotion"), path.name
        if "probabilities" in row:
            assert np.allclose(found.probabilities[index], [row["probabilities"][name] for name in CLASSES], atol=1e-5)
    told = {path.name: found.problems[index].removeprefix(f"{path}: ") for index, path in enumerate(paths) if path in odd}
    assert told["silent.wav"].startswith("silent") and told["opposite.wav"].startswith("silent")
    assert told["cut.wav"].startswith("truncated") and "full scale is 1" in told["loud.wav"]


def test_samples_of_whole_numbers_in_floats_are_no_silent_mistake(make_model: MakeModel, recordings: list[Path]) -> None:
    samples, rate = soundfile.read(recordings[0], dtype="float32")
    found = ser_tui.load_model(make_model("whisper", probe=True)).predict([(samples, rate), (samples * 32_768, rate)])
    assert found.labels[0] in CLASSES and found.labels[1] is None and found.problems[1].startswith("item 1: samples up to ")


def test_of_a_generator_of_samples_a_few_are_in_memory_at_a_time(
    make_model: MakeModel, recordings: list[Path], odd: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = ser_tui.load_model(make_model("whisper", probe=True))
    read = [soundfile.read(path, dtype="float32") for path in (*recordings, odd[2], *recordings)]
    whole = predictor.predict(read)
    made, most = list[ref[NDArray[np.float32]]](), 0

    def drawn() -> Iterator[tuple[NDArray[np.float32], int]]:
        nonlocal most
        for samples, rate in read:
            copy = samples.copy()
            made.append(ref(copy))
            most = max(most, sum(one() is not None for one in made))
            yield copy, rate

    monkeypatch.setattr("ser_tui.api.predicting._AT_ONCE", 3)
    found = predictor.predict(drawn())
    assert np.allclose(found.probabilities, whole.probabilities, atol=1e-6, equal_nan=True) and found.problems == whole.problems
    assert len(read) == 13 and len(found.problems) == 1 and most <= 7, "those that are heard, and those that come next"
    monkeypatch.setattr("ser_tui.api.predicting.predictions", lambda *_: pytest.fail("what was heard so far would be lost"))
    with pytest.raises(ser_tui.UserError, match="item 13: -1 is no sample rate"):
        predictor.predict([*read, (read[0][0], -1)])
