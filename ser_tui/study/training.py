"""How trials are trained, apart from what is searched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from ser_tui.study.section import Section

_NOT_THE_PAPERS: Mapping[str, str] = {
    "trim_silence": "trim", "augment": "augment", "balance": "balance classes", "averaging": "average weights",
}  # fmt: skip
"""What the paper's loop does without, and the words for it."""


class Training(Section):
    """How a trial is trained, apart from what is searched."""

    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", title="precision", description="auto: bfloat16 where this processor gains from it"
    )
    warmup: float = Field(0.1, ge=0, lt=1, title="warm-up", description="share of the steps over which the rates rise before the cosine")
    gradient_clip: float = Field(1.0, gt=0, title="clip", description="largest norm of the gradient")
    train_front_end: bool = Field(False, title="front end", description="also train the convolutions below the transformer")
    """They stay frozen otherwise."""
    paper_exact: bool = Field(False, title="paper exact", description="the paper's loop: zero padding without a mask, float32, no guard")
    """Every clip is padded to max_seconds."""
    collapse_guard: bool = Field(True, title="guard", description="end a trial early once it stays at chance")
    """Once loss and BCA have stayed there for so long that it is hopeless."""
    normalize: Literal["none", "peak"] = Field(
        "none", title="normalize", description="peak: scale every waveform to a largest magnitude of 1"
    )
    trim_silence: bool = Field(False, title="trim", description="leave out the silence around every utterance; recommended for zero-shot")
    """Ahead of the cut at max_seconds."""
    augment: tuple[Literal["speed", "noise", "mixed"], ...] = Field(
        (), title="augment", description="also train on copies: speed, noise, mixed; empty: none"
    )
    """Of the training part. speed: two, at 0.9 and 1.1 of the speed; noise: one, with pink noise; mixed: three, each at a speed of its own,
    through a filter, with noise, and half of them with reverberation."""

    normalize_speaker: bool = Field(
        False, title="by speaker", description="a probe's features by each speaker's own mean and deviation: transductive"
    )
    """Of the speaker's own recordings, without labels, in training and wherever the probe is used: scores then hold where many
    recordings of a speaker come together."""

    classifier: Literal["regression", "discriminant"] = Field(
        "regression", title="classifier", description="of a probe: logistic regression, or linear discriminants, better on other corpora"
    )
    """discriminant: the covariance within the classes, S, is shrunk to I + C S, where S's mean variance is 1 and C is
    inverse_regularization: .1 to .5 for what regression has at .01 to .1. Where C is not named it is .25, regression's .03."""

    refit: Literal["none", "all"] = Field(
        "none", title="refit", description="all: the best is trained once more, on training and validation part, before it is kept"
    )
    """Its scores stay those of the model that heard the training part alone; a test part is scored by the refitted one."""

    balance: Literal["auto", "none", "weights", "sampling"] = Field(
        "auto", title="balance", description="of classes: weights on each utterance's loss, or sampling of batches; auto: probes by weights"
    )
    """none: every utterance counts the same, in a probe too. Weights are n / (K n_c) for a class of n_c of the n utterances of K
    classes; sampling draws as many utterances an epoch, each class as often. A probe has no batches, and refuses sampling."""

    calibration: Literal["none", "temperature"] = Field(
        "none", title="calibration", description="temperature: probabilities by one divisor of the logits, fitted on held-out answers"
    )
    """Of each trial on its validation part (Guo et al. 2017), of folds each by the others' answers; no answer changes by it."""

    averaging: Literal["none", "ema", "swa"] = Field(
        "none", title="averaging", description="of a trial's weights: ema over its steps, swa over the ends of its later epochs"
    )
    """The average is what is scored after every epoch, and kept. ema keeps .99 of itself in a step; swa is the mean of the weights after
    each epoch of the second half of those that train the encoder."""

    @field_validator(*_NOT_THE_PAPERS)
    @classmethod
    def _as_the_paper(cls, value: Any, info: ValidationInfo) -> Any:
        name = str(info.field_name)
        if info.data.get("paper_exact") and value not in ("none", "auto", (), False):
            raise ValueError(f"the paper does not {_NOT_THE_PAPERS[name]}; leave out paper_exact or {name}")
        return value


READ_BY_PROBES = ("normalize", "trim_silence", "augment", "normalize_speaker", "classifier", "refit", "balance", "calibration")
"""What of the training section a probe reads too; the rest is about fine-tuning, but for normalize_speaker, which is about probes."""
READ_BY_AUTOSPEECH = (*READ_BY_PROBES, "warmup", "gradient_clip")
"""What the members of autospeech read: probes, and a small network that is trained."""
