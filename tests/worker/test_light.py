"""A worker imports what its job uses: who waits for a run waits for nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ser_tui.client import launch
from ser_tui.study.document import Study
from ser_tui.training.threads import environment

UNUSED = ("sklearn", "pandas", "transformers", "speechbrain", "skopt", "hyperopt", "torch._dynamo", "IPython", "matplotlib")


def imported(script: str, *arguments: str) -> list[str]:
    """What `script`, in a process of its own, prints."""
    ended = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, **environment()},  # threads that wait for each other do not spin
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout.split()


def test_a_worker_says_who_it_is_before_it_imports_what_takes_seconds() -> None:
    names = ("torch", "torchaudio", "scipy", *UNUSED)
    assert imported(f"import sys, ser_tui.worker.__main__\nprint(*[name for name in {names} if name in sys.modules])") == []


@pytest.mark.slow
def test_jobs_import_nothing_that_they_do_not_use(small_study: Callable[..., Study], tmp_path: Path) -> None:
    document = small_study("strategy=random", "budget=1").model_dump(mode="json", exclude_unset=True)
    probe = Study.model_validate({**document, "method": "probe", "search": {"layers": "2", "max_seconds": 1}})
    tuned = small_study("strategy=gp", "budget=1", "search.epochs=1", "search.head_initialization=probe", "protocol=random")
    folders = [launch.prepare(study, tmp_path) for study in (probe, tuned)]
    script = (
        "import sys\n"
        "from ser_tui.worker.__main__ import main\n"
        "first, second = sys.argv[1:]\n"
        "sys.argv = ['worker', first, 'search']\n"
        "assert main() == 0\n"
        f"print(*[name for name in {('scipy.stats', *UNUSED)} if name in sys.modules])\n"
        "sys.argv = ['worker', second, 'search']\n"
        "assert main() == 0\n"
        f"print(*[name for name in {UNUSED} if name in sys.modules])\n"
    )
    assert imported(script, *(str(folder.path) for folder in folders)) == []
    assert [folder.state().status for folder in folders] == ["done"] * 2
    assert all(folder.state().best is not None for folder in folders) and folders[1].state().probe is not None
