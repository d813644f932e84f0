"""Break things on purpose and count what was lost: the table of docs/guarantees.md.

    python benchmarks/faults.py [--cycles 200] [--seed 1] [--only TEXT] [--data ../shared/data]

`--cycles` is how often a worker is killed (SIGKILL) at random moments; the other faults, which take longer each, are
injected a fixed share as often. Everything goes through real worker processes, apps and terminals on the demo corpus
(synthetic speech; what is tested here does not depend on what is said), in folders of its own; with `--data`, the folder of which EmoDB
is a subfolder, searches by halving are on 27 utterances of EmoDB. Exit code 1 when a promise is broken.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), *(str(ROOT / "tests" / name) for name in ("", "faults", "ssh"))]

from changing import changed, changed_under_a_worker  # noqa: E402
from damaging import rotten, set_clocks, torn  # noqa: E402
from disks import file_limit, full_disk  # noqa: E402
from downloading import filled, limited  # noqa: E402
from killing import sigkill, stale  # noqa: E402
from killing_dask import PROBES, TUNED, Undisturbed, schedulers_killed, undisturbed, workers_killed  # noqa: E402
from killing_halving import halving  # noqa: E402
from lab import Outcome, Reference, Warm, reference_run  # noqa: E402
from memories import too_little  # noqa: E402
from screens import ended, long_run, lost_connections, stalled, throttled  # noqa: E402
from sharing import crowd, race  # noqa: E402
from small_runs import make_small_corpus  # noqa: E402

from ser_tui.corpora import registry  # noqa: E402
from ser_tui.store.runs import RunFolder  # noqa: E402

Fault = tuple[str, Callable[[Path], Outcome]]


@contextmanager
def _own_places() -> Iterator[Path]:
    """A scratch folder, which also holds cache, configuration and runs."""
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        for place in ("cache", "config", "runs"):
            (Path(name) / place).mkdir()
            os.environ[f"SER_TUI_{place.upper()}"] = str(Path(name) / place)
        os.environ.pop("SER_TUI_DATA", None)
        yield Path(name)


def _of_emodb(folder: Path, scratch: Path) -> str:
    """The name of a corpus of 27 of its utterances: three speakers, three emotions, three of each."""
    registry.remember("emodb", folder)
    manifest, rows = registry.load_manifest("emodb"), ["file,speaker,emotion"]
    for speaker in ("03", "08", "09"):
        for emotion in ("anger", "neutral", "happiness"):
            chosen = [one for one in manifest.utterances if (one.speaker, one.emotion) == (speaker, emotion)][:3]
            rows += [f"{one.path},{speaker},{emotion}" for one in chosen]
    assert len(rows) == 28, manifest.speakers
    (table := scratch / "real.csv").write_text("\n".join(rows) + "\n")
    registry.remember("real", table)
    return "real"


def faults(warm: Warm, reference: Reference, cycles: int, seed: int, corpus: str) -> list[Fault]:
    """Every fault by a name, as a function of a scratch folder of its own. `corpus`: what the searches by halving are on."""
    some, few = max(2, cycles // 10), max(1, cycles // 50)

    def beside_a_worker(act: Callable[[RunFolder, Path, Path], Outcome]) -> Callable[[Path], Outcome]:
        def run(scratch: Path) -> Outcome:
            with long_run(scratch / "runs") as folder:
                return act(folder, scratch / "runs", scratch)

        return run

    @cache
    def by_dask() -> tuple[Undisturbed, Undisturbed]:
        runs = reference.folder.path.parent
        return undisturbed(runs, *TUNED), undisturbed(runs, *PROBES)

    return [
        ("worker killed", lambda path: sigkill(warm, path, cycles, seed, reference)),
        ("dask workers killed", lambda path: workers_killed(warm, path, some, seed, *by_dask())),
        ("dask scheduler killed", lambda path: schedulers_killed(warm, path, max(1, some // 4), seed, *by_dask())),
        ("halving killed", lambda path: halving(warm, path, some, seed, 1, f"corpus={corpus}")),
        ("halving with workers killed", lambda path: halving(warm, path, some, seed, 2, f"corpus={corpus}")),
        ("reboot", lambda path: stale(warm, path, some, seed, reference)),
        ("log cut", lambda path: torn(warm, path, cycles, seed, reference)),
        ("log rotten", lambda path: rotten(warm, path, cycles, seed, reference)),
        ("clock", lambda path: set_clocks(warm, path, some, seed, reference)),
        ("file limit", lambda path: file_limit(warm, path, some, seed, reference)),
        ("disk full", lambda path: full_disk(warm, path, some, seed, reference)),
        ("fetching, disk full", lambda path: filled(path, some, seed)),
        ("fetching, file limit", lambda path: limited(path, some, seed)),
        ("memory", lambda path: too_little(warm, path, few)),
        ("corpus changed", lambda path: changed(warm, path)),
        ("corpus changed live", lambda path: changed_under_a_worker(warm, path)),
        ("race", lambda path: race(warm, path, few, 4, reference)),
        ("crowd", lambda path: crowd(path, some)),
        ("app killed", beside_a_worker(lambda folder, runs, _: ended(folder, runs, max(5, few)))),
        ("full terminal", beside_a_worker(lambda folder, runs, _: stalled(folder, runs, 5))),
        ("slow link", beside_a_worker(lambda folder, runs, _: throttled(folder, runs, some))),
        ("ssh killed", beside_a_worker(lambda folder, runs, scratch: lost_connections(folder, runs, scratch, few))),
    ]


def main() -> int:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description="inject faults into real runs and count what was lost")
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", default="", help="faults whose name holds this text")
    arguments = parser.parse_args()
    sound = True
    remarks: list[str] = []
    with _own_places() as scratch, Warm() as warm:
        make_small_corpus()
        corpus = "small" if arguments.data is None else _of_emodb(arguments.data.resolve() / "emodb", scratch)
        reference = reference_run(warm, scratch / "reference")
        print("| fault | injected | finished trials lost | runs not resumable | wrong scores | minutes |")
        print("|---|---:|---:|---:|---:|---:|")
        for name, inject in faults(warm, reference, arguments.cycles, arguments.seed, corpus):
            if arguments.only not in name:
                continue
            folder = scratch / name.replace(" ", "-")
            folder.mkdir()
            begun = time.monotonic()
            outcome = inject(folder)
            minutes = (time.monotonic() - begun) / 60
            counts = f"{outcome.injected} | {outcome.lost} | {outcome.stuck} | {outcome.wrong}"
            said = f"not tried: {outcome.skipped} | | |" if outcome.skipped else counts
            print(f"| {outcome.fault} | {said} | {minutes:.1f} |", flush=True)
            remarks += [f"{outcome.fault}: {remark}" for remark in outcome.remarks]
            sound = sound and outcome.sound
    for line in remarks:
        print(line, file=sys.stderr)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
