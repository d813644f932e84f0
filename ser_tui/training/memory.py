"""Running out of memory, told as what it is."""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Iterator

_MARKS = re.compile(
    "not enough memory|can't allocate memory|cannot allocate memory|out of memory|bad_alloc|could not create a memory|"
    # oneDNN's words for an allocation that failed; "primitive descriptor" would be an operation that it does not know.
    "could not (create|execute) a primitive(?! descriptor)"
)


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
