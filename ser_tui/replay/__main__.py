"""The process that replays: `python -m ser_tui.replay` reads a request as JSON from its standard input, and writes a line of JSON for
each surrogate (its error) and for each search as it ends."""

from __future__ import annotations

import json
import os
import sys

from ser_tui.replay.searching import answers
from ser_tui.study.errors import UserError


def main() -> None:
    """Answer the request on standard input."""
    try:
        for answer in answers(sys.stdin.buffer.read()):
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    except UserError as error:
        sys.stdout.write(json.dumps({"failed": str(error)}) + "\n")
    except BrokenPipeError:
        os._exit(0)  # nobody listens any more


if __name__ == "__main__":
    main()
