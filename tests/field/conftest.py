"""Inputs that researchers handed in and that once went wrong: the folder of cases beside the project, where it is there."""

from field_fixtures import field_case, field_cases, isolated

__all__ = ["field_case", "field_cases", "isolated"]
