"""The corpora that ser_tui knows by name: a module each, with its naming rule and its entry."""
