"""`ser-tui run` beside what a user would write instead: transformers' Trainer for audio classification under Optuna's TPE.

    python benchmarks/peers.py --data ../shared/data --python /opt/peers-env/bin/python [--train 35] [--validation 35] [--seeds 3]

Both fine-tune all of whisper-tiny.en (the peer by WhisperForAudioClassification, of the same weights) on the same utterances of EmoDB,
speakers apart, for the same epochs, and search the same learning rates by TPE. The peer's features are padded to 30 s, as Whisper's
feature extractor does unless it is told otherwise; ser-tui hears the same seconds, 10 at most, without padding. Otherwise each has the
defaults of its own; batches are of 8 in both. `--python`: one that has transformers, accelerate, optuna and soundfile.

Minutes are those of the whole command for each trial: start, features and, in ser-tui, the probe included. Beside it stands what trials
took themselves. Memory is the peak of the sum over the process tree of what each process has for its own and its share of what is
shared (PSS), looked at twice a second. Intervals of BCA are computed by ser_tui for both, over the speakers; the seeds' mean has its
standard deviation.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from ser_tui.corpora import registry
from ser_tui.encoders.load import load_encoder
from ser_tui.encoders.whisper import CONFIGURATION
from ser_tui.evaluation.statistics import scored
from ser_tui.store.runs import RunFolder
from ser_tui.study.scores import BCA, Score
from ser_tui.training.processor import processor
from ser_tui.training.threads import cores

ENCODER = "whisper-tiny.en"
HELD_OUT = ("15", "16")
"""Speakers of the validation part."""
STUDY = """
name: peers
corpus: peers
encoder: whisper-tiny.en
protocol: official
strategy: tpe
budget: {trials}
seed: {seed}
search: {{learning_rate: {{low: 1e-5, high: 1e-3, scale: log}}, epochs: {epochs}, unfreeze_epoch: 0, max_seconds: 10, batch_size: 8}}
"""
LOOK_SECONDS = 0.5
Row = tuple[str, str, str, str]


@dataclass(frozen=True)
class Measured:
    """Of one command. Times in seconds, memory in bytes."""

    seconds: float
    trials: list[float]
    memory: int
    score: Score
    """BCA of the best trial."""


def chosen(data: Path, train: int, validation: int) -> list[Row]:
    """(file, speaker, emotion, part) of so many utterances of each part, as even over emotions and speakers as there are."""
    registry.remember("emodb", data.resolve() / "emodb")
    piles: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for one in registry.load_manifest("emodb").utterances:
        part = "validation" if one.speaker in HELD_OUT else "train"
        piles[part, one.emotion].append((str(one.path), str(one.speaker), one.emotion, part))
    for pile in piles.values():
        # One speaker after another, so that what is taken of the front has all of them.
        places: dict[str, int] = defaultdict(int)
        order = {}
        for row in pile:
            order[row] = (places[row[1]], row[1])
            places[row[1]] += 1
        pile.sort(key=order.__getitem__)
    found: list[Row] = []
    for part, wanted in (("train", train), ("validation", validation)):
        own = [pile for (of, _), pile in sorted(piles.items()) if of == part]
        rows = [pile[place] for place in range(max(map(len, own))) for pile in own if place < len(pile)]
        found += rows[:wanted]
    return found


def save_encoder(folder: Path) -> None:
    """Write the encoder as transformers has it, without a head."""
    from safetensors.torch import save_file
    from transformers import WhisperConfig, WhisperFeatureExtractor

    encoder = load_encoder(ENCODER)
    told = encoder.describe()["configuration"]
    configuration = WhisperConfig(**{name: told[name] for name in CONFIGURATION if name in told})
    configuration.save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=configuration.num_mel_bins).save_pretrained(folder)
    tensors = {name: tensor.contiguous() for name, tensor in encoder.state_dict().items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def watched(command: list[str], log: Path) -> tuple[float, int]:
    """Run `command`: its seconds, and the most memory that it and what it started had."""
    with log.open("wb") as stream:
        begun, most = time.monotonic(), 0
        process = subprocess.Popen(command, stdout=stream, stderr=stream)
        while process.poll() is None:
            most = max(most, _memory(process.pid))
            time.sleep(LOOK_SECONDS)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}\n{log.read_text()[-2000:]}")
    return time.monotonic() - begun, most


def _memory(pid: int) -> int:
    total = 0
    try:
        for one in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            total += int(one.memory_full_info().pss)
    except psutil.Error:  # one has ended meanwhile
        pass
    return total


def ours(place: Path, given: argparse.Namespace, seed: int) -> Measured:
    """By ser-tui."""
    (file := place / f"study{seed}.yaml").write_text(STUDY.format(trials=given.trials, seed=seed, epochs=given.epochs))
    seconds, memory = watched([sys.executable, "-m", "ser_tui.cli", "run", str(file)], place / f"ours{seed}.log")
    newest = max(path for path in Path(os.environ["SER_TUI_RUNS"]).iterdir() if path.is_dir())
    state = RunFolder(newest).state()
    assert state.best is not None and state.finished_trials == given.trials, newest
    return Measured(seconds, [trial.seconds or 0.0 for trial in state.trials], memory, state.best.scores[BCA])


def theirs(place: Path, given: argparse.Namespace, seed: int, validation: Sequence[Row]) -> Measured:
    """By transformers and Optuna. `validation`: the utterances that its predictions are of, in order."""
    script, result = Path(__file__).with_name("peer_of_transformers.py"), place / f"theirs{seed}.json"
    numbers = ["--trials", str(given.trials), "--epochs", str(given.epochs), "--seed", str(seed)]
    command = [str(given.python), str(script), str(place / "encoder"), str(place / "peers.csv"), str(result), *numbers]
    seconds, memory = watched(command, place / f"theirs{seed}.log")
    trials = json.loads(result.read_text())["trials"]
    best = max(trials, key=lambda trial: float(trial["bca"]))
    classes = sorted({row[2] for row in validation})
    truth, speakers = [classes.index(row[2]) for row in validation], [row[1] for row in validation]
    score = scored(truth, best["predictions"], len(classes), groups=speakers, recordings=None, seed=seed)[BCA]
    return Measured(seconds, [float(trial["seconds"]) for trial in trials], memory, score)


def main() -> None:
    """Measure in turn, print one table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True, help="the folder of which EmoDB is a subfolder")
    options.add_argument("--python", type=Path, required=True, help="of an environment with transformers, accelerate, optuna, soundfile")
    for name, usual in (("--train", 35), ("--validation", 35), ("--trials", 2), ("--epochs", 2), ("--seeds", 3)):
        options.add_argument(name, type=int, default=usual)
    given = options.parse_args()
    load, begun = os.getloadavg()[0], time.monotonic()
    found: dict[str, list[Measured]] = {"ser-tui run": [], "Trainer and Optuna": []}
    with tempfile.TemporaryDirectory(prefix="ser-tui-peers-") as name:
        place = Path(name)
        os.environ.update({f"SER_TUI_{what.upper()}": f"{place}/{what}" for what in ("cache", "config", "runs")})
        rows = chosen(given.data, given.train, given.validation)
        with (place / "peers.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows([("file", "speaker", "emotion", "split"), *rows])
        registry.remember("peers", place / "peers.csv")
        (place / "encoder").mkdir()
        save_encoder(place / "encoder")
        validation = [row for row in rows if row[3] == "validation"]
        for seed in range(1, given.seeds + 1):
            found["ser-tui run"].append(ours(place, given, seed))
            found["Trainer and Optuna"].append(theirs(place, given, seed, validation))
    _print(found, validation, given, load, time.monotonic() - begun)


def _print(found: dict[str, list[Measured]], validation: list[Row], given: argparse.Namespace, load: float, seconds: float) -> None:
    print(f"{processor()}, {cores()} cores; load {load:.1f} before; {seconds / 60:.1f} minutes in all")
    of = len({row[1] for row in validation})
    print(f"{given.train} training and {len(validation)} validation utterances, {of} speakers in the latter; {given.seeds} seeds, "
          f"{given.trials} trials of {given.epochs} epochs each\n")  # fmt: skip
    print("| | min a trial, all in all | s a trial itself | peak memory, MB | BCA of each seed's best trial, 95 % | mean (SD) |")
    print("|---|---:|---:|---:|---|---:|")
    means: list[float] = []
    for name, every in found.items():
        results = [one.score for one in every]
        minutes = [one.seconds / 60 / given.trials for one in every]
        itself = statistics.fmean(seconds for one in every for seconds in one.trials)
        bca = "; ".join(f"{one.value:.3f} [{one.interval[0]:.3f}, {one.interval[1]:.3f}]" for one in results if one.interval)
        values = [one.value for one in results]
        spread = f"{statistics.fmean(values):.3f} ({statistics.stdev(values) if len(values) > 1 else 0.0:.3f})"
        peak = f"{max(one.memory for one in every) / 1e6:,.0f}"
        print(f"| {name} | {statistics.fmean(minutes):.2f} | {itself:.1f} | {peak} | {bca} | {spread} |")
        means.append(statistics.fmean(minutes))
    print(f"\nminutes a trial: {means[1] / means[0]:.1f} times as many")


if __name__ == "__main__":
    main()
