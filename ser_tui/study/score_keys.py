"""What scores are called in JSON: in a run's document, its analysis, and whatever else programs read. Nothing else spells these keys."""

from __future__ import annotations

from ser_tui.study.records import Key
from ser_tui.study.scores import ACCURACY, BCA

SCORE = Key("bca", "interval")
"""The score of a part, a trial, a fold."""
OF_ACCURACY = Key("accuracy", "accuracy_interval")
BEST_EPOCH = Key("best_epoch_bca", "best_epoch_interval")
"""Of a trial's best epoch."""
OF_POOL = Key("pooled_bca", "interval")
"""Of all folds together."""
OF_EVALUATION = Key("bca", "bca_interval")
"""Of an evaluation, whose accuracy is told first."""
SHARES = {BCA: SCORE, ACCURACY: OF_ACCURACY}
PROBE = "probe_bca"
"""Of the probe beside a run, in tables of its trials."""
BY_EPOCH = "bca_by_epoch"
"""The scores of a trial's epochs, in what Optuna keeps of one."""
DIFFERENCE = "bca_difference"
