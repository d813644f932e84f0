"""What all parts of a study document share."""

from __future__ import annotations

import typing
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator


class Section(BaseModel):
    """Part of a study. A field's title and description are its label and its help wherever a person sets it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _truth_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        return no_truth(value, cls.model_fields[str(info.field_name)].annotation)


def no_truth(value: Any, annotation: Any) -> Any:
    """`value`, unless it is true or false where `annotation` is of numbers, for which pydantic takes them. Raises ValueError."""
    if isinstance(value, bool):
        wanted = typing.get_args(annotation) or (annotation,)
        if any(one in (int, float) or type(one) is int for one in wanted):
            raise ValueError(f"{str(value).lower()} is not a number")
    return value


def one_or_more(value: Any) -> Any:
    """For lists of which a document may name a single member."""
    return (value,) if isinstance(value, str) else value
