"""SpeechBrain's layout: loaded as its own loader would, fetched from a hub, refused when unsound; nothing of it is run.

The stand-in has the names, key prefixes and weight_g / weight_v of speechbrain/emotion-recognition-wav2vec2-IEMOCAP and
the files of a hub, served from 127.0.0.1 as huggingface.co serves them.
"""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ser_tui.encoders import fetch, registry
from ser_tui.encoders.load import build, load_encoder
from ser_tui.encoders.wav2vec2 import utterance_norm
from ser_tui.store.transfer import Patience
from ser_tui.study.errors import UserError

NAME = "speechbrain/emotion-recognition-wav2vec2-IEMOCAP"
HYPERPARAMETERS = """\
# A program, were it run: !apply:os.abort []
wav2vec2_hub: facebook/wav2vec2-base
encoder_dim: 64
evil: !apply:os.system [touch executed]
wav2vec2: !new:speechbrain.integrations.huggingface.wav2vec2.Wav2Vec2
    source: !ref <wav2vec2_hub>
    output_norm: True
    freeze: True
"""
CONFIG: dict[str, Any] = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 1,
    "intermediate_size": 96,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}


def checkpoint() -> dict[str, Tensor]:
    """A small random wav2vec2 under the names that the published checkpoint has."""
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    torch.manual_seed(3)
    model = Wav2Vec2Model(Wav2Vec2Config(**CONFIG))
    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    tensors = {}
    for name, tensor in model.state_dict().items():
        for new, was in old.items():
            name = name.replace(new, was)  # noqa: PLW2901
        tensors[f"model.{name}"] = tensor + 0.05 * torch.randn_like(tensor)
    return tensors


def write(folder: Path, tensors: dict[str, Tensor]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hyperparams.yaml").write_text(HYPERPARAMETERS)
    (folder / "label_encoder.txt").write_text("'neu' => 0\n'ang' => 1\n")
    (folder / "custom_interface.py").write_text("raise SystemExit('code from a hub was run')\n")
    (folder / "config.json").write_text('{"speechbrain_interface": "CustomEncoderWav2vec2Classifier"}')
    torch.save(tensors, folder / "wav2vec2.ckpt")
    torch.save({"0.w.weight": torch.zeros(4, 64)}, folder / "model.ckpt")
    return folder


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("layout") / "model", checkpoint())


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def test_a_local_folder_gives_what_speechbrains_own_lobe_gives(layout: Path, tmp_path: Path) -> None:
    from speechbrain.integrations.huggingface.wav2vec2 import Wav2Vec2
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    from ser_tui.encoders.weights import modern_weight_norm

    base = tmp_path / "base"
    Wav2Vec2Model(Wav2Vec2Config(**CONFIG)).save_pretrained(base)
    (base / "preprocessor_config.json").write_text(json.dumps({"do_normalize": True, "feature_extractor_type": "Wav2Vec2FeatureExtractor"}))
    lobe = Wav2Vec2(str(base), str(tmp_path / "save"), output_norm=True, freeze=True)
    lobe.load_state_dict(modern_weight_norm(checkpoint()), strict=True)
    encoder = load_encoder(str(layout))
    waveform = torch.randn(20_000, generator=torch.Generator().manual_seed(1))
    frames = encoder.front_end(waveform)
    lengths = torch.tensor([len(frames)])
    with torch.no_grad():
        ours = encoder.output(encoder.hidden_states(frames[None], lengths)[-1], lengths)
        theirs = lobe.eval()(waveform[None])
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert not list(tmp_path.rglob("executed"))


def test_output_norm_is_per_utterance_also_in_a_batch(layout: Path) -> None:
    encoder = load_encoder(str(layout))
    generator = torch.Generator().manual_seed(4)
    frames = [encoder.front_end(torch.randn(size, generator=generator)) for size in (9_000, 31_000, 18_000)]
    lengths = torch.tensor([len(frame) for frame in frames])
    with torch.no_grad():
        together = encoder.output(encoder.hidden_states(torch.nn.utils.rnn.pad_sequence(frames, batch_first=True), lengths)[-1], lengths)
        for index, frame in enumerate(frames):
            alone = encoder.output(encoder.hidden_states(frame[None], lengths[index : index + 1])[-1], lengths[index : index + 1])
            assert torch.allclose(together[index, : len(frame)], alone[0], atol=1e-4)


def test_a_saved_one_is_built_again_without_speechbrain(layout: Path) -> None:
    encoder = load_encoder(str(layout))
    again = build(json.loads(json.dumps(encoder.describe())))
    again.load_state_dict(encoder.state_dict(), strict=True)


class _Code:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("this code ran",))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-5000]), "no sound weight file"),
        (lambda path: path.write_text("<!doctype html><title>Not found</title>"), "a web page"),
        (lambda path: torch.save({"model.x": _Code()}, path), "no sound weight file"),
        (lambda path: torch.save({name[6:]: tensor for name, tensor in checkpoint().items()}, path), "no tensor is named model."),
        (lambda path: torch.save({**checkpoint(), "model.more": torch.zeros(1)}, path), "unknown model.more"),
        (lambda path: torch.save(dict(list(checkpoint().items())[:-1]), path), "lack model."),
        (lambda path: torch.save({name: tensor / 0 for name, tensor in checkpoint().items()}, path), "not finite"),
        (lambda path: path.unlink(), "no wav2vec2.ckpt"),
    ],
)
def test_an_unsound_checkpoint_is_refused_in_one_line(
    tmp_path: Path, damage: Callable[[Path], object], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "model", checkpoint())
    damage(folder / "wav2vec2.ckpt")
    with pytest.raises(UserError) as caught:
        load_encoder(str(folder))
    text = str(caught.value)
    assert said in text
    assert "\n" not in text
    assert "weights_only" not in text
    assert "this code ran" not in capfd.readouterr().out


class Hub(http.server.ThreadingHTTPServer):
    """Serves `folder` as the model NAME. `fault(path)` may answer a request in another way: it returns True then."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.fault: Callable[[_Handler, str], bool] = lambda handler, path: False
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"
    sha = "a" * 40

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = self.path.split("?")[0]
        self.server.asked.append(path)
        if self.server.fault(self, path):
            return
        if path.startswith(f"/api/models/{NAME}"):
            files = sorted(self.server.folder.iterdir())
            siblings = [{"rfilename": file.name, "size": file.stat().st_size, **self._lfs(file)} for file in files]
            self.reply(200, json.dumps({"id": NAME, "sha": self.sha, "siblings": siblings}).encode(), "application/json")
        elif path.startswith(f"/{NAME}/resolve/"):
            file = self.server.folder / path.split("/", 5)[5]
            if not file.is_file():
                self.reply(404, b"", headers={"X-Error-Code": "EntryNotFound"})
                return
            content = file.read_bytes()
            self.reply(200, content, headers={"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Repo-Commit": self.sha})
        else:
            self.reply(404, b"", headers={"X-Error-Code": "RepoNotFound"})

    @staticmethod
    def _lfs(file: Path) -> dict[str, Any]:
        if file.suffix != ".ckpt":
            return {}
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        return {"lfs": {"sha256": digest, "size": file.stat().st_size, "pointerSize": 100}}

    def reply(self, code: int, content: bytes, kind: str = "application/octet-stream", headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def hub(layout: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub(layout)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_encoder_is_fetched_once_checked_and_then_ready(hub: Hub, layout: Path) -> None:
    entry = registry.find("wav2vec2-iemocap")
    assert not registry.status(entry).ready
    heard: list[tuple[int, int | None]] = []
    folder = fetch.fetch("wav2vec2-iemocap", lambda done, total: heard.append((done, total)))
    assert registry.status(entry) == registry.Status(True, "ready", folder)
    total = sum((layout / name).stat().st_size for name in ("hyperparams.yaml", "wav2vec2.ckpt", "label_encoder.txt", "config.json"))
    assert heard[-1] == (total, total)
    assert not any(path.endswith((".py", "model.ckpt")) for path in hub.asked)
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "hyperparams.yaml", "label_encoder.txt", "wav2vec2.ckpt"]
    assert load_encoder(NAME).fingerprint == load_encoder(str(layout)).fingerprint
    asked = len(hub.asked)
    assert fetch.fetch(NAME) == folder
    assert len(hub.asked) == asked


def _missing(handler: _Handler, path: str) -> bool:
    if path.startswith("/api/"):
        handler.reply(404, b"", headers={"X-Error-Code": "RepoNotFound"})
        return True
    return False


def _busy(handler: _Handler, path: str) -> bool:
    if path.startswith("/api/"):
        handler.reply(400, b"{}")
        return True
    return False


def _page(handler: _Handler, path: str) -> bool:
    if path.endswith("wav2vec2.ckpt"):
        content = b"<!DOCTYPE html><html>Please sign in</html>"
        handler.reply(200, content, headers={"ETag": '"page"', "X-Repo-Commit": handler.sha})
        return True
    return False


def _changed(handler: _Handler, path: str) -> bool:
    if path.endswith("wav2vec2.ckpt"):
        content = bytearray((handler.server.folder / "wav2vec2.ckpt").read_bytes())
        content[-1] ^= 1
        handler.reply(200, bytes(content), headers={"ETag": '"other"', "X-Repo-Commit": handler.sha})
        return True
    return False


@pytest.mark.parametrize(
    ("fault", "said"), [(_missing, "no such public model"), (_busy, "HTTP 400"), (_page, "were published"), (_changed, "was published")]
)
def test_a_hub_that_answers_wrongly_is_told_in_one_line(hub: Hub, fault: Callable[[_Handler, str], bool], said: str) -> None:
    hub.fault = fault
    with pytest.raises(UserError) as caught:
        fetch.fetch(NAME)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not registry.status(registry.find(NAME)).ready
    hub.fault = lambda handler, path: False
    assert load_encoder(str(fetch.fetch(NAME))).layers == 2


def test_a_transfer_that_breaks_off_goes_on_when_asked_again(hub: Hub) -> None:
    def short(handler: _Handler, path: str) -> bool:
        if not path.endswith("wav2vec2.ckpt") or handler.command == "HEAD":
            return False
        content = (handler.server.folder / "wav2vec2.ckpt").read_bytes()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.send_header("ETag", '"x"')
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2])
        handler.close_connection = True
        return True

    hub.fault = short
    with pytest.raises(UserError) as caught:
        fetch.fetch(NAME, patience=Patience(pause=0.01))
    assert "\n" not in str(caught.value)
    assert not registry.status(registry.find(NAME)).ready
    hub.fault = lambda handler, path: False
    assert load_encoder(str(fetch.fetch(NAME))).layers == 2


def test_no_network_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(UserError, match="cannot be reached"):
        fetch.fetch(NAME)


def test_a_package_or_a_folder_is_not_fetched(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "wavlm"}')
    with pytest.raises(UserError, match="neither"):
        fetch.fetch(str(tmp_path))


def test_an_utterance_is_normalised_as_exactly_as_its_values_are_told_in_bfloat16_too() -> None:
    torch.manual_seed(0)
    lengths = torch.tensor([301, 200])
    hidden = (3 + torch.randn(2, 301, 64)).bfloat16()
    found = utterance_norm(hidden, lengths)
    for one, length in zip(found, lengths.tolist(), strict=True):
        assert abs(float(one[:length].double().mean())) < 1e-5 and float(one[:length].double().std()) == pytest.approx(1, abs=1e-4)
