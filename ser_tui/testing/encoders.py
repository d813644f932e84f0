"""What every encoder promises, as checks: `check_encoder(encoder)`, or each of `CHECKS` as a test of its own.

A check raises AssertionError, whose text says which promise was broken. They take seconds for a small encoder.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ser_tui.encoders.base import SAMPLE_RATE, SpeechEncoder

SECONDS = (0.9, 2.4, 1.7, 4.3, 0.4)
TOLERANCE = 1e-5
"""Of hidden states, as a share of the largest one, in float32."""


def waveforms() -> list[Tensor]:
    """Noise of several lengths and levels, the same every time."""
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(int(SAMPLE_RATE * seconds), generator=generator) * (0.02 + 0.1 * index) for index, seconds in enumerate(SECONDS)]


def is_independent_of_the_batch(encoder: SpeechEncoder) -> None:
    """An utterance's hidden states and output are the same alone and in a padded batch with others."""
    encoder.eval()
    frames = [encoder.front_end(waveform) for waveform in waveforms()]
    lengths = torch.tensor([len(item) for item in frames])
    with torch.no_grad():
        together = encoder.hidden_states(nn.utils.rnn.pad_sequence(frames, batch_first=True), lengths)
        output = encoder.output(together[-1], lengths)
        for index, item in enumerate(frames):
            one = torch.tensor([len(item)])
            alone = encoder.hidden_states(item[None], one)
            pairs = [*zip(alone, together, strict=True), (encoder.output(alone[-1], one), output)]
            for layer, (single, batched) in enumerate(pairs):
                difference = (single[0] - batched[index, : len(item)]).abs().max() / single.abs().max()
                assert difference < TOLERANCE, f"layer {layer}: {difference:.1e} of {SECONDS[index]} s depends on the batch"


def counts_its_frames(encoder: SpeechEncoder) -> None:
    """`frames` says how many frames `front_end` makes, down to the shortest waveform."""
    for samples in (encoder.minimum_samples, encoder.minimum_samples + 1, *(len(waveform) for waveform in waveforms())):
        made = len(encoder.front_end(torch.randn(samples, generator=torch.Generator().manual_seed(samples))))
        assert made == encoder.frames(samples), f"{samples} samples: {made} frames, announced {encoder.frames(samples)}"
        assert made > 0, f"{samples} samples give no frame"


def has_the_states_that_it_announces(encoder: SpeechEncoder) -> None:
    """`hidden_states` gives `layers` + 1 states of width `dimension`; `upto` cuts them without changing the others."""
    encoder.eval()
    frames = encoder.front_end(waveforms()[0])
    lengths = torch.tensor([len(frames)])
    with torch.no_grad():
        states = encoder.hidden_states(frames[None], lengths)
        cut = encoder.hidden_states(frames[None], lengths, upto=1)
    assert len(states) == encoder.layers + 1, f"{len(states)} hidden states of {encoder.layers} layers"
    assert states[0].shape[-1] == encoder.dimension, f"states of width {states[0].shape[-1]}, announced {encoder.dimension}"
    assert len(cut) == 2 and torch.equal(cut[1], states[1]), "upto=1 gives other states"


def goes_on_from_any_layer(encoder: SpeechEncoder) -> None:
    """Where an encoder tells its `blocks`, `continued` gives the states above any one of them, and `matrices` are linear layers there."""
    if not encoder.blocks:
        return
    encoder.eval()
    assert len(encoder.blocks) == encoder.layers, f"{len(encoder.blocks)} blocks of {encoder.layers} layers"
    frames = [encoder.front_end(waveform) for waveform in waveforms()[:2]]
    lengths = torch.tensor([len(item) for item in frames])
    with torch.no_grad():
        states = encoder.hidden_states(nn.utils.rnn.pad_sequence(frames, batch_first=True), lengths)
        for start in range(encoder.layers + 1):
            # As it is kept: each utterance's own frames, padded anew.
            kept = [states[start][index, :length] for index, length in enumerate(lengths.tolist())]
            found = encoder.continued(nn.utils.rnn.pad_sequence(kept, batch_first=True), lengths, start)
            assert len(found) == encoder.layers + 1 - start, f"{len(found)} states from layer {start} on"
            for one, other in zip(found, states[start:], strict=True):
                for index, length in enumerate(lengths.tolist()):
                    difference = (one[index, :length] - other[index, :length]).abs().max() / other.abs().max()
                    assert difference < TOLERANCE, f"from layer {start} on: {difference:.1e} of what the whole gives"
    for name, path in encoder.matrices.items():
        wrong = [block for block in encoder.blocks if not isinstance(block.get_submodule(path), nn.Linear)]
        assert not wrong, f"matrix {name}: {path} is no linear layer"


def is_quiet_in_training(encoder: SpeechEncoder) -> None:
    """In training mode no layer is dropped and nothing is masked at random: gradients reach every transformer parameter."""
    encoder.train()
    frames = encoder.front_end(waveforms()[0])
    lengths = torch.tensor([len(frames)])
    encoder.zero_grad()
    encoder.output(encoder.hidden_states(frames[None], lengths)[-1], lengths).square().sum().backward()  # type: ignore[no-untyped-call]
    idle = [name for name, parameter in encoder.named_parameters() if parameter.requires_grad and parameter.grad is None]
    front = {id(parameter) for parameter in encoder.front_end_parameters()} | {id(p) for p in encoder.fixed_parameters()}
    named = dict(encoder.named_parameters())
    assert all(id(named[name]) in front for name in idle), f"no gradient reaches {', '.join(idle[:3])}"
    encoder.eval()


def is_identified(encoder: SpeechEncoder) -> None:
    """There is a fingerprint, by which runs tell whether they go on with the same weights."""
    assert encoder.fingerprint, "an encoder without a fingerprint cannot be told from another one"
    assert encoder.describe(), "without a description a saved model cannot be built again"


CHECKS: tuple[Callable[[SpeechEncoder], None], ...] = (
    is_independent_of_the_batch, counts_its_frames, has_the_states_that_it_announces, goes_on_from_any_layer,
    is_quiet_in_training, is_identified,
)  # fmt: skip


def check_encoder(encoder: SpeechEncoder) -> None:
    """All of `CHECKS`. Raises AssertionError at the first promise that is broken."""
    for check in CHECKS:
        check(encoder)
