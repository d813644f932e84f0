"""Every family: an utterance's scores do not depend on its batch; broken files are refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tiny_encoders import VARIANTS, save_tiny
from torch import Tensor, nn

from ser_tui.encoders.base import SpeechEncoder
from ser_tui.encoders.load import build, load_encoder
from ser_tui.study.errors import UserError

SECONDS = (0.9, 2.4, 1.7, 4.3, 0.4)


def waveforms() -> list[Tensor]:
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(int(16_000 * seconds), generator=generator) * (0.02 + 0.1 * i) for i, seconds in enumerate(SECONDS)]


def pooled(encoder: SpeechEncoder, frames: list[Tensor]) -> Tensor:
    """Mean over real frames of every layer and of the output: [layers + 2, N, D]."""
    lengths = torch.tensor([len(frame) for frame in frames])
    batch = nn.utils.rnn.pad_sequence(frames, batch_first=True)
    with torch.no_grad():
        states = encoder.hidden_states(batch, lengths)
        states = (*states, encoder.output(states[-1], lengths))
    mask = torch.arange(batch.shape[1]) < lengths[:, None]
    return torch.stack([(state * mask[:, :, None]).sum(1) / lengths[:, None] for state in states])


@pytest.mark.parametrize(("family", "changes"), VARIANTS)
def test_scores_do_not_depend_on_the_batch(tmp_path: Path, family: str, changes: dict[str, Any]) -> None:
    encoder = load_encoder(save_tiny(tmp_path / "model", family, **changes))
    head = torch.randn(32, 7, generator=torch.Generator().manual_seed(1))
    frames = [encoder.front_end(waveform) for waveform in waveforms()]
    assert [len(frame) for frame in frames] == [encoder.frames(len(waveform)) for waveform in waveforms()]
    together = pooled(encoder, frames)
    alone = torch.cat([pooled(encoder, [frame]) for frame in frames], dim=1)
    assert together.shape == (encoder.layers + 2, len(SECONDS), encoder.dimension)
    assert (together @ head - alone @ head).abs().max() < 1e-3
    # The comparison has teeth: utterances differ by far more than that.
    assert (alone @ head).std(dim=1).min() > 1e-2


@pytest.mark.parametrize(("family", "changes"), VARIANTS[:-1])
def test_a_single_utterance_is_what_transformers_computes(tmp_path: Path, family: str, changes: dict[str, Any]) -> None:
    import transformers

    folder = Path(save_tiny(tmp_path / "model", family, **changes))
    encoder = load_encoder(str(folder))
    reference = transformers.AutoModel.from_pretrained(folder).eval()
    waveform = waveforms()[1]
    values = transformers.Wav2Vec2FeatureExtractor(do_normalize=True)(waveform.numpy(), sampling_rate=16_000, return_tensors="pt")
    frames = encoder.front_end(waveform)
    lengths = torch.tensor([len(frames)])
    with torch.no_grad():
        expected = reference(values.input_values).last_hidden_state
        ours = encoder.output(encoder.hidden_states(frames[None], lengths)[-1], lengths)
    assert torch.allclose(ours, expected, atol=1e-4)


def test_whisper_is_what_transformers_computes(tmp_path: Path) -> None:
    import transformers

    folder = Path(save_tiny(tmp_path / "model", "whisper"))
    encoder = load_encoder(str(folder))
    reference = transformers.AutoModel.from_pretrained(folder).eval().encoder
    assert encoder.maximum_samples is not None
    waveform = torch.nn.functional.pad(waveforms()[1], (0, encoder.maximum_samples - len(waveforms()[1])))
    mels = transformers.WhisperFeatureExtractor()(waveform.numpy(), sampling_rate=16_000, return_tensors="pt").input_features
    frames = encoder.front_end(waveform)
    lengths = torch.tensor([len(frames)])
    with torch.no_grad():
        expected = reference(mels, output_hidden_states=True)
        states = encoder.hidden_states(frames[None], lengths)
    assert torch.allclose(encoder.output(states[-1], lengths), expected.last_hidden_state, atol=1e-4)
    assert torch.allclose(states[1], expected.hidden_states[1], atol=1e-4)


@pytest.mark.parametrize("family", ["wavlm", "hubert", "whisper"])
def test_training_mode_drops_no_layer_and_masks_nothing_at_random(tmp_path: Path, family: str) -> None:
    encoder = load_encoder(
        save_tiny(tmp_path / "model", family, hidden_dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, feat_proj_dropout=0.0)
    ).train()
    frames = encoder.front_end(waveforms()[0])[None]
    lengths = torch.tensor([frames.shape[1]])
    runs = [encoder.hidden_states(frames, lengths)[-1] for _ in range(4)]
    assert all(torch.equal(runs[0], run) for run in runs)


@pytest.mark.parametrize(("family", "changes"), VARIANTS)
def test_a_described_encoder_is_built_again(tmp_path: Path, family: str, changes: dict[str, Any]) -> None:
    encoder = load_encoder(save_tiny(tmp_path / "model", family, **changes))
    again = build(json.loads(json.dumps(encoder.describe())))
    again.load_state_dict(encoder.state_dict(), strict=True)
    frames = encoder.front_end(waveforms()[0])
    assert torch.equal(again.front_end(waveforms()[0]), frames)
    lengths = torch.tensor([len(frames)])
    with torch.no_grad():
        assert torch.equal(again.hidden_states(frames[None], lengths)[-1], encoder.hidden_states(frames[None], lengths)[-1])


def test_parameter_groups_cover_what_can_be_trained_once(tmp_path: Path) -> None:
    encoder = load_encoder(save_tiny(tmp_path / "model", "wav2vec2"))
    front, rest = encoder.front_end_parameters(), encoder.transformer_parameters()
    fixed = encoder.fixed_parameters()
    assert len({id(p) for p in [*front, *rest, *fixed]}) == len(front) + len(rest) + len(fixed) == len(list(encoder.parameters()))


def test_the_old_checkpoint_format_gives_the_same_encoder(tmp_path: Path) -> None:
    folder = Path(save_tiny(tmp_path / "model", "wav2vec2"))
    modern = load_encoder(str(folder)).fingerprint
    from safetensors.torch import load_file

    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    old = {name: tensor for name, tensor in tensors.items()}
    for new, was in names.items():
        old = {name.replace(new, was): tensor for name, tensor in old.items()}
    torch.save(
        {f"wav2vec2.{name}": tensor for name, tensor in old.items()} | {"lm_head.weight": torch.zeros(3, 32)}, folder / "pytorch_model.bin"
    )
    assert load_encoder(str(folder)).fingerprint == modern


def _edited(change: Callable[[dict[str, Tensor]], object]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        from safetensors.torch import load_file

        tensors = dict(load_file(folder / "model.safetensors"))
        change(tensors)
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors")

    return apply


def _cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def _page(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_text("<!DOCTYPE html><html>Sign in</html>")


class _Code:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("this code ran",))


def _pickle(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"weight": _Code(), "more": torch.zeros(40_000)}, folder / "pytorch_model.bin")


NORM = "encoder.layer_norm.weight"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_cut, "no sound weight file"),
        (_page, "a web page"),
        (_pickle, "no sound weight file"),
        (_edited(lambda tensors: tensors.pop(NORM)), f"lack model.{NORM}"),
        (_edited(lambda tensors: tensors.update({"encoder.extra": torch.zeros(1)})), "unknown model.encoder.extra"),
        (_edited(lambda tensors: tensors.update({NORM: torch.zeros(5)})), "has shape (5,)"),
        (_edited(lambda tensors: tensors.update({NORM: torch.full((32,), torch.nan)})), "not finite"),
    ],
)
def test_unsound_weights_are_refused_in_one_line(
    tmp_path: Path, damage: Callable[[Path], None], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = Path(save_tiny(tmp_path / "model", "wav2vec2"))
    damage(folder)
    with pytest.raises(UserError) as caught:
        load_encoder(str(folder))
    text = str(caught.value)
    assert said in text
    assert str(folder) in text
    assert "\n" not in text
    assert "weights_only" not in text
    assert "this code ran" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("wav2vec2", {"num_hidden_layers": 10**9}), ("wav2vec2", {"num_hidden_layers": True}), ("wav2vec2", {"hidden_size": 99_996}),
        ("wav2vec2", {"conv_bias": 7}), ("wav2vec2", {"conv_dim": [-1] * 7}), ("wav2vec2", {"model_type": "1" * 5000}),
        ("whisper", {"encoder_layers": 99_999}), ("whisper", {"d_model": 10**400}), ("whisper", {"num_mel_bins": 10**6}),
        ("whisper", {"max_source_positions": 2**63}),
    ],
)  # fmt: skip
def test_a_configuration_from_a_stranger_is_refused_in_one_short_line(tmp_path: Path, family: str, changes: dict[str, Any]) -> None:
    folder = Path(save_tiny(tmp_path / "model", family))
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(UserError) as caught:
        load_encoder(str(folder))
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 500


def header(*tensors: tuple[str, list[int], list[int]]) -> bytes:
    """A safetensors file of 8 bytes of data that says of it what it likes."""
    described = {name: {"dtype": "F32", "shape": shape, "data_offsets": span} for name, shape, span in tensors}
    text = json.dumps(described).encode()
    return len(text).to_bytes(8, "little") + text + bytes(8)


@pytest.mark.parametrize(
    "data",
    [
        header(("a", [-1], [0, 8])), header(("a", [2**40, 2**40], [0, 8])), header(("a", [2**40], [0, 2**42])),
        header(("a", [2], [0, 8]), ("b", [2], [0, 8])), header(("a", [1], [4, 8])), header(("x" * 10_000, [2], [0, 8])),
        (2**63).to_bytes(8, "little"), b"",
    ],
    ids=range(8),
)  # fmt: skip
def test_so_is_a_weight_file_whose_header_lies(tmp_path: Path, data: bytes) -> None:
    folder = Path(save_tiny(tmp_path / "model", "whisper"))
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(UserError) as caught:
        load_encoder(str(folder))
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 500
