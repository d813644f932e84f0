"""Saved models: safetensors and model.json, which together hold everything that a prediction needs.

model.json names the weights file, which carries its own digest in its name: the table is replaced last, so that a crash
leaves the old model or the new one, never a mixture. Of a trial that trained a part of the encoder only that part is saved, and the
fingerprint of the encoder that it belongs to, which must be ready wherever the model is loaded.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ser_tui import places
from ser_tui.corpora.hearing.segments import Clip
from ser_tui.encoders import weights
from ser_tui.encoders.base import SpeechEncoder
from ser_tui.encoders.layout import read_json
from ser_tui.encoders.load import build, load_encoder
from ser_tui.store.files import write_atomically
from ser_tui.study.dimension_values import value_problem
from ser_tui.study.errors import Damaged, UserError
from ser_tui.study.hyperparameters import HYPERPARAMETERS, Value
from ser_tui.training import batches, hearing, precision
from ser_tui.training.adapting import PARAMETERS, adaptation
from ser_tui.training.data import PartTensors
from ser_tui.training.features import Recipe, Unreadable, plain_recipe, pooled_statistics, recipe_of
from ser_tui.training.head import Head, Pooling, pooling_of
from ser_tui.training.joint import KIND, build_joint
from ser_tui.training.memory import as_memory_error
from ser_tui.training.shapes import rounded
from ser_tui.training.speakers import by_speaker
from ser_tui.training.trial import OnProgress, Part, Stop, check_stop

FORMAT = 1
PART_FORMAT = 2
"""Of a model that holds what was trained alone: an older ser_tui refuses it in one line."""
_TABLE = "model.json"
_WEIGHTS = re.compile(r"model-[0-9a-f]{1,64}\.safetensors")
_BATCH = 16
_ENCODER, _HEAD = "encoder.", "head."
"""What the names of tensors begin with in a saved model."""


@dataclass(frozen=True)
class Model:
    """A trained encoder and head. `problems` of `predict_logits`' last call: index -> why an utterance has no logits."""

    classes: tuple[str, ...]
    encoder_name: str
    encoder_fingerprint: str
    parameters: Mapping[str, Value]
    precision: precision.Precision
    pooling: Pooling
    encoder: SpeechEncoder
    head: Head
    tuned: bool
    """Whether the encoder's weights were trained; otherwise they are the pre-trained ones."""
    recipe: Recipe
    """How utterances become frames."""
    problems: dict[int, str]
    identity: str = ""
    """Digest of the model's files: of all that its logits depend on besides the audio. Empty for a model without files."""
    frozen_fingerprint: str = ""
    """Of the weights of an encoder that was not tuned: what it computes is cached under it. Empty: not known."""
    below: int = 0
    """Layers below the lowest that was trained: in training they were computed once, in float32, and are here."""
    temperature: float | None = None
    """What its logits are divided by, which is in its head already; 1: none fitted better than none; None: none was asked for, or the model
    is of before this was kept."""

    def predict_logits(
        self,
        clips: Sequence[Clip],
        digests: Sequence[str] = (),
        *,
        speakers: Sequence[str] = (),
        should_stop: Stop = lambda: False,
        on_progress: OnProgress | None = None,
    ) -> NDArray[np.float32]:
        """Logits [N, classes] of `clips`, trimmed, cut and normalised as in training; NaN where one is unreadable.

        `digests`: of their contents, which are then checked. `speakers`: who speaks, where `pooling.by_speaker`.
        Raises UtteranceChanged where one is another's, TrialStopped
        when asked to stop, MemoryError when memory runs out.
        """
        with as_memory_error():
            if self.pooling.by_speaker:
                return self.answered(
                    self.predict_features(clips, digests, speakers=speakers, should_stop=should_stop, on_progress=on_progress)
                )
            return self._predict(clips, digests, should_stop, on_progress, pooled=False)

    def predict_features(
        self,
        clips: Sequence[Clip],
        digests: Sequence[str] = (),
        *,
        speakers: Sequence[str] = (),
        should_stop: Stop = lambda: False,
        on_progress: OnProgress | None = None,
    ) -> NDArray[np.float32]:
        """What the head hears of `clips`: [N, width], see `features_of`. Arguments, and what is raised: see `predict_logits`."""
        with as_memory_error():
            return self.features_of(self._predict(clips, digests, should_stop, on_progress, pooled=True), speakers)

    def features_of(self, vectors: NDArray[np.float32], speakers: Sequence[str] = ()) -> NDArray[np.float32]:
        """Pooled `vectors` [N, width] as the head hears them: as they are, or by the statistics of each of `speakers`, where
        `pooling.by_speaker`; NaN where one is. Raises UserError where a speaker must be known and is not."""
        if not self.pooling.by_speaker:
            return vectors
        found = np.full(vectors.shape, np.nan, dtype=np.float32)
        known = np.flatnonzero(np.isfinite(vectors).all(axis=1))
        own = [speakers[index] for index in known.tolist()] if speakers else [""] * len(known)
        if len(known):
            found[known] = by_speaker(vectors[known], own)
        return found

    def answered(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits [N, classes] of `features` [N, width], as `features_of` gives them; NaN where they are."""
        with torch.no_grad():
            if self.pooling.by_speaker:
                together: NDArray[np.float32] = self.head(torch.from_numpy(features)).numpy()
                return together
            logits = np.empty((len(features), len(self.classes)), dtype=np.float32)
            for index, own in enumerate(features):
                # Each alone, so that no score depends, not even in the last bit, on what else was asked for; and copied, because its
                # place in memory says how it is added up.
                logits[index] = self.head(torch.tensor(own)[None])[0].numpy()
        return logits

    def _width(self, pooled: bool) -> int:
        return self.pooling.width(self.encoder.dimension) if pooled else len(self.classes)

    def _predict(
        self, clips: Sequence[Clip], digests: Sequence[str], should_stop: Stop, on_progress: OnProgress | None, *, pooled: bool
    ) -> NDArray[np.float32]:
        """Logits [N, classes], or pooled vectors [N, width]."""
        digests = digests or ("",) * len(clips)
        logits = np.full((len(clips), self._width(pooled)), np.nan, dtype=np.float32)
        self.problems.clear()
        done = 0
        # In windows, so that memory does not grow with the corpus.
        for start in range(0, len(clips), 16 * _BATCH):
            window = range(start, min(start + 16 * _BATCH, len(clips)))
            part = Part(tuple(clips[index] for index in window), (0,) * len(window), tuple(digests[index] for index in window))
            data = PartTensors(self.encoder, part, self.recipe, {})
            data.prepare(should_stop, None)
            for batch in batches.sorted_by_length([data.length(index) for index in data.usable], _BATCH):
                check_stop(should_stop)
                indices = [data.usable[position] for position in batch]
                logits[[start + index for index in indices]] = self._score(data, indices, pooled).numpy()
                done += len(indices)
                if on_progress is not None:
                    on_progress(done, len(clips))
            self.problems.update({start + index: text for index, text in data.problems.items()})
        return logits

    def heard(self, waveforms: Sequence[Tensor], *, pooled: bool = False) -> NDArray[np.float32]:
        """Logits [N, classes] of waveforms [samples] at 16 kHz that `hearing.prepared` made by `recipe`; where `pooled`, and where
        `pooling.by_speaker`, pooled vectors [N, width], for `features_of`. NaN where one is too short. What is said of a file's
        waveform is what `predict_logits` says of the file. Raises MemoryError when memory runs out.
        """
        pooled = pooled or self.pooling.by_speaker
        outputs = np.full((len(waveforms), self._width(pooled)), np.nan, dtype=np.float32)
        made: dict[int, tuple[Tensor, int]] = {}
        with as_memory_error():
            for index, waveform in enumerate(waveforms):
                try:
                    made[index] = hearing.frames(self.encoder, waveform, self.recipe)
                except Unreadable:
                    continue
            usable = list(made)
            for batch in batches.sorted_by_length([len(made[index][0]) for index in usable], _BATCH):
                indices = [usable[position] for position in batch]
                each = [made[index] for index in indices]
                if self.tuned:
                    lengths, real = (torch.tensor(one) for one in ([len(frames) for frames, _ in each], [count for _, count in each]))
                    padded = nn.utils.rnn.pad_sequence([frames for frames, _ in each], batch_first=True)
                    outputs[indices] = self._together(padded, lengths, real, pooled).numpy()
                else:
                    outputs[indices] = self._each([(frames[None], count) for frames, count in each], pooled).numpy()
        return outputs

    def _score(self, data: PartTensors, indices: list[int], pooled: bool) -> Tensor:
        if self.tuned:
            return self._together(*data.frames(indices), pooled)
        alone = (data.frames([index]) for index in indices)
        return self._each([(frames, int(real)) for frames, _, real in alone], pooled)

    def _together(self, frames: Tensor, lengths: Tensor, real: Tensor, pooled: bool) -> Tensor:
        """Logits, or pooled vectors, of a padded batch of frames [B, T, C]."""
        frames = rounded(frames, self.encoder, self.precision)
        with torch.no_grad():
            lower = self.encoder.hidden_states(frames, lengths, self.below) if self.below else ()
            with precision.autocast(self.precision):
                if lower:
                    highest = min(self.pooling.highest, self.encoder.layers)
                    upper = self.encoder.continued(lower[-1], lengths, self.below, highest)
                    vectors = self.pooling.of_states(self.encoder, (*lower[:-1], *upper), lengths, real)
                else:
                    vectors = self.pooling.of(self.encoder, frames, lengths, real)
            return self._said(vectors, pooled)

    def _each(self, alone: Sequence[tuple[Tensor, int]], pooled: bool) -> Tensor:
        """The same of utterances that go through the frozen encoder one by one: frames [1, T, C], and how many are pooled."""
        with torch.no_grad():
            found = [pooled_statistics(self.encoder, frames, real, self.pooling.highest) for frames, real in alone]
            return self._said(self.pooling.select(torch.stack(found)), pooled)

    def _said(self, vectors: Tensor, pooled: bool) -> Tensor:
        logits: Tensor = vectors if pooled else self.head(vectors)
        return logits


def contents(encoder: SpeechEncoder, head: Head, trained: Mapping[str, nn.Parameter] | None) -> dict[str, Tensor]:
    """The tensors of a saved model: head and encoder, or `trained` of the encoder alone."""
    own: Mapping[str, Tensor] = encoder.state_dict() if trained is None else trained
    tensors = {f"{_ENCODER}{name}": tensor for name, tensor in own.items()}
    tensors |= {f"{_HEAD}{name}": tensor for name, tensor in head.state_dict().items()}
    return {name: tensor.detach().contiguous() for name, tensor in tensors.items()}


def save(
    folder: Path,
    *,
    encoder: SpeechEncoder,
    encoder_name: str,
    head: Head,
    pooling: Pooling,
    classes: tuple[str, ...],
    parameters: Mapping[str, Value],
    recipe: Recipe,
    precision: str,
    tuned: bool,
    trained: Mapping[str, nn.Parameter] | None = None,
    temperature: float | None = None,
) -> None:
    """Write a model into `folder`, replacing the one that is there. `trained`: see `contents`; `temperature`: see `Model`. Raises OSError
    when it cannot be written."""
    tensors = contents(encoder, head, trained)
    digest = weights.digest(tensors, {})
    name = f"model-{digest}.safetensors"
    table = {
        "format": FORMAT if trained is None else PART_FORMAT,
        "weights": name,
        "digest": digest,
        "classes": list(classes),
        "parameters": dict(parameters),
        "recipe": plain_recipe(recipe),
        "precision": precision,
        "tuned": tuned,
        "pooling": dataclasses.asdict(pooling),
        "encoder": {"name": encoder_name, "fingerprint": encoder.fingerprint, "description": dict(encoder.describe())},
    }
    if temperature is not None:
        table["temperature"] = temperature
    places.private_folder(folder)
    weights.save(tensors, folder / name)
    write_atomically(folder / _TABLE, json.dumps(table, indent=1).encode())
    for old in folder.glob("model-*.safetensors"):
        if old.name != name:
            old.unlink(missing_ok=True)


def load_model(folder: Path, again: str = "take another copy of this folder, or train the model again") -> Model:
    """The model in `folder`, ready to predict. Everything in it is read as data. Raises UserError in one line: Damaged, with what makes
    it `again`, where its files are not what was saved."""
    try:
        return _loaded(folder)
    except Damaged as error:  # who reads JSON and tensors takes them for an encoder's, which can be fetched
        raise Damaged(error.what, again) from None


def _loaded(folder: Path) -> Model:
    path = folder / _TABLE
    if not path.is_file():
        raise UserError(f"{folder}: holds no model ({_TABLE} is absent); the run may not have finished a trial")
    table = read_json(path)
    if table.get("format") not in (FORMAT, PART_FORMAT):
        known = f"{FORMAT} and {PART_FORMAT} are known here"
        raise UserError(f"{path}: format {table.get('format')!r:.20}, {known}; use the ser_tui that wrote it")
    whole = table["format"] == FORMAT
    try:
        name, pooled, described = str(table["weights"]), table["pooling"], table["encoder"]
        if not _WEIGHTS.fullmatch(name) or (folder / name).is_symlink():
            raise ValueError(f"weights {name!r:.60} are not a file of this folder")
        parameters = dict(table["parameters"])
        chosen = pooling_of(pooled)
        classes = tuple(str(item) for item in table["classes"])
        recipe = recipe_of(table["recipe"])
        used: precision.Precision = "bfloat16" if table["precision"] == "bfloat16" else "float32"
        tensors = weights.read(folder / name)
        facts = (str(described["name"]), str(described["fingerprint"]), bool(table["tuned"]))
        cooled = None if table.get("temperature") is None else float(table["temperature"])
        if whole:
            encoder, named = _rebuilt(described["description"], chosen, len(classes), tensors, (path, folder / name)), None
        else:
            encoder = _published(path, facts[0], facts[1])
            _check_layers(chosen, encoder)
            named = _adapted(encoder, chosen, parameters, tuned=facts[2])
        head = Head(chosen.width(encoder.dimension), len(classes))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Damaged(f"{path}: damaged ({' '.join(str(error).split())[:120]})") from None
    if weights.digest(tensors, {}) != table.get("digest"):
        raise Damaged(f"{folder / name}: damaged (its digest is another)")
    if named is None:
        weights.load_strictly(encoder, weights.within(tensors, _ENCODER), str(folder / name))
    else:
        weights.put_strictly(named, weights.within(tensors, _ENCODER), str(folder / name))
    weights.load_strictly(head, weights.within(tensors, _HEAD), str(folder / name))
    # A tuned encoder must not find the pre-trained one's features in the cache, nor leave its own there.
    encoder.fingerprint = ""
    identity = hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()
    below = 0 if whole else adaptation(parameters).below(encoder, chosen) or 0
    return Model(
        classes, facts[0], facts[1], parameters, used, chosen, encoder.eval(), head.eval(), facts[2], recipe, {}, identity, below=below,
        temperature=cooled,
    )  # fmt: skip


def _rebuilt(
    description: Mapping[str, Any], chosen: Pooling, classes: int, tensors: Mapping[str, Tensor], places: tuple[Path, Path]
) -> SpeechEncoder:
    """The architecture that is described, once `tensors` are found to fill it and its head. `places`: of the table and the weights."""
    # First without memory: what the table describes may be of any size, and must be what the weights fill.
    with torch.device("meta"):
        planned = _built(description, str(places[0]))
        _check_layers(chosen, planned)
        planned_head = Head(chosen.width(planned.dimension), classes)
    for module, prefix in ((planned, _ENCODER), (planned_head, _HEAD)):
        weights.compare_strictly(module, weights.within(tensors, prefix), str(places[1]))
    return _built(description, str(places[0]))


def _built(description: Mapping[str, Any], source: str) -> SpeechEncoder:
    return build_joint(description, source).eval() if description["kind"] == KIND else build(description, source)


def _published(path: Path, name: str, fingerprint: str) -> SpeechEncoder:
    """The pre-trained encoder that a model's trained part belongs to. Raises UserError where it is not ready, or is another."""
    try:
        encoder = load_encoder(name)
    except UserError as error:
        raise UserError(f"{path} holds what was trained alone, which belongs to the encoder {name}: {error}") from None
    if encoder.fingerprint != fingerprint:
        raise UserError(
            f"{path} belongs to another {name:.100} (fingerprint {fingerprint:.16}) than the one here ({encoder.fingerprint:.16}): "
            "get that version of the encoder"
        )
    return encoder


def _adapted(encoder: SpeechEncoder, chosen: Pooling, parameters: Mapping[str, Value], *, tuned: bool) -> dict[str, nn.Parameter]:
    """The parameters that were trained, adapters put in. Raises ValueError where the table says what cannot be."""
    for name in PARAMETERS:
        if problem := value_problem(HYPERPARAMETERS[name], parameters[name]):
            raise ValueError(f"{name}: {problem}")
    what = adaptation(parameters)
    if what.full:
        raise ValueError("says that the whole encoder was trained, and holds a part")
    return what.enter(encoder, chosen) if tuned else {}


def _check_layers(chosen: Pooling, encoder: SpeechEncoder) -> None:
    """Raise ValueError unless each pooled layer is one of the encoder's, and named once: the head is as wide as they are many."""
    layers = chosen.layers
    if not layers or not 0 <= min(layers) <= max(layers) <= encoder.layers + 1 or len(set(layers)) < len(layers):
        raise ValueError(f"its encoder has no layers {layers[:10]!r:.40}")
    if not set(chosen.normalised) <= set(layers):
        raise ValueError(f"layers {chosen.normalised[:10]!r:.40} are not pooled")
