"""An hour of speech through `ser-tui predict`: times real time, processor time and peak memory; and what exports of a model say beside it.

    python benchmarks/predicting.py MODEL --data ../shared/data [--minutes 10 60] [--vad] [--exports FOLDER ...]

The speech is EmoDB's recordings, joined, again from the first one where they do not suffice. Time and memory are those of the whole
command, its start included. `--exports`: folders that `ser-tui export-model` wrote of MODEL; each is compared with MODEL on all of EmoDB.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import soundfile

from ser_tui.training.threads import environment


def joined(data: Path, minutes: float, target: Path) -> None:
    """So many minutes of EmoDB in one file, at 16 kHz."""
    with soundfile.SoundFile(target, "w", 16_000, 1, subtype="PCM_16") as file:
        left = round(minutes * 60 * 16_000)
        for path in itertools.cycle(sorted((data / "emodb").glob("*.flac"))):
            samples = soundfile.read(path, dtype="float32")[0][:left]
            file.write(samples)
            left -= len(samples)
            if not left:
                return


def measured(model: str, recording: Path, *options: str) -> tuple[float, float, float]:
    """Seconds, processor seconds of all its threads, and peak memory in GiB of one call."""
    with tempfile.TemporaryDirectory() as folder:
        begun, used = time.perf_counter(), _processor_seconds()
        command = [sys.executable, "-m", "ser_tui.cli", "predict", model, str(recording), "-o", f"{folder}/answers.csv", *options]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        seconds = time.perf_counter() - begun
    # Of the largest process below this one so far: the command's own child, which computes.
    return seconds, _processor_seconds() - used, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20


def _processor_seconds() -> float:
    """Of the processes below this one that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def agreement(model: str, folder: Path, data: Path) -> tuple[int, int, float]:
    """Recordings of EmoDB, those with the same label, and the largest difference of logits."""
    from ser_tui.corpora.hearing.segments import Clip
    from ser_tui.inference.exporting import compare, in_float32
    from ser_tui.inference.loading import opened
    from ser_tui.training import audio

    with opened(model) as loaded:
        exact = in_float32(loaded.model)
        if (folder / "model.onnx").exists():
            from ser_tui.inference.onnx_file import reader

            says = reader(folder / "model.onnx")
        else:
            from ser_tui.inference.transformers_folder import reader as folder_reader

            says = folder_reader(folder, exact.recipe.max_seconds)
        waveforms = [audio.load(Clip(path)) for path in sorted((data / "emodb").glob("*.flac"))]
        found = compare(exact, says, waveforms)
    return found.recordings, found.equal, found.largest


def main() -> None:
    """Print one line a length, and one an export."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model")
    options.add_argument("--data", type=Path, default=Path("../shared/data"))
    options.add_argument("--minutes", type=float, nargs="*", default=[10, 60])
    options.add_argument("--vad", action="store_true")
    options.add_argument("--exports", type=Path, nargs="*", default=[])
    chosen = options.parse_args()
    os.environ.update(environment())  # before torch is imported
    cut = ["--vad"] if chosen.vad else ["--segments", "3s"]
    if chosen.minutes:
        print("| minutes | cut | seconds | times real time | processor seconds | peak memory, GiB |\n|---:|---|---:|---:|---:|---:|")
    for minutes in sorted(chosen.minutes):  # the peak is that of the largest so far
        with tempfile.TemporaryDirectory() as folder:
            recording = Path(folder) / "speech.wav"
            joined(chosen.data, minutes, recording)
            seconds, used, peak = measured(chosen.model, recording, *cut)
        print(f"| {minutes:g} | {' '.join(cut)} | {seconds:.1f} | {minutes * 60 / seconds:.0f} | {used:.0f} | {peak:.2f} |", flush=True)
    for folder in chosen.exports:
        recordings, equal, largest = agreement(chosen.model, folder, chosen.data)
        print(json.dumps({"export": folder.name, "recordings": recordings, "equal": equal, "largest difference": largest}), flush=True)


if __name__ == "__main__":
    main()
