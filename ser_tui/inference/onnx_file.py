"""A model as one ONNX file: samples at 16 kHz in, logits out."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ser_tui.inference.whole_model import Says, WholeModel, refuse, traced
from ser_tui.study.errors import UserError
from ser_tui.training import threads
from ser_tui.training.audio import SAMPLE_RATE
from ser_tui.training.model import Model

NAME = "model.onnx"
_INPUT, _OUTPUT = "waveform", "logits"
_EXAMPLE_SECONDS = 2


def problem(model: Model) -> str:
    """Why `model` cannot be written as ONNX here; empty: it can."""
    try:
        refuse(model)
        _import()
    except UserError as error:
        return str(error)
    return ""


def write(model: Model, folder: Path) -> Says:
    """Write model.onnx and labels.json into `folder`; what onnxruntime makes of the file."""
    _import()
    import onnx

    whole = WholeModel(model).eval()
    example = torch.randn(_EXAMPLE_SECONDS * SAMPLE_RATE, generator=torch.Generator().manual_seed(1)) * 0.1
    with torch.no_grad(), traced(), _quiet():
        program = torch.onnx.export(
            whole, (example,), dynamo=True, verbose=False, input_names=[_INPUT], output_names=[_OUTPUT],
            dynamic_shapes={_INPUT: {0: torch.export.Dim.DYNAMIC}},
        )  # fmt: skip
        if program is None:
            raise UserError("torch's exporter gave no program")
        program.save(str(folder / NAME))
    labels = {"classes": list(model.classes), "sample_rate": SAMPLE_RATE, "max_seconds": model.recipe.max_seconds, "model": model.identity}
    saved = onnx.load(folder / NAME)
    onnx.helper.set_model_props(saved, {"classes": json.dumps(list(model.classes)), "sample_rate": str(SAMPLE_RATE)})
    for left in folder.iterdir():
        left.unlink()
    onnx.save(saved, folder / NAME)
    (folder / "labels.json").write_text(json.dumps(labels, indent=1) + "\n")
    return reader(folder / NAME)


def reader(path: Path) -> Says:
    """What onnxruntime makes of the file at `path`."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads.cores()
    # Threads that spin while they wait stall others on the same cores: see `training.threads`.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def says(waveform: torch.Tensor) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run([_OUTPUT], {_INPUT: waveform.numpy()})[0]
        return found

    return says


def _import() -> None:
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UserError(f"--format onnx needs {error.name}, which is not installed: pip install 'ser-tui[onnx]'") from None
    assert onnx and onnxruntime


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of itself."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(None):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
