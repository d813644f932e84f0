"""What jobs import sooner or later: a process that is forked off one that has it all begins at once."""

from __future__ import annotations

import gc


def import_all() -> None:
    import scipy.signal  # of rooms
    import scipy.stats  # noqa: F401  of designs
    from hyperopt import base, hp, tpe  # noqa: F401

    from ser_tui.costs import forecast  # noqa: F401
    from ser_tui.encoders import huggingface, offline, whisper  # noqa: F401
    from ser_tui.execution import choosing  # noqa: F401
    from ser_tui.experiment import evaluate, folds, nested, search, seeds  # noqa: F401
    from ser_tui.training import finetune, model, probe, torch_settings  # noqa: F401
    from ser_tui.worker import __main__  # noqa: F401

    gc.freeze()
