"""A trial's parameters, completed."""

from __future__ import annotations

from collections.abc import Mapping

from ser_tui.study.errors import UserError
from ser_tui.study.hyperparameters import HYPERPARAMETERS, Value, for_method

PROBE_STRENGTHS = (0.01, 0.03, 0.1, 0.3)
"""The C of logistic regression, ascending, among which a probe is chosen that no search goes over."""


def complete(values: Mapping[str, Value], method: str) -> dict[str, Value]:
    """`values` with defaults for what is not named. Raises UserError for a name that `method` does not read."""
    known = for_method(method)
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise UserError(f"{', '.join(unknown)}: not a hyperparameter of {method}; known: {', '.join(known)}")
    return {name: values.get(name, HYPERPARAMETERS[name].default) for name in known}
