"""`python -m ser_tui.cli` is the command `ser-tui`."""

from ser_tui.cli import main

main()
