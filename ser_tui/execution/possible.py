"""`python -m ser_tui.execution.possible [--later]`: whether the Dask cluster of the study document on standard input could be had. Writes
a line of JSON. A process of its own, as the interface never imports Dask.

`--later`: the search begins at another time, so that its scheduler need not be there yet.
"""

from __future__ import annotations

import json
import os
import sys

from ser_tui.execution.clusters import refuse_impossible
from ser_tui.study.errors import UserError
from ser_tui.study.load import loads


def main() -> None:
    """Answer for the document on standard input: {"refused": why, or nothing}."""
    refused = ""
    try:
        study = loads(sys.stdin.buffer.read().decode("utf-8", "surrogateescape"), "the study", [])
        refuse_impossible(study, reach="--later" not in sys.argv[1:])
    except UserError as error:
        refused = str(error)
    sys.stdout.write(json.dumps({"refused": refused}) + "\n")
    sys.stdout.flush()
    # A thread that waits for a port which says nothing would be waited for at the end.
    os._exit(0)


if __name__ == "__main__":
    main()
