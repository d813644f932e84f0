"""The demo corpus: synthetic speech that is made on this machine, once, the same bytes every time.

eSpeak NG runs in a process of its own: it keeps state from one utterance to the next, and its licence (GPL-3) and its
faults stay outside. See `demo_voices` for how it sounds.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

from ser_tui import places
from ser_tui.corpora.demo_labels import UTTERANCES
from ser_tui.corpora.fetching import scratch
from ser_tui.corpora.locations import READY, installed_folder
from ser_tui.store.files import FULL, read_json
from ser_tui.store.locks import locked
from ser_tui.study.errors import UserError

RECIPE = 1
"""Counts up when `demo_voices` changes, so that older demo corpora are made again."""
SECONDS = 600
_README = (
    "Synthetic speech, made by ser_tui with eSpeak NG: German sentences, ten voices, seven settings of rate, pitch, range and\n"
    "volume that bear the names of EmoDB's emotions. Nobody felt anything here. For trying out ser_tui, not for science.\n"
)


def available() -> bool:
    """Whether the package that speaks is installed."""
    return importlib.util.find_spec("espeakng_loader") is not None


def ensure() -> Path:
    """The folder of the complete demo corpus, made now if need be (seconds). Safe beside other processes.

    Raises UserError when the speaking package is missing or fails, or the cache folder cannot be written.
    """
    folder = installed_folder("demo")
    if _ready(folder):
        return folder
    if not available():
        raise UserError("the demo corpus is spoken by a package that is not installed: pip install 'ser-tui[demo]'")
    try:
        places.private_folder(folder.parent)
        with locked(folder.parent / "demo.lock", "SER_TUI_CACHE"):
            if not _ready(folder):
                _make(folder)
    except OSError as error:
        todo = "free some space, or set SER_TUI_CACHE" if error.errno in FULL else "mend that, or set SER_TUI_CACHE"
        raise UserError(
            f"{error.filename or folder}: the demo corpus cannot be made: {error.strerror or error}; {todo} to another folder"
        ) from None
    return folder


def _ready(folder: Path) -> bool:
    marker = read_json(folder / READY)
    return isinstance(marker, dict) and marker.get("recipe") == RECIPE


def _make(folder: Path) -> None:
    with scratch.beside(folder) as temporary:
        fresh = temporary / "demo"
        fresh.mkdir()
        _speak(fresh)
        (fresh / "README.txt").write_text(_README, encoding="utf-8")
        scratch.put_in_place(fresh, folder, {"recipe": RECIPE, "utterances": UTTERANCES})


def _speak(folder: Path) -> None:
    command = [*places.command("ser_tui.corpora.demo_voices"), str(folder)]
    try:
        done = subprocess.run(
            command, env=places.own_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"the demo corpus was not made within {SECONDS} s; is this machine very busy? Try again") from None
    made = sum(1 for _ in folder.glob("*.wav"))
    if done.returncode or made != UTTERANCES:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        shutil.rmtree(folder, ignore_errors=True)
        raise UserError(f"the demo corpus could not be made ({made} of {UTTERANCES} utterances; {last[:200]}); try again")
