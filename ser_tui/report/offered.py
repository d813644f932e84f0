"""The words of `export`: what it writes, as what, and for whom. Imports nothing heavy: a shell asks for them at tab."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

What = Literal["trials", "comparison", "paper", "predictions", "parts"]
WHAT: tuple[What, ...] = get_args(What)
SheetFormat = Literal["csv", "json", "markdown", "latex", "html"]
FORMATS: tuple[SheetFormat, ...] = get_args(SheetFormat)
ENDINGS: Mapping[SheetFormat, str] = {"csv": "csv", "json": "json", "markdown": "md", "latex": "tex", "html": "html"}
"""How the name of a file of each format ends."""
Tracker = Literal["optuna", "mlflow", "tensorboard"]
TRACKERS: tuple[Tracker, ...] = get_args(Tracker)
