"""Field case 17: folders whose file system has no locks (Lustre without flock, NFS without its lock service)."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = '#include <errno.h>\n#include <stdlib.h>\nint flock(int fd, int op) { errno = atoi(getenv("NOLOCK")); return -1; }\n'


@pytest.fixture(params=["ours", "field"])
def without_locks(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A library under which no file can be locked: the field's own, and one that says the same."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    source = tmp_path / "nolock.c"
    if request.param == "field":
        case: Callable[[str], Path] = request.getfixturevalue("field_case")
        source = case("17-nolock") / "nolock.c"
    else:
        source.write_text(SOURCE)
    library = tmp_path / "nolock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    return library


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP])
def test_it_is_said_where_locks_are_missing_and_what_to_set(without_locks: Path, number: int, tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from ser_tui.corpora import registry\n"
        "from ser_tui.store.runs import RunFolder\n"
        "from ser_tui.study.errors import UserError\n"
        "from ser_tui.worker.session import Session\n"
        "folder = Path(sys.argv[1])\n"
        "(folder / 'control').mkdir(parents=True)\n"
        "for call in (lambda: Session(RunFolder(folder), 'search'), lambda: registry.remember('mine', folder)):\n"
        "    try:\n"
        "        call()\n"
        "    except UserError as error:\n"
        "        print(error)\n"
    )
    environment = {
        **os.environ, "LD_PRELOAD": str(without_locks), "NOLOCK": str(number), "PYTHONPATH": str(ROOT),
        "SER_TUI_CONFIG": str(tmp_path / "config"),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "runs" / "one")], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    run, corpora = done.stdout.splitlines()
    assert "its file system has no locks" in run and "use a local disk: set SER_TUI_RUNS" in run
    assert "use a local disk: set SER_TUI_CONFIG" in corpora and "writable" not in done.stdout
