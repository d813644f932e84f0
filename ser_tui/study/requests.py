"""What a worker is asked to do besides a search, as JSON on its standard input. Light.

Not as arguments: labels and speakers may begin with a hyphen, hold an equals sign or be no UTF-8; `ps` shows arguments to
everybody on the machine; and a corpus can have more speakers than an argument may have bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args

from ser_tui.study.errors import UserError
from ser_tui.study.protocol import FOLDED
from ser_tui.study.seeds import MOST_SEEDS
from ser_tui.study.type_checks import checks
from ser_tui.study.uses import EmbedRequest, ExportRequest, PredictRequest, Use

Preset = Literal["default", "paper"]
"""Which emotions of a target count as which class, where nobody says otherwise: see `ser_tui.evaluation.mapping.propose`."""


@dataclass(frozen=True)
class FoldsRequest:
    """The best configuration, retrained per fold of a protocol that has folds."""

    protocol: str
    nested: bool = False
    """Whether each fold is scored by what is chosen without it."""
    top: int = 1
    """Of nested folds: so many of what is chosen answer together."""

    def problem(self) -> str:
        """Why it cannot be done, or nothing."""
        if not 1 <= self.top <= 100 or (self.top > 1 and not self.nested):
            return "--top: 1 to 100 of what nested folds choose; with --nested"
        return "" if self.protocol in FOLDED else f"protocol {self.protocol!r:.40}: {_or(tuple(FOLDED))}"


@dataclass(frozen=True)
class SeedsRequest:
    """The best configuration, trained until there are `number` seeds of it besides the trial's own."""

    number: int

    def problem(self) -> str:
        """Why it cannot be done, or nothing."""
        return "" if 1 <= self.number <= MOST_SEEDS else f"1 to {MOST_SEEDS} seeds"


@dataclass(frozen=True)
class EvaluationRequest:
    """A zero-shot evaluation: target corpora, changed mappings (target emotion -> class, empty: dropped), masked or raw."""

    corpora: tuple[str, ...]
    mapping: Mapping[str, str] = field(default_factory=dict)
    masked: bool = True
    preset: str = "default"
    """default, or paper: calm to boredom, surprise dropped, the random-head baseline."""
    speakers: tuple[str, ...] = ()
    """The only speakers whose utterances are evaluated; empty: all."""
    without: tuple[str, ...] = ()
    """Speakers whose utterances are left out."""

    def problem(self) -> str:
        """Why it cannot be done, or nothing."""
        if not self.corpora:
            return "no corpus is named"
        return "" if self.preset in get_args(Preset) else f"preset {self.preset!r:.40}: {_or(get_args(Preset))}"


Request = FoldsRequest | SeedsRequest | EvaluationRequest
Asked = TypeVar("Asked", bound=FoldsRequest | SeedsRequest | EvaluationRequest | PredictRequest | EmbedRequest | ExportRequest)
JOBS: Mapping[str, type[Request] | None] = {"search": None, "folds": FoldsRequest, "seeds": SeedsRequest, "evaluate": EvaluationRequest}
"""The jobs of a worker, and what is asked for with each."""


def encode(request: Request | Use | None) -> bytes:
    """`request` as ASCII; text that is not UTF-8 (lone surrogates) is escaped. Raises UserError where it cannot be done."""
    if request is None:
        return b""
    if request.problem():
        raise UserError(request.problem())
    # Not dataclasses.asdict, which copies mappings of any kind by their own type.
    fields = {name: dict(value) if isinstance(value, Mapping) else value for name, value in vars(request).items()}
    return json.dumps(fields, ensure_ascii=True).encode("ascii")


def decode(job: str, data: bytes) -> Request | None:
    """What `encode` has written for `job`. Raises UserError for anything else."""
    kind = JOBS[job]
    return None if kind is None else decoded(kind, job, data)


def decoded(kind: type[Asked], job: str, data: bytes) -> Asked:
    """The request of this kind for `job` that `encode` has written. Raises UserError for anything else."""
    try:
        read = json.loads(data)
        request = kind(**{name: _tuples(value) for name, value in read.items()})
        wrong = [name for name, fits in checks(kind).items() if not fits(getattr(request, name))]
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"the request for {job} on standard input cannot be read: {type(error).__name__}") from None
    if wrong or request.problem():
        raise UserError(f"the request for {job} on standard input is wrong: {request.problem() if not wrong else ', '.join(wrong)}")
    return request


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _or(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
