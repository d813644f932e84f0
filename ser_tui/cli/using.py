"""The verbs predict, embed and export-model: what a model is for."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import PurePath

from ser_tui.cli.output import say
from ser_tui.client.using import done
from ser_tui.encoders.registry import assumption
from ser_tui.places import absolute
from ser_tui.study.errors import UsageError
from ser_tui.study.uses import EmbedRequest, ExportRequest, PredictRequest, Use, seconds

_LINES = (".jsonl", ".ndjson", ".json")
_AUDIO = (b"RIFF", b"fLaC", b"OggS", b"ID3", b"FORM", b".snd", b"caff")
"""How files of sound begin."""


def predict(
    model: str,
    sources: Sequence[str],
    *,
    as_json: bool,
    as_csv: bool,
    output: str,
    segments: str,
    voice: bool,
    columns: Sequence[str],
    self_train: bool,
) -> int:
    """Let a model answer on recordings; the exit code, 1 where some could not be read."""
    if as_json and as_csv:
        raise UsageError("--json and --csv: one of them")
    if output == "-":
        raise UsageError("-o -: answers go to standard output where -o is left out, as --csv or --json say")
    length = seconds(segments) if segments else None
    if segments and length is None:
        raise UsageError(f"--segments {segments}: a length such as 3s or 2.5s")
    if output:
        form = "lines" if as_json or (not as_csv and PurePath(output).suffix.lower() in _LINES) else "csv"
    else:
        form = "json" if as_json else "csv" if as_csv else "table"
    return _done(PredictRequest(
        model, named(sources), form, str(absolute(output)) if output else "", length, voice, tuple(columns), self_train
    ))  # fmt: skip


def embed(model: str, sources: Sequence[str], output: str, *, layers: str, pooling: str, max_seconds: float | None) -> int:
    """Write pooled features of recordings; the exit code, 1 where some could not be read."""
    if assumed := assumption(model):
        say(f"warning: {assumed}", error=True)
    return _done(EmbedRequest(model, named(sources), str(absolute(output)), layers, pooling, max_seconds))


def export_model(model: str, output: str, form: str, audio: Sequence[str]) -> int:
    """Write a model for other programs; the exit code."""
    if output == "-":
        raise UsageError("-o -: a model is written into a folder; name a new one")
    return _done(ExportRequest(model, str(absolute(output)), form, tuple(audio)))


def named(sources: Sequence[str]) -> tuple[str, ...]:
    """`sources`, - replaced by the names on standard input: one a line, or each ended by a NUL, as `find -print0` does. Raises UsageError
    where there are none."""
    if "-" not in sources:
        return tuple(sources)
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("-: names of files are read from standard input, which is a terminal: find FOLDER -name '*.wav' | ser-tui ... -")
    data = sys.stdin.buffer.read()
    if data.startswith(_AUDIO):
        raise UsageError("-: standard input holds audio, and names of files are read there, one a line; write it to a file, and name that")
    parts = data.split(b"\0" if b"\0" in data else b"\n")
    names = [os.fsdecode(name) for one in parts if (name := one.removesuffix(b"\r"))]
    if not names:
        raise UsageError("-: no name of a file on standard input")
    return tuple(name for one in sources for name in (names if one == "-" else (one,)))


def _done(request: Use) -> int:
    if problem := request.problem():
        raise UsageError(problem)
    return done(request)
