"""The convolution that encodes positions by spectra: the values and the gradients of torch's own, where it is trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_encoders import save_tiny
from torch import Tensor, nn
from transformers import Wav2Vec2Config, Wav2Vec2Model

from ser_tui.encoders import positions
from ser_tui.encoders.load import load_encoder


@pytest.mark.parametrize(
    ("taps", "groups", "frames"), [(128, 4, 1), (128, 4, 129), (128, 4, 130), (128, 1, 300), (33, 8, 241), (64, 2, 500)]
)
def test_it_has_the_values_and_the_gradients_of_torchs_convolution(taps: int, groups: int, frames: int) -> None:
    torch.manual_seed(taps + frames)
    convolution = nn.Conv1d(16, 16, taps, padding=taps // 2, groups=groups, bias=False)
    assert positions.fits(convolution)
    hidden, wanted = torch.randn(3, frames, 16, requires_grad=True), torch.randn(3, frames, 16)
    theirs = convolution(hidden.transpose(1, 2))[:, :, :frames].transpose(1, 2)
    ours = positions.correlate(hidden, convolution.weight, groups)
    _same(ours, theirs)
    for one, other in zip(*(torch.autograd.grad(result, (hidden, convolution.weight), wanted) for result in (ours, theirs)), strict=True):
        _same(one, other)


def test_bfloat16_around_it_does_not_round_what_it_computes() -> None:
    torch.manual_seed(0)
    hidden, weight = torch.randn(2, 150, 16), torch.randn(16, 4, 128)
    with torch.autocast("cpu", torch.bfloat16):
        found = positions.correlate(hidden, weight, 4)
    assert found.dtype is torch.float32 and torch.equal(found, positions.correlate(hidden, weight, 4))


@pytest.mark.parametrize(
    "other",
    [
        nn.Conv1d(16, 16, 19, padding=9, groups=4),  # as data2vec-audio's: torch's own is quicker
        nn.Conv1d(16, 16, 128, padding=64, stride=2),
        nn.Conv1d(16, 16, 128, padding=0),
        nn.Conv1d(16, 32, 128, padding=64),
        nn.Conv1d(16, 16, 512, padding=256),
    ],
)
def test_other_convolutions_are_left_to_torch(other: nn.Conv1d) -> None:
    assert not positions.fits(other)


def test_an_encoder_learns_the_same_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(3)
    config = Wav2Vec2Config(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, num_conv_pos_embeddings=64,
        num_conv_pos_embedding_groups=4, conv_dim=(16, 16), conv_kernel=(10, 3), conv_stride=(5, 2), num_feat_extract_layers=2,
    )  # fmt: skip
    Wav2Vec2Model(config).save_pretrained(tmp_path)
    encoder = load_encoder(str(tmp_path))
    frames, lengths = torch.randn(2, 90, 16), torch.tensor([90, 61])
    learned = {name: parameter for name, parameter in encoder.named_parameters() if "pos_conv" in name}
    assert learned

    def gradients() -> list[Tensor]:
        state = encoder.hidden_states(frames, lengths)[-1]
        return list(torch.autograd.grad(state[0].sum() + state[1, :61].square().sum(), list(learned.values())))

    ours = gradients()
    monkeypatch.setattr(positions, "fits", lambda _: False)
    theirs = gradients()
    for one, other in zip(ours, theirs, strict=True):
        _same(one, other)
    # Two ways of computing do not round alike: equal to the last bit, it was one way twice.
    assert not all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


def _same(one: Tensor, other: Tensor) -> None:
    assert one.shape == other.shape
    assert float((one - other).detach().abs().max()) <= 2e-5 * max(1.0, float(other.detach().abs().max()))


@pytest.mark.parametrize("learning", [False, True])
@pytest.mark.parametrize("family", ["wav2vec2", "wavlm", "data2vec-audio"])
def test_bfloat16_rounds_what_narrow_groups_make_and_no_more(tmp_path: Path, family: str, learning: bool) -> None:
    """On processors with AMX torch's own convolution of such groups is off by as much as its values are large."""
    encoder = load_encoder(save_tiny(tmp_path / "encoder", family))
    waveform = torch.randn(16_000, generator=torch.Generator().manual_seed(1))
    frames, lengths = encoder.convolve(encoder.inputs(waveform)).detach()[None], torch.tensor([49])
    with torch.set_grad_enabled(learning):
        exact = encoder.hidden_states(frames, lengths, 0)[0].detach()
        with torch.autocast("cpu", torch.bfloat16):
            rounded = encoder.hidden_states(frames, lengths, 0)[0].detach().float()
    assert float((rounded - exact).abs().mean()) < 0.02 * float(exact.abs().mean())
