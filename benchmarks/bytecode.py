"""Python's bytecode of a checkout, made before its start is timed: an installed package has it, a fresh checkout does not."""

from __future__ import annotations

import compileall
from pathlib import Path


def ensure(checkout: Path) -> None:
    """Compile what changed of `ser_tui` in `checkout`. With PYTHONDONTWRITEBYTECODE set no start would ever do it, and each would
    pay for it: a fifth of the first frame was that."""
    if not compileall.compile_dir(checkout / "ser_tui", quiet=1):
        raise SystemExit(f"{checkout / 'ser_tui'}: a module does not compile.")
