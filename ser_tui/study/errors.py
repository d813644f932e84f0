"""Errors that are meant for people: one line that says what was wrong, where, and what to do next."""

from __future__ import annotations

import errno


class UserError(Exception):
    """Something the user can mend. Its text is shown as it is, without a traceback; the exit code is `exit_code`."""

    exit_code = 1


class UsageError(UserError):
    """A wrong call or a wrong document: nothing was started."""

    exit_code = 2


class Damaged(UserError):
    """A file is not what was written: `what` is wrong with it. `todo`: how it is got again; whoever knows that better says so instead."""

    def __init__(self, what: str, todo: str = "") -> None:
        super().__init__(f"{what}; {todo}" if todo else what)
        self.what = what


def told(error: OSError) -> UserError:
    """What the system refused where nobody expected it, in words: a file whose rights were taken away, a disk that is gone."""
    # A disk that is full without a file's name is that of our own output: `ser-tui runs > /full/disk`.
    where = error.filename or ("the output" if error.errno == errno.ENOSPC else "")
    return UserError(f"{where}{': ' if where else ''}{error.strerror or error}; mend that and try again")
