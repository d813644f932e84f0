"""ctrl+z, SIGTSTP, SIGSTOP and fg under a shell with job control; ctrl+z where there is none."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from ptys import APP, Terminal

TAKEN = (b"\x1b[?1049h", b"\x1b[?1000h", b"\x1b[?2004h", b"\x1b[?25l")
GIVEN_BACK = (b"\x1b[?1049l", b"\x1b[?1000l", b"\x1b[?2004l", b"\x1b[?25h")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Terminal]:
    if shutil.which("bash") is None:
        pytest.skip("needs bash, for a shell with job control")
    command = ("bash", "--noprofile", "--norc", "--noediting", "-i")
    with Terminal(command, SER_TUI_RUNS=str(tmp_path), PS1="$ ", HISTFILE="/dev/null") as terminal:
        terminal.send(f"{' '.join(APP)}\n".encode())
        terminal.until_shown("No runs yet", "q quit")
        yield terminal


def app_of(shell: Terminal) -> psutil.Process:
    return next(iter(psutil.Process(shell.process.pid).children()))


@pytest.mark.parametrize("by", ["ctrl+z", "SIGTSTP", "SIGSTOP"])
def test_the_terminal_is_given_back_and_the_screen_is_drawn_again(shell: Terminal, by: str) -> None:
    app, since = app_of(shell), len(shell.data)
    if by == "ctrl+z":
        shell.send(b"\x1a")
    else:
        os.kill(app.pid, getattr(signal, by))
    shell.until(lambda: app.status() == psutil.STATUS_STOPPED)
    shell.until_shown("Stopped", since=since)
    if by != "SIGSTOP":  # of which nobody is told
        assert all(mode in shell.data[since:] for mode in GIVEN_BACK)
    since = len(shell.data)
    shell.send(b"stty -a; echo $((40 + 2))\n")
    shell.until_shown("42", since=since)
    if by != "SIGSTOP":
        assert " icanon" in shell.text(since) and " echo " in shell.text(since)
    since = len(shell.data)
    shell.send(b"fg\n")
    shell.until_shown("No runs yet", "q quit", since=since)
    assert all(mode in shell.data[since:] for mode in TAKEN)
    since = len(shell.data)
    shell.send(b"?")
    shell.until_shown("what ran, what is running", since=since)
    shell.send(b"\x11")
    shell.until(lambda: not app.is_running() or app.status() == psutil.STATUS_ZOMBIE)


def test_without_job_control_it_says_so_and_goes_on(tmp_path: Path) -> None:
    with Terminal(SER_TUI_RUNS=str(tmp_path)) as terminal:
        terminal.until_shown("No runs yet", "q quit")
        terminal.send(b"\x1a")
        terminal.until_shown("no shell with job control")
        terminal.send(b"\x11")
        assert terminal.until_ended() == 0
