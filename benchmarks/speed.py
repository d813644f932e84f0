"""The paper's loop beside ours: same machine, same weights, same utterances, same trials. Minutes, ratios, memory, BCA.

    python benchmarks/speed.py [--data ../shared/data] [--encoder wav2vec2-base-size|NAME]
    python benchmarks/speed.py --trials paper            # the first 15 trials of each search that the authors recorded, by one
                                                         # worker and by two, with the collapse guard off and modelled
    python benchmarks/speed.py --encoder whisper-tiny.en --bca 2     # whole trials by both loops, two seeds
    python benchmarks/speed.py --encoder whisper-tiny.en --grow      # ours by utterances (100 to 5,000) and by cores

`wav2vec2-base-size` is that architecture with random weights, which do for timing; a score would mean nothing. Neither
loop is run whole, except with --bca: a reference step is timed for every kind (frozen, trained, validation) and length, the quickest of
three, and a trained epoch of ours, the quicker of two, on a sample of utterances of all lengths, in groups of neighbours in length, so
that a moment of other work on the machine is in neither. Both are then multiplied up to EmoDB's 428 utterances to train on and 107 to
validate on. Each side is a process of its own, so that its peak memory is its own. The reference (benchmarks/reference_loop.py) has
torch's own thread settings, ours has the product's. Two workers have one thread each, and are timed on the same sample at the same time,
as `workers: auto` would have them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from paper_lists import SEARCHES, ends, recorded, with_first

from ser_tui.training import threads
from ser_tui.training.collapse import PATIENCE
from ser_tui.training.processor import instruction_sets, processor

LENGTHS = (2, 3, 4, 5, 7, 10)
TRAIN, VALIDATION = 428, 107
RANDOM = "wav2vec2-base-size"
WORKERS = 2
CONFIGURATION: Mapping[str, Any] = {"learning_rate": 1e-4, "epochs": 5, "unfreeze_epoch": 0, "max_seconds": 5}
"""Of the trials that both loops run whole for --bca."""


def main() -> None:
    """Measure and print, or, as a child, measure one side and print JSON."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, default=Path("../shared/data"))
    options.add_argument("--encoder", default=RANDOM)
    options.add_argument("--trials", choices=("paper",))
    options.add_argument("--utterances", type=int, default=64, help="training utterances of the sample that ours is timed on")
    options.add_argument("--steps", type=int, default=3, help="reference steps timed per kind and length, after one that is not")
    options.add_argument("--bca", type=int, default=0, metavar="SEEDS")
    options.add_argument("--grow", action="store_true")
    options.add_argument("--sizes", default="100,300,1000,5000", help="for --grow")
    options.add_argument("--side", choices=("ours", "reference", "ours-bca", "reference-bca", "ours-grow"), help=argparse.SUPPRESS)
    options.add_argument("--threads", type=int, default=0, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.side:
        print(json.dumps(SIDES[given.side](given)))
        return
    if not (given.data / "emodb").is_dir():
        options.error(f"{given.data / 'emodb'} is not there; --data names the folder that holds emodb")
    with tempfile.TemporaryDirectory() as temporary:
        if given.encoder == RANDOM:
            given.encoder = str(_random_weights(Path(temporary) / "encoder"))
        if given.grow:
            _print_growth(given)
            return
        if given.bca:
            _print_bca(given)
            return
        reference, ours = _child(given, "reference"), _child(given, "ours")
        each = _at_once(given) if given.trials else []
    _print_epochs(reference, ours)
    if given.trials:
        _print_lists(given.data / "paper-trials", reference, ours, each)


# One side each, in a process of its own.


def _reference(given: argparse.Namespace) -> dict[str, Any]:
    """Seconds a step by kind and length."""
    from reference_loop import ReferenceModel, ReferenceTrial

    train, _, classes = _emodb(given.data, given.utterances)
    model = ReferenceModel(given.encoder, classes)
    times: dict[str, dict[str, float]] = {"frozen": {}, "trained": {}, "validation": {}}
    for seconds in LENGTHS:
        trial = ReferenceTrial(model, seconds, 1e-6, 1000)
        kinds: dict[str, Callable[[int], object]] = {
            "frozen": partial(trial.step, train, frozen=True),
            "trained": partial(trial.step, train, frozen=False),
            "validation": partial(trial.predict, train),
        }
        for kind, call in kinds.items():
            spent = []
            for index in range(given.steps + 1):
                begun = time.perf_counter()
                call(index)
                spent.append(time.perf_counter() - begun)
            times[kind][str(seconds)] = min(spent[1:])
    return {"times": times, "peak": _peak(), **_facts()}


def _ours(given: argparse.Namespace) -> dict[str, Any]:
    """Seconds an epoch, validation included, by kind and length, and of embedding, multiplied up to the whole corpus; and of what is done
    once a length, whatever the corpus."""
    from ser_tui.study.training import Training
    from ser_tui.training import audio, torch_settings
    from ser_tui.training.finetune import FineTuner

    train, validation, classes = _emodb(given.data, given.utterances)
    everything = _emodb(given.data, 0)
    torch_settings.apply(given.threads)
    trainer = FineTuner(given.encoder, train, validation, tuple(map(str, range(classes))), Training())
    times: dict[str, dict[str, float]] = {"frozen": {}, "trained": {}, "embedding": {}, "after": {}, "bound": {}}
    matrices = sum(parameter.numel() for parameter in trainer.encoder.transformer_parameters() if parameter.ndim == 2)
    rate = _products_a_second(trainer.encoder.dimension, trainer.precision)
    speech = {part: [audio.extent(clip).samples / 16_000 for clip in part.clips] for part in (train, *everything[:2])}
    for seconds in LENGTHS:
        cut = {part: sum(min(length, seconds) for length in lengths) for part, lengths in speech.items()}
        by_speech, by_count = cut[everything[0]] / cut[train], TRAIN / len(train)
        base = {"max_seconds": seconds, "learning_rate": 1e-6, "batch_size": 8}
        embedding, _, after = _timed(trainer, {**base, "epochs": 1, "unfreeze_epoch": 1})
        frozen = _epochs(trainer, {**base, "epochs": 2, "unfreeze_epoch": 2})[-1]
        _, trained, more = _timed(trainer, {**base, "epochs": 3, "unfreeze_epoch": 0})
        times["embedding"][str(seconds)] = embedding * by_speech
        times["after"][str(seconds)] = after + more
        times["frozen"][str(seconds)] = frozen * by_count
        # Of the weights alone, forwards once and backwards twice; of the validation part forwards.
        frames = 50 * (3 * cut[everything[0]] + cut[everything[1]])
        times["bound"][str(seconds)] = frames * matrices / rate
        times["trained"][str(seconds)] = min(trained[1:]) * by_speech
    return {"times": times, "peak": _peak(), "precision": trainer.precision, **_facts()}


def _products_a_second(width: int, precision: str) -> float:
    """Multiplications with an addition each that one large matrix product makes in a second: what no training step exceeds."""
    import torch

    kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
    left, right = torch.randn(1100, width, dtype=kind), torch.randn(width, 4 * width, dtype=kind)
    begun, rounds = time.perf_counter(), 0
    while time.perf_counter() - begun < 1.0:
        left @ right
        rounds += 1
    return rounds * 1100 * 4 * width * width / (time.perf_counter() - begun)


def _reference_bca(given: argparse.Namespace) -> dict[str, Any]:
    from reference_loop import run

    train, validation, classes = _emodb(given.data, 0)
    scores, seconds = [], []
    for seed in range(given.bca):
        begun = time.perf_counter()
        scores.append(run(given.encoder, train, validation, classes, CONFIGURATION, seed, _tell))
        seconds.append(time.perf_counter() - begun)
    return {"bca": scores, "seconds": seconds, "peak": _peak(), **_facts()}


def _ours_bca(given: argparse.Namespace) -> dict[str, Any]:
    from ser_tui.study.training import Training
    from ser_tui.training import torch_settings
    from ser_tui.training.finetune import FineTuner

    train, validation, classes = _emodb(given.data, 0)
    torch_settings.apply()
    trainer = FineTuner(given.encoder, train, validation, tuple(map(str, range(classes))), Training(collapse_guard=False))
    results = [
        trainer.run(CONFIGURATION, seed, lambda report: _tell(report.epoch, report.value, report.seconds), lambda: False)
        for seed in range(given.bca)
    ]
    found = {"bca": [result.value() for result in results], "seconds": [result.seconds for result in results]}
    return {**found, "peak": _peak(), "precision": trainer.precision, **_facts()}


def _ours_grow(given: argparse.Namespace) -> dict[str, Any]:
    """Embedding, a frozen and a trained epoch of `--utterances` utterances, EmoDB's repeated under other names where needed."""
    from ser_tui.study.training import Training
    from ser_tui.training import torch_settings
    from ser_tui.training.finetune import FineTuner
    from ser_tui.training.trial import Part

    train, validation, classes = _emodb(given.data, 0)
    clips, labels = train.clips + validation.clips, train.labels + validation.labels
    many = range(given.utterances)
    part = Part(
        tuple(clips[index % len(clips)] for index in many), tuple(labels[index % len(clips)] for index in many),
        tuple(f"utterance {index}" for index in many),
    )  # fmt: skip
    few = Part(part.clips[:8], part.labels[:8], part.digests[:8])
    torch_settings.apply(given.threads)
    trainer = FineTuner(given.encoder, part, few, tuple(map(str, range(classes))), Training())
    base = {"max_seconds": 5, "learning_rate": 1e-6}
    begun = time.perf_counter()
    first = _epochs(trainer, {**base, "epochs": 2, "unfreeze_epoch": 2})
    embedding = time.perf_counter() - begun - first[1]
    trained = _epochs(trainer, {**base, "epochs": 1, "unfreeze_epoch": 0})[0]
    return {"embedding": embedding, "frozen": first[1], "trained": trained, "peak": _peak(), **_facts()}


SIDES = {
    "reference": _reference, "ours": _ours, "reference-bca": _reference_bca, "ours-bca": _ours_bca, "ours-grow": _ours_grow,
}  # fmt: skip


def _epochs(trainer: Any, parameters: Mapping[str, Any]) -> list[float]:
    """Seconds of each epoch of one trial."""
    return _timed(trainer, parameters)[1]


def _timed(trainer: Any, parameters: Mapping[str, Any]) -> tuple[float, list[float], float]:
    """Seconds of one trial to the end of its last epoch, of each epoch, and of what comes after: how quick its model answers is measured
    then, once for all models that compute the same, whatever the size of the corpus."""
    spent, ended, begun = list[float](), 0.0, time.perf_counter()

    def told(report: Any) -> None:
        nonlocal ended
        spent.append(report.seconds)
        ended = time.perf_counter()

    trainer.run(parameters, 0, told, lambda: False)
    return ended - begun, spent, time.perf_counter() - ended


def _emodb(data: Path, count: int) -> tuple[Any, Any, int]:
    """EmoDB's parts under the paper's split, or about `count` training utterances over all lengths and a quarter as many others.

    A sample keeps neighbours in length together, so that its batches are as full as the whole corpus's.
    """
    from offline_baseline import CLASSES, split

    from ser_tui.training import audio
    from ser_tui.training.trial import Part

    def spread(part: Part, wanted: int) -> Part:
        ordered = sorted(range(len(part)), key=lambda index: audio.extent(part.clips[index]).samples)
        groups = -(-wanted // 8)
        starts = [round((group + 0.5) * len(ordered) / groups) - 4 for group in range(groups)]
        chosen = [index for start in starts for index in ordered[max(0, start) : start + 8]]
        clips, labels = tuple(part.clips[index] for index in chosen), tuple(part.labels[index] for index in chosen)
        return Part(clips, labels, tuple(part.digests[index] for index in chosen))

    train, validation = split(data / "emodb")
    if count:
        train, validation = spread(train, count), spread(validation, count // 4)
    return train, validation, len(CLASSES)


def _tell(epoch: int, bca: float, seconds: float) -> None:
    print(f"  epoch {epoch}: BCA {bca:.3f}, {seconds:.1f} s", file=sys.stderr, flush=True)


def _peak() -> float:
    """Largest resident memory of this process so far, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _facts() -> dict[str, Any]:
    import torch

    return {"threads": torch.get_num_threads(), "torch": torch.__version__, "load": round(os.getloadavg()[0], 1)}


def _child(given: argparse.Namespace, side: str, *more: str, cores: Iterable[int] | None = None, count: int = 0) -> dict[str, Any]:
    """What `side` measures in a process of its own, with an empty cache; `count`: its threads, where it has not all."""
    command = [
        sys.executable, __file__, "--side", side, "--data", str(given.data), "--encoder", given.encoder, "--utterances",
        str(given.utterances), "--steps", str(given.steps), "--bca", str(given.bca), "--threads", str(count), *more,
    ]  # fmt: skip
    # The reference waits as torch does by default; a product's process would spin at the cost of its neighbours.
    settings = {} if side.startswith("reference") else threads.environment(len(set(cores)) if cores else count or None)
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, **settings, "SER_TUI_CACHE": cache}
        pin = None if cores is None else (lambda: os.sched_setaffinity(0, cores))
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, preexec_fn=pin, check=False)
    if done.returncode:
        raise SystemExit(f"{side} failed (exit {done.returncode})")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _at_once(given: argparse.Namespace) -> list[dict[str, Any]]:
    """What each of several workers of one thread measures while the others do the same."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(lambda _: _child(given, "ours", count=1), range(WORKERS)))


def _random_weights(folder: Path) -> Path:
    """wav2vec2-base's architecture with random weights, in Hugging Face's layout."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    torch.manual_seed(0)
    # The dropout rates that facebook/wav2vec2-base was published with, which are not the class's own.
    published = {"hidden_dropout": 0.1, "attention_dropout": 0.1, "activation_dropout": 0.0, "feat_proj_dropout": 0.1}
    Wav2Vec2Model(Wav2Vec2Config(**published)).save_pretrained(folder)
    return folder


# Tables.


def _print_epochs(reference: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    print(_machine(ours))
    print(
        f"reference: float32, batch 1, {reference['threads']} threads, load {reference['load']}; "
        f"ours: {ours['precision']}, batches of 8 by length, load {ours['load']}\n"
    )
    print(
        "| an epoch of 428 + 107 utterances at | reference, trained | ours | its products alone | ratio | reference, frozen | ours, "
        "embedded | ratio |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for seconds in LENGTHS:
        cells = []
        for kind in ("trained", "frozen"):
            theirs, own = _reference_epoch(reference, kind, seconds), ours["times"][kind][str(seconds)]
            bound = [f"{ours['times']['bound'][str(seconds)]:.1f} s"] if kind == "trained" else []
            cells += [f"{theirs:.0f} s", f"{own:.1f} s" if bound else f"{own:.3f} s", *bound, f"{theirs / own:,.1f}"]
        print(f"| {seconds} s | {' | '.join(cells)} |")
    embedding = ", ".join(f"{seconds} s: {ours['times']['embedding'][str(seconds)]:.0f} s" for seconds in LENGTHS)
    after = ", ".join(f"{seconds} s: {ours['times']['after'][str(seconds)]:.0f} s" for seconds in LENGTHS)
    print(f"\nembedding EmoDB, each length after the ones before it, which shorter utterances share: {embedding}")
    print(f"measuring how quick a frozen and a trained model answer, once: {after}")
    print(f"peak memory: reference {reference['peak']:.2f} GiB, ours {ours['peak']:.2f} GiB\n")


def _print_lists(folder: Path, reference: Mapping[str, Any], ours: Mapping[str, Any], each: Sequence[Mapping[str, Any]]) -> None:
    """The lists by one worker and by two, of which `each` was timed beside the other."""

    def one(kind: str, seconds: int) -> float:
        return float(ours["times"][kind][str(seconds)])

    def two(kind: str, seconds: int) -> float:
        # How quick a model answers each worker measures for itself.
        return statistics.fmean(side["times"][kind][str(seconds)] for side in each) * (WORKERS if kind == "after" else 1)

    def products(kind: str, seconds: int) -> float:
        return one("bound" if kind == "trained" else kind, seconds)

    print(f"{WORKERS} workers of one thread at once: a trained epoch of each, and how many times the epochs of one worker they make")
    for seconds in LENGTHS:
        print(f"  {seconds} s: {two('trained', seconds):.1f} s, {WORKERS * one('trained', seconds) / two('trained', seconds):.2f} times")
    ways = [("off", None), (f"after {PATIENCE}", PATIENCE), (f"after {PATIENCE + 1}", PATIENCE + 1)]
    print("\n| first 15 trials of | at chance | reference, min a trial | " + " | ".join(
        f"guard {name}: {workers} | ratio" for name, _ in ways for workers in ("one worker", "two")) + " |")  # fmt: skip
    print("|---|---:|" + "---:|" * (1 + 4 * len(ways)))
    sums, bound = [0.0] * (2 + 2 * len(ways)), 0.0
    for search in SEARCHES:
        trials = recorded(folder, search)
        theirs = sum(trial.takes(partial(_reference_epoch, reference)) for trial in trials)
        found = [float(sum(trial.at_chance for trial in trials)), theirs]
        for _, patience in ways:
            left = trials if patience is None else [trial.guarded(patience) for trial in trials]
            found += [ends(with_first(left, epoch), count) for epoch, count in ((one, 1), (two, WORKERS))]
        bound += sum(with_first(trials, products))
        sums = [total + more for total, more in zip(sums, found, strict=True)]
        _print_list(search, found, 15)
    _print_list("all three", sums, 15 * len(SEARCHES))
    print(f"\nwith nothing but the products in a trained epoch of ours, one worker, guard off: {sums[1] / bound:.1f}")


def _print_list(name: str, found: list[float], trials: int) -> None:
    """A row of how many trials are at chance, the reference's seconds and ours."""
    at_chance, theirs, *own = found
    cells = [f"{seconds / 60 / trials:.2f} | {theirs / seconds:.1f}" for seconds in own]
    print(f"| {name} | {at_chance:.0f} | {theirs / 60 / trials:.1f} | {' | '.join(cells)} |")


def _reference_epoch(reference: Mapping[str, Any], kind: str, seconds: int) -> float:
    times = reference["times"]
    return float(TRAIN * times[kind][str(seconds)] + VALIDATION * times["validation"][str(seconds)])


def _print_bca(given: argparse.Namespace) -> None:
    ours, reference = _child(given, "ours-bca"), _child(given, "reference-bca")
    print(_machine(ours))
    print(f"{CONFIGURATION}, {given.bca} seeds, EmoDB, the paper's random split, n = {VALIDATION}, collapse guard off\n")
    print("| loop | BCA | mean | minutes a trial | peak memory |")
    print("|---|---|---:|---:|---:|")
    for name, side in (("reference", reference), (f"ours, {ours['precision']}", ours)):
        minutes = statistics.fmean(side["seconds"]) / 60
        scores = ", ".join(f"{score:.3f}" for score in side["bca"])
        print(f"| {name} | {scores} | {statistics.fmean(side['bca']):.3f} | {minutes:.2f} | {side['peak']:.2f} GiB |")
    print(f"\nratio of times: {sum(reference['seconds']) / sum(ours['seconds']):.1f}")


def _print_growth(given: argparse.Namespace) -> None:
    sizes, available = [int(size) for size in given.sizes.split(",")], sorted(os.sched_getaffinity(0))
    counts = [count for count in (1, 2, 4, 8, 16, 32) if count <= threads.cores()]
    print("| cores | utterances | embedding, s | frozen epoch, s | trained epoch, s | per utterance, ms | peak memory |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for count in counts:
        for size in sizes if count == counts[-1] else [size for size in sizes if size <= 1000]:
            given.utterances = size
            found = _child(given, "ours-grow", "--threads", str(count), cores=available[:count])
            cells = f"{found['embedding']:.1f} | {found['frozen']:.3f} | {found['trained']:.1f} | {1000 * found['trained'] / size:.0f}"
            print(f"| {count} | {size:,} | {cells} | {found['peak']:.2f} GiB |", flush=True)


def _machine(side: Mapping[str, Any]) -> str:
    sets = ", ".join(instruction_sets())
    return f"{processor()} ({sets}), {side['threads']} threads, torch {side['torch']}"


if __name__ == "__main__":
    main()
