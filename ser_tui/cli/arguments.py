"""The arguments and options that several verbs have."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from ser_tui.cli import completing

ESCAPES = "In a name a backslash keeps the next character as it is: 'a\\=b=c' maps a=b to c, 'x=\\drop' to a class drop."


def finite(value: float | None) -> float | None:
    """A callback of options that are numbers: what is none passes every comparison with bounds. Raises BadParameter."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value:g} is not a finite number.")
    return value


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output and nothing else.")]
Run = Annotated[str, typer.Argument(
    metavar="RUN", help="A run id or its beginning, the name of a study, a run's folder, or latest.", autocompletion=completing.runs
)]  # fmt: skip
Runs = Annotated[list[str], typer.Argument(metavar="RUN...", help="One run, or several.", autocompletion=completing.runs)]
Model = Annotated[str, typer.Argument(
    metavar="MODEL", help="A run, a bundle (FILE.zip), or a folder that holds model.json.", autocompletion=completing.runs
)]  # fmt: skip
AnotherTrial = Annotated[int | None, typer.Option("--trial", metavar="N", help="Another trial than the best one.")]
Headless = Annotated[bool, typer.Option("--headless", help="No app: progress lines, a table at the end.")]
Sources = Annotated[list[str], typer.Argument(
    metavar="FILES|FOLDER|TABLE|CORPUS...", help="Audio files, folders of them, tables or lists that name them, or corpora; - reads names."
)]  # fmt: skip
Corpus = Annotated[str, typer.Argument(
    metavar="CORPUS", help="One of `ser-tui corpora list`, or one of your own.", autocompletion=completing.corpora
)]  # fmt: skip
Notify = Annotated[bool | None, typer.Option(
    "--notify/--no-notify", help="Tell when the run ends, or do not; else as the settings say: `ser-tui settings`."
)]  # fmt: skip
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Set any value: --set search.learning_rate.high=1e-4", autocompletion=completing.settings
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
