"""Found first on PYTHONPATH, this makes every worker print what no terminal should obey, as a library might."""

import sys

if "ser_tui.worker" in sys.orig_argv:
    print("\x1b]0;owned-by-library\x07\x1b[2J\x9b31m loaded", file=sys.stderr, flush=True)
