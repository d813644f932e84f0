"""Where jobs run: a run folder with its lock, log and signals, in a process of its own or in a caller's thread; or memory alone."""
