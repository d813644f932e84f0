"""What all parts of a study document share."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Part of a study. A field's title and description are its label and its help wherever a person sets it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def one_or_more(value: Any) -> Any:
    """For lists of which a document may name a single member."""
    return (value,) if isinstance(value, str) else value
