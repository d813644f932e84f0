"""Pure functions from state to lines and cells."""
