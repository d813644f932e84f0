"""What app and command line do with runs: start, find, stop, resume, evaluate."""
