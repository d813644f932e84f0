"""Exports say what the model says; what has no like in another format is refused in a line that says why."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_encoders import CLASSES, MakeModel

from ser_tui.inference import transformers_folder
from ser_tui.inference.exporting import export
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.hyperparameters import Value
from ser_tui.study.uses import ExportRequest
from ser_tui.training.model import load_model

ONNX = [
    ("whisper", {"probe": True, "layers": "1+2", "context_seconds": 1.0, "normalize": "peak", "kind": "mean+std"}),
    ("wav2vec2", {"normalize": "peak"}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("family", "about"), ONNX)
def test_an_onnx_file_says_what_the_model_says(
    make_model: MakeModel, recordings: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], family: str,
    about: dict[str, object],
) -> None:  # fmt: skip
    pytest.importorskip("onnxscript", reason="needs ser-tui[onnx]")
    import onnxruntime
    import soundfile

    folder = make_model(family, **about)
    assert export(ExportRequest(str(folder), str(tmp_path / "out"), "onnx", tuple(map(str, recordings)))) == 0
    said = capsys.readouterr()
    assert "the same labels on 6 recordings" in said.err and said.out.strip() == str(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["README.md", "labels.json", "model.onnx"]
    # As the card says that it is used, with nothing of ser_tui.
    classes = json.loads((tmp_path / "out" / "labels.json").read_text())["classes"]
    session = onnxruntime.InferenceSession(tmp_path / "out" / "model.onnx")
    samples, _ = soundfile.read(recordings[3], dtype="float32")
    (logits,) = session.run(["logits"], {"waveform": samples})
    from ser_tui.corpora.hearing.segments import Clip

    expected = load_model(folder).predict_logits([Clip(recordings[3])])[0]
    assert classes == list(CLASSES) and abs(logits - expected).max() < 1e-4
    with pytest.raises(UsageError, match="is there already"):
        export(ExportRequest(str(folder), str(tmp_path / "out"), "onnx"))


FOLDERS = [
    ("wav2vec2", {"normalize": "peak"}),
    ("wav2vec2", {"probe": True, "layers": "2"}),
    ("wavlm", {}),
    ("whisper", {"pad_to_max": True}),
    ("whisper", {"pad_to_max": True, "probe": True, "layers": "1"}),
]


@pytest.mark.parametrize(("family", "about"), FOLDERS)
def test_transformers_own_classes_load_the_folder_and_say_the_same(
    make_model: MakeModel, recordings: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], family: str,
    about: dict[str, object],
) -> None:  # fmt: skip
    folder = make_model(family, **about)
    assert export(ExportRequest(str(folder), str(tmp_path / "out"), "huggingface", tuple(map(str, recordings)))) == 0
    capsys.readouterr()
    told = json.loads((tmp_path / "out" / "config.json").read_text())
    assert list(told["id2label"].values()) == list(CLASSES) and told["architectures"][0].endswith("Classification")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "AutoModelForAudioClassification" in card and "hears the first 2 s" in card and "so are its scores" in card


REFUSED = [
    ("whisper", {}, "paper_exact"),
    ("whisper", {"pad_to_max": True, "normalize": "peak"}, "peak"),
    ("wav2vec2", {"kind": "mean+std"}, "standard deviation"),
    ("wav2vec2", {"probe": True, "layers": "1+2"}, r"layers 1\+2"),
    ("wav2vec2", {"layers": "2"}, "normalise what they pooled"),
    ("wav2vec2", {"trim": True}, "trim_silence"),
    ("wav2vec2", {"probe": True, "by_speaker": True}, "normalize_speaker"),
]


@pytest.mark.parametrize(("family", "about", "why"), REFUSED)
def test_what_no_class_of_transformers_is_is_refused(
    make_model: MakeModel, recordings: list[Path], tmp_path: Path, family: str, about: dict[str, object], why: str
) -> None:
    with pytest.raises(UserError, match=why) as refusal:
        export(ExportRequest(str(make_model(family, **about)), str(tmp_path / "out"), "huggingface", (str(recordings[0]),)))
    assert "\n" not in str(refusal.value) and not list(tmp_path.iterdir())


def test_an_export_that_says_otherwise_is_not_kept(
    make_model: MakeModel, recordings: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = transformers_folder._raw_waveform

    def other(model: object) -> object:
        made, extractor = write(model)  # type: ignore[arg-type]
        made.base_model.encoder.layers[0].final_layer_norm.weight.data.mul_(1.5)
        return made, extractor

    monkeypatch.setattr(transformers_folder, "_raw_waveform", other)
    with pytest.raises(UserError, match="answers differently from the model"):
        export(ExportRequest(str(make_model("wav2vec2")), str(tmp_path / "out"), "huggingface", tuple(map(str, recordings))))
    assert not list(tmp_path.iterdir())


def _said_otherwise(monkeypatch: pytest.MonkeyPatch, change: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> None:
    """The folders that are written say what `change` makes of their logits."""
    reader = transformers_folder.reader

    def other(folder: Path, max_seconds: float) -> Callable[..., NDArray[np.float32]]:
        says = reader(folder, max_seconds)
        return lambda waveform: change(says(waveform))

    monkeypatch.setattr(transformers_folder, "reader", other)


def test_logits_of_a_wide_spread_may_differ_by_as_much_more(
    make_model: MakeModel, recordings: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from ser_tui.training import model

    whole = load_model(make_model("wav2vec2", probe=True, layers="2"))
    with torch.no_grad():
        for parameter in whole.head.parameters():
            parameter.mul_(3e3)
    model.save(
        tmp_path / "wide", encoder=whole.encoder, encoder_name=whole.encoder_name, head=whole.head, pooling=whole.pooling, classes=CLASSES,
        parameters={}, recipe=whole.recipe, precision="float32", tuned=False,
    )  # fmt: skip
    request = ExportRequest(str(tmp_path / "wide"), str(tmp_path / "out"), "huggingface", tuple(map(str, recordings)))
    with monkeypatch.context() as patched:
        _said_otherwise(patched, lambda logits: logits + 0.1)
        with pytest.raises(UserError, match="nothing was kept"):
            export(request)
    capsys.readouterr()
    assert export(request) == 0
    said = capsys.readouterr().err
    told = re.search(r"logits within (\S+) \(at most (\S+): 0\.0001 of their standard deviation within a recording, (\S+)\)", said)
    assert told is not None, said
    largest, allowed, spread = map(float, told.groups())
    assert 1e-4 < largest <= allowed == pytest.approx(spread * 1e-4, rel=0.1)
    assert told[0] in (tmp_path / "out" / "README.md").read_text()


def test_logits_that_are_no_numbers_are_not_taken_for_the_same(
    make_model: MakeModel, recordings: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_model("wav2vec2")
    _said_otherwise(monkeypatch, lambda logits: np.where(logits == logits.max(), np.float32("nan"), logits))
    with pytest.raises(UserError, match="answers differently from the model: logits differ by nan"):
        export(ExportRequest(str(folder), str(tmp_path / "out"), "huggingface", (str(recordings[0]),)))
    assert not list(tmp_path.iterdir())


def test_what_the_model_cannot_hear_is_not_compared(
    make_model: MakeModel, recordings: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import soundfile

    folder, short, output = str(make_model("wav2vec2")), str(tmp_path / "short.wav"), tmp_path / "out"
    soundfile.write(short, np.full(100, 0.1), 16_000)
    with pytest.raises(UserError, match="finite logits of none of 1 recording"):
        export(ExportRequest(folder, str(output), "huggingface", (short,)))
    assert not output.exists()
    assert export(ExportRequest(folder, str(output), "huggingface", (short, *map(str, recordings)))) == 0
    said = capsys.readouterr().err
    assert "compared without 1 recording that" in said and "the same labels on 6 recordings" in said
    assert "On 6 recordings: the same labels" in (output / "README.md").read_text()


def test_merged_adapters_leave_as_one_model(
    make_model: MakeModel, recordings: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    from ser_tui.encoders.load import load_encoder
    from ser_tui.training import model
    from ser_tui.training.adapting import adaptation

    whole = load_model(make_model("wavlm"))
    values: dict[str, Value] = {"trained": "lora", "top_layers": 2, "lora_rank": 2, "lora_alpha": 16.0, "lora_matrices": "q+v+fc2"}
    encoder = load_encoder(whole.encoder_name)
    named = adaptation(values).enter(encoder, whole.pooling)
    with torch.no_grad():
        for parameter in named.values():
            parameter.normal_(std=0.1)
    model.save(
        tmp_path, encoder=encoder, encoder_name=whole.encoder_name, head=whole.head, pooling=whole.pooling, classes=CLASSES,
        parameters=values, recipe=whole.recipe, precision="float32", tuned=True, trained=named,
    )  # fmt: skip
    assert export(ExportRequest(str(tmp_path), str(tmp_path / "out"), "huggingface", tuple(map(str, recordings)))) == 0
    assert "the same labels on 6 recordings" in capsys.readouterr().err
    there, here = (transformers_folder.reader(tmp_path / "out", 2.0), load_model(tmp_path))
    from ser_tui.corpora.hearing.segments import Clip
    from ser_tui.training import audio

    said = here.predict_logits([Clip(recordings[2])])[0]
    assert there(audio.load(Clip(recordings[2]))) == pytest.approx(said, abs=1e-4)
    assert abs(said - whole.predict_logits([Clip(recordings[2])])[0]).max() > 1e-3
