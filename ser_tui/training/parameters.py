"""A trial's parameters, completed."""

from __future__ import annotations

from collections.abc import Mapping

from ser_tui.study.errors import UserError
from ser_tui.study.hyperparameters import REGRESSION, STRENGTHS, Value, default, for_method

START_STRENGTHS = STRENGTHS[REGRESSION].tried
"""The C among which that of a head is chosen that starts as a probe: such a probe is logistic regression in every study."""


def complete(values: Mapping[str, Value], method: str, classifier: str) -> dict[str, Value]:
    """`values` with defaults, those of `classifier` (`training.classifier`), for what is not named. Raises UserError for a name that
    `method` does not read."""
    known = for_method(method)
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise UserError(f"{', '.join(unknown)}: not a hyperparameter of {method}; known: {', '.join(known)}")
    return {name: values.get(name, default(name, classifier)) for name in known}
