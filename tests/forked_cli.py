"""`python tests/forked_cli.py ARGUMENTS`: the command line, whose workers are forked and not started (`forking.py`)."""

from __future__ import annotations

import sys
from types import SimpleNamespace

from forking import popen

from ser_tui.cli import main
from ser_tui.client import launch

if __name__ == "__main__":
    vars(launch)["subprocess"] = SimpleNamespace(Popen=popen)
    sys.argv[0] = "ser-tui"
    main()
