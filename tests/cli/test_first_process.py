"""`ser-tui` as the first process of a container: real namespaces of processes, as root can make them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import psutil
import pytest
from lab import ROOT

CHILD = """
import signal, subprocess, sys, time
from ser_tui.cli.first_process import stand_before
stand_before()
worker = '''
import signal, sys, time
def end(*_):
    print("the run has ended", flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, end)
sys.stdin.read()
print("ready", flush=True)
time.sleep(float(sys.argv[1]))
print("the run is done", flush=True)
'''
process = subprocess.Popen([sys.executable, "-c", worker, sys.argv[1]], stdin=subprocess.PIPE, start_new_session=True)
try:
    process.stdin.close()  # it is ready only once what it is stopped by is caught here
    time.sleep(float(sys.argv[2]))
except KeyboardInterrupt:
    process.wait()
    print("stopped", flush=True)
    sys.exit(130)
sys.exit(3)
"""

NEW = ("unshare", "--pid", "--fork", "--mount-proc")


def contained(worker: float, child: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*NEW, sys.executable, "-c", CHILD, str(worker), str(child)], stdout=subprocess.PIPE,
        text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="only root can make a namespace of processes")
def test_a_container_ends_its_runs_before_itself_and_lives_as_long_as_they_do() -> None:
    if subprocess.run([*NEW, "true"], capture_output=True, check=False).returncode:
        pytest.skip("root may make no namespace of processes here, as in a container without CAP_SYS_ADMIN")
    with contained(60, 60) as stopped, contained(0.5, 0) as left:
        assert stopped.stdout is not None and left.stdout is not None
        assert stopped.stdout.readline() == "ready\n"
        [first] = psutil.Process(stopped.pid).children()
        first.send_signal(signal.SIGTERM)  # what `docker stop` does
        assert stopped.stdout.read().splitlines() == ["the run has ended", "stopped"]
        assert left.stdout.read().splitlines() == ["ready", "the run is done"], "after its command has ended"
        assert (stopped.wait(), left.wait()) == (130, 3)
