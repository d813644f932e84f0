"""The convolution that encodes positions in wav2vec 2.0 and its kin, trained in half the time: 128 taps by products of spectra.

That convolution makes a twentieth of a training step's products, and as torch computes it takes a tenth of the step's time. Here it is
done by the discrete Fourier transform of overlapping blocks (overlap-save; Oppenheim & Schafer, Discrete-Time Signal
Processing, 8.7), in float32, with transforms that are matrix products: blocks of 256 frames are short enough for these to be cheap.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

BLOCK = 256
"""Frames that one transform sees. Of 192 to 384 none was quicker at batches of two to ten seconds."""


def fits(convolution: Any) -> bool:
    """Whether `correlate` does what `convolution` does, and sooner: many taps, in steps of one frame, as many frames out as in."""
    return (
        isinstance(convolution, nn.Conv1d)  # of a class of its own where weight norm is upon it
        and 32 <= convolution.kernel_size[0] <= BLOCK // 2
        and convolution.stride == convolution.dilation == (1,)
        and convolution.padding == (convolution.kernel_size[0] // 2,)
        and convolution.in_channels == convolution.out_channels
    )


def correlate(hidden: Tensor, weight: Tensor, groups: int) -> Tensor:
    """What nn.Conv1d of `weight` [D, D / groups, K], padded by K // 2 frames, makes of `hidden` [B, T, D], its first T frames, without
    its bias: [B, T, D] in float32. It differs from that in rounding alone (5e-7 of the largest value)."""
    with torch.autocast("cpu", enabled=False):
        return _correlate(hidden.float(), weight.float(), groups)


def _correlate(hidden: Tensor, weight: Tensor, groups: int) -> Tensor:
    batch, frames, width = hidden.shape
    taps, bins = weight.shape[2], BLOCK // 2 + 1
    step = BLOCK - taps + 1
    blocks = -(-frames // step)
    there, back = _transforms(taps)
    left = taps // 2
    padded = nn.functional.pad(hidden, (0, 0, left, blocks * step + taps - 1 - left - frames))
    spectra = torch.matmul(padded.unfold(1, BLOCK, step), there.T)  # [B, blocks, D, 2 bins]
    rows = batch * blocks
    spectra = spectra.view(rows, groups, -1, 2, bins).permute(4, 1, 3, 0, 2).reshape(bins * groups, 2 * rows, -1)
    product: Tensor = _Products.apply(spectra, weight, there[:, :taps])
    ordered = product.view(bins, groups, 2, rows, -1).permute(2, 0, 3, 1, 4).reshape(2 * bins, rows * width)
    found = torch.mm(back, ordered).view(step, batch, blocks, width)
    return found.permute(1, 2, 0, 3).reshape(batch, blocks * step, width)[:, :frames]


@functools.lru_cache(maxsize=4)
def _transforms(taps: int) -> tuple[Tensor, Tensor]:
    """Of a block to its spectrum, [2 bins, BLOCK] (real parts, then imaginary ones), and of that to the block's frames that the taps
    have seen whole, [BLOCK - taps + 1, 2 bins]."""
    angles = 2 * math.pi / BLOCK * torch.outer(torch.arange(BLOCK // 2 + 1), torch.arange(BLOCK)).double()
    there = torch.cat([angles.cos(), -angles.sin()])
    # A real signal's spectrum is symmetric: all but its first and its last bin stand for two.
    twice = torch.full((BLOCK // 2 + 1, 1), 2.0, dtype=torch.float64)
    twice[0] = twice[-1] = 1.0
    back = torch.cat([angles.cos() * twice, -angles.sin() * twice]) / BLOCK
    return there.float(), back[:, : BLOCK - taps + 1].T.contiguous().float()


class _Products(torch.autograd.Function):
    """The spectra [N, 2 R, C] of R blocks (real parts, then imaginary ones), times the conjugate spectra of a weight [D, C, K].

    N is each bin of each group. `there` [2 bins, K] transforms the weight. By hand, since of torch's own backward pass more than a third
    is filling with zeros and adding up.
    """

    @staticmethod
    def forward(ctx: Any, spectra: Tensor, weight: Tensor, there: Tensor) -> Tensor:
        count, rows, channels = spectra.shape
        own = torch.mm(there, weight.reshape(-1, weight.shape[2]).T).view(2, count, -1, channels)
        # (a + ib)(c - id) = (ac + bd) + i (bc - ad): the spectra by c, and the spectra turned by a quarter by d.
        turned = torch.cat([spectra[:, rows // 2 :], -spectra[:, : rows // 2]], 1)
        product = torch.bmm(spectra, own[0].transpose(1, 2))
        product.baddbmm_(turned, own[1].transpose(1, 2))
        ctx.save_for_backward(spectra, turned, own, there)
        ctx.shape = weight.shape
        return product

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        spectra, turned, own, there = ctx.saved_tensors
        half = spectra.shape[1] // 2
        of_spectra, of_turned = torch.bmm(gradient, own[0]), torch.bmm(gradient, own[1])
        of_spectra[:, :half] -= of_turned[:, half:]
        of_spectra[:, half:] += of_turned[:, :half]
        of_own, turned_round = torch.empty_like(own), gradient.transpose(1, 2)
        torch.bmm(turned_round, spectra, out=of_own[0])
        torch.bmm(turned_round, turned, out=of_own[1])
        return of_spectra, torch.mm(of_own.view(len(there), -1).T, there).view(ctx.shape), None
