"""A process that has imported all that a worker imports and forks workers on request: a killed one costs no start-up.

Requests come as lines of JSON on standard input: {"arguments": [folder, job, ...], "asked": text, "environment": {},
"line": n or null, "within": [module, ...], "signal": n, "file_bytes": n or null, "data_bytes": n or null,
"result": path or null}. For each it prints {"pid": n}, then {"status": n} when the worker has ended.
CLOCK in the environment sets the worker's clock (see clocks.py).
A first argument of "check" looks at a run instead (`check`), and writes what it found to `result`.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any

from clocks import set_clock
from imports_of_jobs import import_all

from ser_tui.execution.memory_limit import data_bytes
from ser_tui.store.runs import RunFolder

PACKAGE = Path(__file__).resolve().parents[2] / "ser_tui"
TRACED = tuple(
    str(PACKAGE / name)
    for name in (
        "store/", "worker/__main__", "worker/session", "worker/jobs", "worker/keeping", "worker/recording", "experiment/search",
        "experiment/beginning", "experiment/held_out", "experiment/data", "experiment/parts", "experiment/rungs",
        "training/model", "training/shards", "training/cache",
        "training/checkpoint",
    )
)  # fmt: skip
"""Where a worker is killed by line, unless the request names other modules: whatever stores something, and what decides when."""


def main() -> None:
    import_all()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os._exit(_child(json.loads(line)))
        print(json.dumps({"pid": pid}), flush=True)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(status)}), flush=True)


def _child(request: dict[str, Any]) -> int:
    os.setsid()
    os.environ.update(request["environment"])
    if "CLOCK" in request["environment"]:
        set_clock(request["environment"]["CLOCK"])
    arguments = request["arguments"]
    checking = arguments[0] == "check"
    log = os.open(Path(arguments[1] if checking else arguments[0]) / "worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    asked = tempfile.TemporaryFile()  # noqa: SIM115  it stays open as standard input
    asked.write(request["asked"].encode())
    asked.seek(0)
    os.dup2(asked.fileno(), 0)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if request["file_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_bytes"],) * 2)
    if request["data_bytes"] is not None:
        used = data_bytes()
        assert used is not None
        resource.setrlimit(resource.RLIMIT_DATA, (used + request["data_bytes"],) * 2)
    if checking:
        found = check(RunFolder(Path(arguments[1])))
        Path(request["result"]).write_text(json.dumps(found))
        return 0
    from ser_tui.worker.__main__ import main as work

    sys.argv = ["ser_tui.worker", *arguments]
    within = tuple(str(PACKAGE / name) for name in request["within"]) or TRACED
    counted = _trace(request["line"], request["signal"], within)
    status = work()
    sys.settrace(None)
    if request["result"]:
        Path(request["result"]).write_text(json.dumps({"lines": counted[0]}))
    return status


def _trace(at: int | None, number: int, within: tuple[str, ...]) -> list[int]:
    """Count lines of the modules `within` as they are run, and send this process the signal `number` at line `at`."""
    counted = [0]

    def line(frame: FrameType, event: str, argument: object) -> Any:
        if event == "line":
            counted[0] += 1
            if counted[0] == at:
                os.kill(os.getpid(), number)
        return line

    def call(frame: FrameType, event: str, argument: object) -> Any:
        return line if frame.f_code.co_filename.startswith(within) else None

    if at is not None:
        sys.settrace(call)
    return counted


def check(folder: RunFolder) -> list[str]:
    """What is wrong with the run's model and with the feature cache; both as the next worker would find them."""
    from ser_tui.experiment import data
    from ser_tui.study.load import load
    from ser_tui.training import cache
    from ser_tui.training.metrics import predicted
    from ser_tui.training.shards import Shards
    from ser_tui.worker.keeping import FolderKeeper

    wrong: list[str] = []
    state = folder.state()
    keeper = FolderKeeper(folder)
    keeper.settle(state.best)
    if state.best is not None:
        parts = data.load(load(folder.study))
        clips = parts.part(parts.split.validation).clips
        try:
            model = keeper.load_best(state.best)
        except Exception as error:  # whatever it is, the best trial's model is lost
            wrong.append(f"model: {error}")
        else:
            if predicted(model.predict_logits(clips)) != state.best.predictions:
                wrong.append("model: its predictions are not the best trial's")
    for kind in cache.folder().iterdir() if cache.folder().is_dir() else ():
        shards = Shards(kind.name)
        wrong += [f"cache: {kind.name}/{key}" for key in list(shards._where) if shards.get(key) is None]
    return wrong


if __name__ == "__main__":
    main()
