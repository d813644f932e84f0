"""`python -m ser_tui`, for environments whose scripts are not on the PATH."""

from ser_tui.cli import main

main()
