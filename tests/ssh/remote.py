"""A real sshd on 127.0.0.1 with keys of its own, and a real terminal (tmux) in which a real ssh client runs."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")


def missing() -> str | None:
    """What the tests over SSH lack on this machine, or None."""
    absent = [name for name in ("ssh", "ssh-keygen", "tmux") if shutil.which(name) is None] + ([] if SSHD else ["sshd"])
    return f"needs {', '.join(absent)}, which .ci/run installs" if absent else None


@dataclass(frozen=True)
class Server:
    """A running sshd. `command` is what connects to it."""

    port: int
    key: Path

    def ssh(self, remote: str) -> list[str]:
        """A client that runs the shell line `remote` with a terminal."""
        user = pwd.getpwuid(os.getuid()).pw_name
        options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "IdentitiesOnly=yes"]
        flags = [part for option in options for part in ("-o", option)]
        return ["ssh", "-F", "none", "-tt", "-p", str(self.port), "-i", str(self.key), *flags, f"{user}@127.0.0.1", remote]


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """An sshd that lets this user in by a key made for it, as long as the block runs."""
    assert SSHD is not None
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    keys = folder / "authorized_keys"
    keys.write_bytes((folder / "user.pub").read_bytes())
    keys.chmod(0o600)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "sshd_config"
    config.write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder / 'host'}\nAuthorizedKeysFile {keys}\nPidFile none\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nStrictModes no\nPermitRootLogin yes\n"
        "ClientAliveInterval 1\nClientAliveCountMax 2\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stderr=log)
    try:
        until(lambda: _listens(port), 10)
        yield Server(port, folder / "user")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


class Terminal:
    """A tmux pane that runs one command; what a person would see and type."""

    def __init__(self, socket_name: str, command: list[str], width: int = 80, height: int = 24, term: str = "xterm-256color") -> None:
        self._tmux = ["tmux", "-L", socket_name, "-f", "/dev/null"]
        quoted = " ".join(_quote(part) for part in command)
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)
        subprocess.run(
            [*self._tmux, "new-session", "-d", "-s", "main", "-x", str(width), "-y", str(height), f"TERM={term} exec {quoted}"], check=True
        )
        subprocess.run([*self._tmux, "set-option", "-g", "remain-on-exit", "on"], check=True)

    def screen(self) -> str:
        """What is on the screen now."""
        return subprocess.run([*self._tmux, "capture-pane", "-p", "-t", "main"], capture_output=True, text=True, check=False).stdout

    def keys(self, *keys: str) -> None:
        """Type, in tmux's names for keys."""
        subprocess.run([*self._tmux, "send-keys", "-t", "main", *keys], check=True)

    def resize(self, width: int, height: int) -> None:
        """Give the terminal another size."""
        subprocess.run([*self._tmux, "resize-window", "-t", "main", "-x", str(width), "-y", str(height)], check=True)

    def until_shown(self, pattern: str, seconds: float = 60) -> str:
        """Wait until the screen holds what the regular expression `pattern` finds; the screen then."""
        found = ""

        def shown() -> bool:
            nonlocal found
            found = self.screen()
            return re.search(pattern, found) is not None

        try:
            until(shown, seconds)
        except AssertionError:
            raise AssertionError(f"{pattern!r} was not shown; the screen:\n{found}") from None
        return found

    def pid(self) -> int:
        """The pid of the pane's command."""
        return int(self._says("#{pane_pid}"))

    def title(self) -> str:
        """What the terminal has been told to call itself."""
        return self._says("#{pane_title}")

    def _says(self, form: str) -> str:
        command = [*self._tmux, "display-message", "-p", "-t", "main", form]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def until_ended(self, seconds: float) -> None:
        """Wait until the pane's command has ended.

        The process is asked, since tmux says "Pane is dead" only when it has seen the child's exit, which it can miss.
        """
        pid = self.pid()

        def ended() -> bool:
            try:
                return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
            except psutil.NoSuchProcess:
                return True

        until(ended, seconds)

    def close(self) -> None:
        """End the terminal and what runs in it."""
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)


def until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait for `condition`; AssertionError when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("waited in vain")
        time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _quote(text: str) -> str:
    import shlex

    return shlex.quote(text)
