"""How a study searches: strategy, budget, and what it knows before."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from ser_tui.study.section import Section, one_or_more


class StrategyChoice(Section):
    """What proposes the next trial: the name of a strategy, and settings of its own, which `ser_tui.strategies.registry` knows
    and checks, as it knows the names."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    kind: str = Field("gp", min_length=1, max_length=64, title="strategy")

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the document says beside `kind`."""
        return self.model_extra or {}

    @model_validator(mode="after")
    def _plain_values(self) -> StrategyChoice:
        for name, value in self.settings.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name}: {value} is not finite")
        return self


class Budget(Section):
    """When a run is finished: after so many trials, when so many minutes are over, or when nothing improves any more, whatever comes
    first."""

    trials: int | None = Field(None, ge=1, le=100_000, title="trials")
    """Trials that ran to their end or failed; one that was cut short is made again. `budget: 15` means these."""
    minutes: float | None = Field(
        None, gt=0, le=1_000_000, title="minutes", description="ends the search after so many minutes; empty: no limit"
    )
    stop_after: int | None = Field(
        None, ge=1, le=100_000, title="stop after", description="ends the search after so many trials in a row without a better one"
    )
    """Failed trials count; before the first score none does. What is better is what `objective` says, by however little."""
    stop_after_from: int | None = Field(None, ge=1, le=100_000)
    """Trials that were done when the search was asked to go on, which `resume` writes: `stop_after` counts from there anew."""

    @model_validator(mode="before")
    @classmethod
    def _bare_number(cls, value: Any) -> Any:
        return {"trials": value} if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _something(self) -> Budget:
        if self.trials is None and self.minutes is None:
            raise ValueError("give trials, minutes, or both" + ("; stop_after ends a search before these" if self.stop_after else ""))
        return self


class WarmStart(Section):
    """What a search knows before its first trial. Such a search is not comparable with one that knows nothing: it is marked wherever it is
    shown, and left out where strategies are compared."""

    first_point: Literal["none", "recommended"] = Field(
        "none", title="first point", description="recommended: the first trial is the middle of what is recommended for the encoder"
    )
    runs: Annotated[tuple[str, ...], BeforeValidator(one_or_more)] = Field(
        (),
        max_length=100,
        title="warm start",
        description="earlier runs that the strategy learns from; auto: those of this encoder on other corpora",
    )
    """Ids of past runs, imported ones too, or auto. Their scores are shifted to this run's: the median of each to the median so far."""

    @property
    def asked(self) -> bool:
        """Whether anything is known before."""
        return self.first_point != "none" or bool(self.runs)
