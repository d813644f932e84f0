"""What is done: search, folds, zero-shot evaluation, baselines, the probe beside a run. No process, no signal."""
