"""Where trials run besides the search's own process: local workers, each a process with its share of threads and memory."""
