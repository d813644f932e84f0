"""What is asked of a trained model, as JSON on the standard input of the process that does it. Light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Form = Literal["table", "csv", "json", "lines"]
"""How answers are written: for people, as CSV, as one JSON document, or as JSON lines."""
COLUMNS = ("file", "speaker", "start", "end", "duration")
"""What a column of a table can hold that is read here."""
LEAST_SEGMENT, MOST_SEGMENT = 0.25, 600.0
"""Seconds."""
LEAST_HEARD = 0.1
"""Seconds."""


@dataclass(frozen=True)
class PredictRequest:
    """What a model says of recordings."""

    model: str
    """A run, a bundle, or a folder that holds model.json."""
    sources: tuple[str, ...]
    """Files, folders, tables, or the name of a corpus."""
    form: str = "table"
    output: str = ""
    """The file that answers are appended to; empty: standard output."""
    segments: float | None = None
    """Seconds of the segments that recordings are cut into; None: not cut so."""
    voice: bool = False
    """Whether recordings are cut where voice begins and ends."""
    columns: tuple[str, ...] = ()
    """role=header of columns of tables that are not known by their headers; roles are those of `COLUMNS`."""
    self_train: bool = False
    """Whether answers after self-training on all of the recordings stand beside those of the model."""

    def problem(self) -> str:
        """Why it cannot be done, or nothing."""
        if not self.sources:
            return "no recording is named"
        if self.voice and self.segments is not None:
            return "--segments and --vad: one of them"
        if wrong := next((one for one in self.columns if one.partition("=")[0] not in COLUMNS or not one.partition("=")[2]), None):
            return f"--column {wrong:.60}: ROLE=HEADER, with one of {', '.join(COLUMNS)}"
        if self.segments is not None and not LEAST_SEGMENT <= self.segments <= MOST_SEGMENT:
            return f"--segments {self.segments:g}s: {LEAST_SEGMENT:g}s to {MOST_SEGMENT:g}s"
        if self.output and self.form not in ("csv", "lines"):
            return "a file of answers is CSV or JSON lines: each answer is appended as it comes"
        return "" if self.form in get_args(Form) else f"form {self.form!r:.20}"


@dataclass(frozen=True)
class EmbedRequest:
    """Pooled features of recordings, by a pre-trained encoder or by a run's model."""

    model: str
    sources: tuple[str, ...]
    output: str
    layers: str = ""
    """last, all, or as in 2+3, side by side; empty: those of the run, or last."""
    pooling: str = ""
    """mean or mean+std; empty: the run's, or mean."""
    max_seconds: float | None = None

    def problem(self) -> str:
        """Why it cannot be done, or nothing."""
        if not self.sources:
            return "no recording is named"
        if self.pooling not in ("", "mean", "mean+std"):
            return f"--pooling {self.pooling:.20}: mean or mean+std"
        if self.max_seconds is not None and not LEAST_HEARD <= self.max_seconds <= MOST_SEGMENT:
            return f"--max-seconds {self.max_seconds:g}: {LEAST_HEARD:g} to {MOST_SEGMENT:g}"
        if not self.output.endswith((".npz", ".parquet")):
            return f"-o {self.output[-60:]}: a file that ends in .npz, or in .parquet"
        return ""


ExportFormat = Literal["onnx", "huggingface"]


@dataclass(frozen=True)
class ExportRequest:
    """A model for other programs."""

    model: str
    output: str
    format: str
    audio: tuple[str, ...] = ()
    """Recordings that the export is compared on; empty: some of the run's corpus."""

    def problem(self) -> str:
        """Why it cannot be done, or nothing."""
        known = get_args(ExportFormat)
        return "" if self.format in known else f"--format {self.format:.20}: {' or '.join(known)}"


Use = PredictRequest | EmbedRequest | ExportRequest
USES: Mapping[str, type[Use]] = {"predict": PredictRequest, "embed": EmbedRequest, "export": ExportRequest}
"""What can be asked, by the word for it."""


def seconds(text: str) -> float | None:
    """3s, 2.5 or 1500ms in seconds; None for anything else."""
    number, factor = (text[:-2], 0.001) if text.endswith("ms") else (text.removesuffix("s"), 1.0)
    try:
        found = float(number) * factor
    except ValueError:
        return None
    return found if 0 < found < 1e6 else None
