"""Whether an utterance depends on its batch: pooled final outputs of twelve utterances as one batch, against the same one by one.

    python benchmarks/batches.py --data ../shared/data [--utterances 12]

Prints, for the offline encoder and for random models of three layers of each family, the largest relative change of an utterance's
vector in float32 and under bfloat16 autocast, and beside them the mean relative distance between two utterances.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import nullcontext
from itertools import combinations
from pathlib import Path

import soundfile
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "encoders")]

from test_encoder_families import pooled  # noqa: E402  after the paths
from tiny_encoders import STABLE, save_tiny  # noqa: E402

from ser_tui.encoders.base import SpeechEncoder  # noqa: E402
from ser_tui.encoders.load import load_encoder  # noqa: E402


def change(encoder: SpeechEncoder, frames: list[Tensor], bfloat16: bool) -> tuple[float, float]:
    """(largest relative change of an utterance by its batch, mean relative distance between two utterances), of the pooled final output."""
    with torch.autocast("cpu", torch.bfloat16) if bfloat16 else nullcontext():
        together = pooled(encoder, frames)[-1].float()
        alone = torch.cat([pooled(encoder, [frame]) for frame in frames], dim=1)[-1].float()
    size = alone.norm(dim=1)
    apart = [float((alone[i] - alone[j]).norm() / (size[i] + size[j]) * 2) for i, j in combinations(range(len(frames)), 2)]
    return float(((together - alone).norm(dim=1) / size).max()), sum(apart) / len(apart)


def main() -> None:
    parser = argparse.ArgumentParser(description="what a batch changes in an utterance's vector")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--utterances", type=int, default=12)
    arguments = parser.parse_args()
    files = sorted((arguments.data / "emodb").rglob("*.flac"))[:: 535 // arguments.utterances][: arguments.utterances]
    waveforms = [torch.from_numpy(soundfile.read(file, dtype="float32")[0]) for file in files]
    print("| encoder | float32, largest relative change | bfloat16 | between utterances |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        encoders = {"whisper-tiny.en": "whisper-tiny.en"}
        for family in ("wav2vec2", "hubert", "wavlm"):
            encoders[family] = save_tiny(Path(folder) / family, family)
            encoders[f"{family}, stable"] = save_tiny(Path(folder) / f"{family}-stable", family, **STABLE)
        for name, source in encoders.items():
            encoder = load_encoder(source).eval()
            with torch.no_grad():
                frames = [encoder.front_end(waveform) for waveform in waveforms]
            exact, apart = change(encoder, frames, bfloat16=False)
            rounded, _ = change(encoder, frames, bfloat16=True)
            print(f"| {name} | {exact:.1e} | {rounded:.1e} | {apart:.2f} |", flush=True)


if __name__ == "__main__":
    main()
