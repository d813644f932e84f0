"""The Python API: light to import, a search in a thread, stopped and resumed, and a model that predicts."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

import ser_tui
from ser_tui.corpora import registry
from ser_tui.study.document import Study
from ser_tui.study.events import EpochFinished, Event, RunResumed, TrialFinished
from ser_tui.study.space import Integer

MakeStudy = Callable[..., Study]
PROBE = {
    "name": "probe", "corpus": "small", "protocol": {"kind": "speaker", "size": 0.34}, "encoder": "whisper-tiny.en", "method": "probe",
    "strategy": "random", "budget": 2, "search": {"max_seconds": 1, "layers": "last", "inverse_regularization": {"low": 0.01, "high": 1}},
}  # fmt: skip


def test_importing_it_imports_nothing_heavy_and_every_name_is_there() -> None:
    script = (
        "import sys, ser_tui\n"
        "heavy = {'pydantic', 'numpy', 'torch', 'ruamel', 'psutil'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert all(hasattr(ser_tui, name) and name in dir(ser_tui) for name in ser_tui.__all__)\n"
        "assert sorted(ser_tui.__all__) == sorted([*ser_tui._PLACES, '__version__'])\n"
        "assert not hasattr(ser_tui, 'nothing')\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_a_study_is_a_document_or_a_mapping_and_overrides_change_it(small_study: MakeStudy, tmp_path: Path) -> None:
    document = tmp_path / "study.yaml"
    document.write_text("corpus: small\nencoder: whisper-tiny.en\nbudget: 3\nsearch: recommended\n")
    read = ser_tui.load_study(document, budget=5, **{"search.epochs": {"low": 1, "high": 2}})
    assert read.budget.trials == 5 and read.search["epochs"] == Integer(low=1, high=2)
    assert ser_tui.load_study(PROBE, protocol={"kind": "random", "size": 0.25}).protocol.size == 0.25
    with pytest.raises(ser_tui.UserError, match="did you mean budget"):
        ser_tui.load_study(PROBE, budgte=3)
    with pytest.raises(ser_tui.UserError, match="nowhere"):
        ser_tui.load_study(PROBE, corpus="nowhere")


def test_a_search_in_a_thread_gives_a_run_and_its_model_predicts(small_study: MakeStudy, tmp_path: Path) -> None:
    heard: list[Event] = []
    done: list[ser_tui.Run] = []
    study = ser_tui.load_study(PROBE)
    thread = threading.Thread(target=lambda: done.append(ser_tui.run(study, heard.append, runs=tmp_path)))
    thread.start()
    thread.join()
    (run,) = done
    assert run.status == "done" and len(run.trials) == 2 and [found.id for found in ser_tui.runs(tmp_path)] == [run.id]
    assert [(event.seq, event.type) for event in heard] == [(event.seq, event.type) for event in run.events()]
    assert sum(isinstance(event, TrialFinished) for event in heard) == 2
    assert ser_tui.open_run("latest", tmp_path).id == run.id == ser_tui.open_run(run.path).id
    (run.path / "study.yaml").unlink()  # lost: the log has it too
    assert ser_tui.open_run(run.path).id == run.id and run.study.name == study.name
    model = ser_tui.load_model(str(run.path))
    files = [utterance.path for utterance in registry.load_manifest("small").utterances[:2]]
    samples, rate = soundfile.read(files[0], dtype="float32")
    whole = (samples * 32768).astype(np.int16)
    found = model.predict([*files, (samples, rate), (np.stack([samples, samples], 1), rate), (whole, rate)])
    assert found.probabilities.shape == (5, 3) and np.allclose(found.probabilities.sum(1), 1, atol=1e-5) and not found.problems
    for row in found.probabilities[2:]:
        assert np.allclose(row, found.probabilities[0], atol=1e-3), "samples are heard as their file is"
    assert found.labels[0] in model.classes and model.predict([]).labels == ()
    with pytest.raises(ser_tui.UserError, match=r"item 0: .* sample rate"):
        model.predict([(samples, -1)])
    for wrong in ((samples,), (samples, "16k"), (samples, float("nan"))):
        with pytest.raises(ser_tui.UserError, match="item 0: "):
            model.predict([wrong])  # type: ignore[list-item]
    with pytest.raises(ser_tui.UserError, match="item 0: samples are an array"):
        model.predict([(np.zeros((2, 2, 2)), rate)])


def test_an_interrupt_from_the_keyboard_stops_the_run_which_goes_on_when_resumed(small_study: MakeStudy, tmp_path: Path) -> None:
    def on_event(event: Event) -> None:
        if isinstance(event, EpochFinished) and event.trial == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ser_tui.run(ser_tui.load_study(PROBE), on_event, runs=tmp_path)
    run = ser_tui.open_run("latest", tmp_path)
    assert run.status == "stopped" and run.state.reason == "interrupted from the keyboard"
    assert [trial.status for trial in run.trials] == ["done", "cut_short"]
    before = run.trials[0]
    run.resume()
    assert run.status == "done" and run.trials[0].parameters == before.parameters and run.trials[0].value() == before.value()
    assert any(isinstance(event, RunResumed) for event in run.events()) and len(run.trials) == 2


def test_what_a_study_says_in_vain_is_warned_of(small_study: MakeStudy, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    study = ser_tui.load_study(PROBE, strategy={"kind": "random", "points": 9}, training={"averaging": "ema"})
    for detach in (False, True):
        with pytest.warns(UserWarning) as told, pytest.raises(ser_tui.UserError, match="cannot create a run"):
            ser_tui.run(study, detach=detach, runs=tmp_path / "file")
        assert [str(one.message).partition(":")[0] for one in told] == ["strategy.points is not read", "training.averaging is not read"]
        assert told[0].filename == __file__, "it is the caller's line that is named"


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan"), float("inf"), 0.1])
def test_segments_without_a_length_are_refused_before_anything_is_heard(seconds: float) -> None:
    """Of such segments a recording has no last one: the call would not end."""
    with pytest.raises(ser_tui.UserError, match=r"give 0\.25 to 600"):
        ser_tui.Predictor(None).predict_segments("interview.flac", seconds)  # type: ignore[arg-type]


def test_a_path_in_place_of_a_study_is_refused_with_what_makes_one_of_it() -> None:
    with pytest.raises(ser_tui.UserError, match=r"load_study\(\) gives, not str"):
        ser_tui.run("study.yaml")  # type: ignore[arg-type]
