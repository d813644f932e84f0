"""Errors that are meant for people: one line that says what was wrong, where, and what to do next."""

from __future__ import annotations


class UserError(Exception):
    """Something the user can mend. Its text is shown as it is, without a traceback; the exit code is `exit_code`."""

    exit_code = 1


class UsageError(UserError):
    """A wrong call or a wrong document: nothing was started."""

    exit_code = 2


def told(error: OSError) -> UserError:
    """What the system refused where nobody expected it, in words: a file whose rights were taken away, a disk that is gone."""
    # Without a file's name it is most often our own output: `ser-tui runs > /full/disk`.
    return UserError(f"{error.filename or 'the output'}: {error.strerror or error}; mend that and try again")
