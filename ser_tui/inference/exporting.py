"""The command export-model: a model for other programs, compared with the model here on real audio before anything is said to be done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ser_tui.corpora.catalogue import entries
from ser_tui.corpora.hearing.segments import Clip
from ser_tui.corpora.registry import load_manifest
from ser_tui.encoders import registry
from ser_tui.inference.loading import Loaded, opened
from ser_tui.inference.saying import note
from ser_tui.inference.sources import gather
from ser_tui.inference.whole_model import Says
from ser_tui.report.collecting import tell
from ser_tui.report.model_card import Made, model_card
from ser_tui.store.files import give_rights
from ser_tui.store.held_folders import held_folder
from ser_tui.store.lost_studies import study_of
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.formatting import counted
from ser_tui.study.uses import ExportRequest
from ser_tui.training import audio
from ser_tui.training.adapting import merged
from ser_tui.training.model import Model

TOLERANCE = 1e-4
"""By which logits may differ, where their spread is at most 1; else as a share of the spread."""
_CHECKED = 32
"""Recordings of a run's corpus that an export is compared on."""


@dataclass(frozen=True)
class Agreement:
    """How an export compares with the model here, over the recordings of which the model has finite logits."""

    recordings: int
    largest: float
    """Difference of logits; not a number where the export gives none."""
    equal: int
    """Recordings that get the same label."""
    spread: float = 1.0
    """Standard deviation of the model's logits around their mean in each recording: what rounding grows with."""

    @property
    def allowed(self) -> float:
        """The difference of logits up to which the export says what the model says."""
        return TOLERANCE * max(1.0, self.spread)

    @property
    def holds(self) -> bool:
        """Whether it does, and names the same emotions."""
        return self.largest <= self.allowed and self.equal == self.recordings

    @property
    def bound(self) -> str:
        """What the difference is compared with, in words."""
        share = "" if self.spread <= 1 else f": {TOLERANCE:g} of their standard deviation within a recording, {self.spread:.2g}"
        return f"at most {self.allowed:.2g}{share}"


def export(request: ExportRequest) -> int:
    """Write the folder, or nothing. Raises UserError."""
    target = Path(request.output)
    _refuse_filled(target)
    with opened(request.model) as loaded:
        write = _writer(request.format)
        same = in_float32(loaded.model)
        exact = replace(same, encoder=merged(same.encoder))
        write_problem = write.refuse(exact)
        if write_problem:
            raise UserError(write_problem)
        waveforms = [audio.load(clip) for clip in _clips(loaded, request.audio)]
        with held_folder(_parent(target)) as partial:
            note(f"writing {loaded.name} as {request.format}")
            says = write.write(exact, partial)
            compared = compare(exact, says, waveforms)
            if left_out := len(waveforms) - compared.recordings:
                note(f"compared without {counted(left_out, 'recording')} that the model has no finite logits of")
            if not compared.holds:
                wrong = compared.recordings - compared.equal
                raise UserError(
                    f"the export answers differently from the model: logits differ by {compared.largest:.2g} ({compared.bound}), "
                    f"{wrong} of {counted(compared.recordings, 'label')} {'differs' if wrong == 1 else 'differ'}; nothing was kept"
                )
            own = compare(loaded.model, says, waveforms) if same is not loaded.model else None
            (partial / "README.md").write_text(_card(request, loaded, compared, own), encoding="utf-8")
            _put(partial, target)
    note(
        f"the same labels on {counted(compared.recordings, 'recording')}, logits within {compared.largest:.1e} ({compared.bound}); "
        "README.md is the model card"
    )
    print(target, flush=True)
    return 0


def in_float32(model: Model) -> Model:
    """`model`, computing in float32; itself where it does."""
    if model.precision == "float32" and model.recipe.dtype == torch.float32:
        return model
    return replace(model, precision="float32", recipe=replace(model.recipe, dtype=torch.float32), problems={})


def compare(model: Model, says: Says, waveforms: Sequence[torch.Tensor]) -> Agreement:
    """What `says` says of `waveforms` at 16 kHz, beside what `model` says. Those of which `model` has no finite logits, as it has none
    of what is too short, are left out. Raises UserError where none is left."""
    from ser_tui.training import hearing

    here = np.stack([model.heard([hearing.prepared(waveform, model.recipe)])[0] for waveform in waveforms])
    known = np.flatnonzero(np.isfinite(here).all(axis=1))
    if not len(known):
        raise UserError(
            f"the model has finite logits of none of {counted(len(waveforms), 'recording')}, so that nothing can be compared; name others "
            "with --audio"
        )
    here = here[known]
    there = np.stack([says(waveforms[index]) for index in known.tolist()])
    spread = float((here - here.mean(axis=1, keepdims=True)).std())
    return Agreement(len(here), float(np.abs(here - there).max()), int((here.argmax(1) == there.argmax(1)).sum()), spread)


def _writer(form: str) -> Writer:
    if form == "onnx":
        from ser_tui.inference import onnx_file

        return Writer(onnx_file.problem, onnx_file.write)
    from ser_tui.inference import transformers_folder

    return Writer(transformers_folder.problem, transformers_folder.write)


@dataclass(frozen=True)
class Writer:
    """A format: why a model does not fit it (empty: it does), and what writes it into a folder and says what was written says."""

    refuse: Callable[[Model], str]
    write: Callable[[Model, Path], Says]


def _refuse_filled(target: Path) -> None:
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise UsageError(f"{target} is there already: name a new folder, or an empty one")


def _parent(target: Path) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make {target.parent}: {error.strerror}") from None
    return target.parent


def _put(partial: Path, target: Path) -> None:
    with suppress(FileNotFoundError):
        target.rmdir()  # it was found to be empty
    give_rights(partial, 0o755)
    partial.rename(target)


def _clips(loaded: Loaded, named: Sequence[str]) -> list[Clip]:
    """Recordings to compare on: those that are named, or some of the run's corpus, evenly from its beginning to its end."""
    if named:
        found = [source.clip for source in gather(named) if not source.problem]
        if not found:
            raise UserError("--audio: none of these recordings can be read")
        return found
    try:
        if loaded.run is None:
            raise UserError("it has no run")
        corpora = study_of(loaded.run).corpus
        spoken = [one for corpus in corpora for one in load_manifest(corpus).utterances]
    except UserError as error:
        raise UserError(f"the export is checked on real audio, and the run's is not here ({error}): name some with --audio") from None
    step = max(1, len(spoken) // _CHECKED)
    return [one.clip for one in spoken[::step][:_CHECKED]]


def _card(request: ExportRequest, loaded: Loaded, compared: Agreement, own: Agreement | None) -> str:
    model = loaded.model
    try:
        encoder_licence = registry.find(model.encoder_name).licence
    except UserError:
        encoder_licence = "not known"
    told = None if loaded.run is None else tell(loaded.run)
    known = {entry.name: entry for entry in entries()}
    corpora = () if loaded.run is None else study_of(loaded.run).corpus
    data = [f"{name}: {known[name].title}, {known[name].licence}" if name in known else f"{name}: licence not known" for name in corpora]
    return model_card(None if told is None else told.document, Made(
        request.format, loaded.name, model.encoder_name, encoder_licence, tuple(data), model.classes, model.identity,
        compared.recordings, compared.largest, compared.bound,
        None if own is None else (own.largest, own.equal, own.recordings),
        model.recipe.max_seconds, model.recipe.normalize, loaded.calibrated,
    ))  # fmt: skip
