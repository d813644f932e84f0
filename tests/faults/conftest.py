"""A warm process, and the reference that interrupted runs are compared with."""

from faults_fixtures import reference, warm

__all__ = ["reference", "warm"]
