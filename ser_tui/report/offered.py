"""The words of `export`: what it writes, as what, and for whom. Imports nothing heavy: a shell asks for them at tab."""

from __future__ import annotations

from typing import Literal, get_args

What = Literal["trials", "comparison", "paper", "predictions", "parts"]
WHAT: tuple[What, ...] = get_args(What)
SheetFormat = Literal["csv", "json", "markdown", "latex", "html"]
FORMATS: tuple[SheetFormat, ...] = get_args(SheetFormat)
Tracker = Literal["optuna", "mlflow", "tensorboard"]
TRACKERS: tuple[Tracker, ...] = get_args(Tracker)
