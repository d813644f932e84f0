"""What a corpus of 10,000 utterances by hundreds of speakers costs: reading it, splitting it, and a model's answers on all of its files.

    python benchmarks/large_corpus.py [MODEL] --data ../shared/data [--utterances 10000] [--seconds 2] [--folder FOLDER]

The utterances are EmoDB's recordings at other speeds and cut elsewhere, so that none is another's copy; their speakers are EmoDB's, another
one for each speed and third of the recordings. They are written into FOLDER (or one that is removed again) as 16 kHz WAV with a table. Each
step is a process of its own, start included; the cache is empty before the first. With MODEL `ser-tui predict` answers on the folder.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

ROOT = Path(__file__).resolve().parents[1]
RATE = 16_000
EMOTIONS = {"W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "happiness", "T": "sadness", "N": "neutral"}
STEPS = {
    "read, the first time": "registry.load_manifest('large')",
    "read again": "registry.load_manifest('large')",
    "likely copies": "copies_likely(registry.load_manifest('large'))",
    "checked": "check('large')",
    "split by speaker": "split(registry.load_manifest('large'), SplitProtocol(kind='speaker'))",
    "split by loso": "split(registry.load_manifest('large'), SplitProtocol(kind='loso'))",
}
BEGIN = """
import resource, sys
from pathlib import Path
from ser_tui.corpora import registry
from ser_tui.corpora.alike import copies_likely
from ser_tui.corpora.check import check
from ser_tui.corpora.splitting.protocols import split
from ser_tui.study.protocol import SplitProtocol
registry.remember('large', Path(sys.argv[1]))
"""
END = "\nprint(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"


def made(data: Path, folder: Path, count: int, seconds: float) -> Path:
    """A table of so many utterances, written into `folder`."""
    sources = sorted((data / "emodb").glob("*.flac"))
    rows = []
    for number in range(count):
        variant, place = divmod(number, len(sources))
        path = sources[place]
        speed = Fraction(16 + 2 * (variant % 7), 20)
        samples = soundfile.read(path, dtype="float32")[0]
        wanted = min(len(samples), int(seconds * RATE * speed))
        begin = int((0.37 * variant) % 1 * (len(samples) - wanted))
        cut = resample_poly(samples[begin : begin + wanted], speed.denominator, speed.numerator)
        who = f"{path.name[:2]}-{variant:02}{place % 3}"
        name = f"{who}/{path.stem}-{variant:02}.wav"
        (folder / who).mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, 0.9 * cut / max(1.0, float(np.abs(cut).max())), RATE, subtype="PCM_16")
        rows.append((name, EMOTIONS[path.name[5]], who))
    with (folder / "large.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("file", "emotion", "speaker"), *rows])
    return folder / "large.csv"


def measured(code: str, table: Path) -> tuple[float, float]:
    """Seconds and peak memory in MB of a process that does `code`."""
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", BEGIN + code + END, str(table)], capture_output=True, text=True, check=True)
    return time.perf_counter() - begun, int(done.stdout.split()[-1]) / 1024


def answered(model: str, folder: Path) -> tuple[float, float]:
    """Seconds and peak memory in MB of `ser-tui predict` on the folder."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "ser_tui.cli", "predict", model, str(folder), "-o", str(folder / "answers.csv")]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    # Of the largest process below this one so far: none of the others came to as much.
    return time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> None:
    """Print a line a step."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model", nargs="?", default="")
    options.add_argument("--data", type=Path, default=Path("../shared/data"))
    options.add_argument("--utterances", type=int, default=10_000)
    options.add_argument("--seconds", type=float, default=2.0)
    options.add_argument("--folder", type=Path)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = chosen.folder or Path(place) / "large"
        table = folder / "large.csv"
        if not table.exists():
            made(chosen.data, folder, chosen.utterances, chosen.seconds)
            time.sleep(3)  # what was written just now is not remembered
        with table.open() as stream:
            speakers = {row["speaker"] for row in csv.DictReader(stream)}
        for name in ("SER_TUI_CACHE", "SER_TUI_DATA"):
            os.environ[name] = str(Path(place) / name.lower())
        if chosen.model and Path(chosen.model).exists():
            chosen.model = str(Path(chosen.model).resolve())
        os.environ["PYTHONPATH"] = str(ROOT)
        print(f"{chosen.utterances:,} utterances of {chosen.seconds:g} s by {len(speakers)} speakers, {os.cpu_count()} cores\n")
        print("| step | seconds | memory, MB |\n|---|---:|---:|")
        for name, code in STEPS.items():
            seconds, memory = measured(code, table)
            print(f"| {name} | {seconds:.1f} | {memory:,.0f} |", flush=True)
        if chosen.model:
            (folder / "answers.csv").unlink(missing_ok=True)
            seconds, memory = answered(chosen.model, folder)
            print(f"| `ser-tui predict` | {seconds:.1f} | {memory:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
