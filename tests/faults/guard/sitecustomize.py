"""Found first on PYTHONPATH, this tells GUARD_LOG what every Python process of a test writes, connects to and unpickles."""

import os
import sys
from typing import Any

_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_TOLD = {
    "socket.connect",
    "socket.getaddrinfo",
    "socket.sendto",
    "pickle.find_class",
    "os.system",
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.symlink",
    "os.link",
    "os.truncate",
    "os.chmod",
}
_log = os.open(os.environ["GUARD_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        path, _, flags = arguments
        if not isinstance(path, (str, bytes)) or not ((flags or 0) & _FLAGS):
            return
        told = os.fsdecode(path)
    elif event in _TOLD:
        told = " ".join(os.fsdecode(a) if isinstance(a, (str, bytes)) else repr(a) for a in arguments[:3])
    else:
        return
    _busy = True
    try:
        os.write(_log, f"{event}\t{os.path.abspath(told) if event == 'open' else told}\n".encode(errors="backslashreplace"))
    finally:
        _busy = False


sys.addaudithook(_hook)
