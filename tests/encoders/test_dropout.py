"""Dropout by our own random numbers: as many zeros, the same mean, the same mask by the same seed."""

from __future__ import annotations

import pytest
import torch

from ser_tui.encoders.dropout import Dropout, dropout, replace_dropout


@pytest.mark.parametrize("probability", [0.1, 0.5])
def test_a_share_is_dropped_and_the_rest_scaled(probability: float) -> None:
    torch.manual_seed(1)
    kept = dropout(torch.ones(501, 333), probability)
    assert float((kept == 0).float().mean()) == pytest.approx(probability, abs=0.005)
    assert float(kept.max()) == pytest.approx(1 / (1 - probability), rel=1e-3)
    assert float(kept.mean()) == pytest.approx(1.0, abs=0.01)


def test_a_seed_repeats_the_mask_and_the_next_one_differs() -> None:
    ones = torch.ones(1000)
    torch.manual_seed(7)
    first, second = dropout(ones, 0.3), dropout(ones, 0.3)
    torch.manual_seed(7)
    assert torch.equal(dropout(ones, 0.3), first) and not torch.equal(first, second)


def test_what_was_dropped_gets_no_gradient() -> None:
    inputs = torch.ones(1000, requires_grad=True)
    kept = dropout(inputs, 0.25)
    kept.sum().backward()  # type: ignore[no-untyped-call]  # torch's own
    assert inputs.grad is not None and torch.equal(inputs.grad, kept.detach())


def test_it_takes_the_place_of_torchs_and_rests_in_evaluation() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Sequential(torch.nn.Dropout(0.9)))
    replace_dropout(model)
    found = [module for module in model.modules() if isinstance(module, Dropout)]
    assert len(found) == 1 and not any(type(module) is torch.nn.Dropout for module in model.modules())
    assert int((found[0].train()(torch.ones(1000)) == 0).sum()) > 800
    assert torch.equal(found[0].eval()(torch.ones(1000)), torch.ones(1000))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_values_and_gradients_are_those_of_a_mask_and_a_scale(dtype: torch.dtype) -> None:
    torch.manual_seed(4)
    inputs, wanted = torch.randn(37, 51).to(dtype).requires_grad_(), torch.randn(37, 51).to(dtype)
    kept = dropout(inputs, 0.25)
    (gradient,) = torch.autograd.grad(kept, inputs, wanted)
    mask = kept.detach() != 0
    assert kept.dtype is dtype and 0.2 < float((~mask).float().mean()) < 0.3
    assert torch.equal(kept.detach(), torch.where(mask, inputs.detach() * (4 / 3), 0.0))
    assert torch.equal(gradient, torch.where(mask, wanted * (4 / 3), 0.0))
