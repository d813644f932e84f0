"""Running out of memory, told as what it is."""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

_MARKS = re.compile(
    "not enough memory|can't allocate memory|cannot allocate memory|out of memory|bad_alloc|could not create a memory|"
    # oneDNN's words for an allocation that failed; "primitive descriptor" would be an operation that it does not know.
    "could not (create|execute) a primitive(?! descriptor)"
)


class PeakMemory:
    """The most memory that this process held within the `with`, in `bytes` once that is left; None where the system does not tell.

    Linux: the resident set's high-water mark, which is set back to the present at the beginning (proc(5), clear_refs). One within
    another sets it back too, so the outer one notes what it had come to before, and what the inner one saw.
    """

    bytes: int | None = None
    _open: ClassVar[list[PeakMemory]] = []

    def __enter__(self) -> PeakMemory:
        self._reset = False
        if self._open:
            self._open[-1]._note(_high_water())
        self._open.append(self)
        with contextlib.suppress(OSError):
            with open("/proc/self/clear_refs", "w", encoding="ascii") as stream:
                stream.write("5")
            self._reset = True
        return self

    def __exit__(self, *failure: object) -> None:
        self._open.remove(self)
        self._note(_high_water())
        if self._open:
            self._open[-1]._note(self.bytes)

    def _note(self, seen: int | None) -> None:
        if self._reset:  # else what was seen is of the process's whole life
            self.bytes = max(self.bytes or 0, seen or 0) or None


def _high_water() -> int | None:
    """Bytes that the resident set has come to since it was set back; None where the system does not tell."""
    return status_bytes("VmHWM")


def status_bytes(name: str, pid: int | None = None) -> int | None:
    """What Linux says under that name of a process (this one by default), see proc(5); None where the system does not tell."""
    with contextlib.suppress(OSError):
        if found := re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid or 'self'}/status").read_text(errors="replace"), re.MULTILINE):
            return int(found[1]) * 1024
    return None


def is_memory_error(error: BaseException) -> bool:
    """Whether an allocation failed: by the error's type, or by the words that torch and oneDNN have for nothing else."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    return isinstance(error, RuntimeError) and _MARKS.search(str(error).lower()) is not None


@contextlib.contextmanager
def as_memory_error() -> Iterator[None]:
    """Turn torch's RuntimeError of a failed allocation into MemoryError."""
    try:
        yield
    except RuntimeError as error:
        if is_memory_error(error):
            raise MemoryError("not enough memory for this trial; a smaller batch_size or max_seconds needs less") from None
        raise
