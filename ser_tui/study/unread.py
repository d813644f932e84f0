"""Settings that a study gives and that nothing in it reads: said when it begins, so that nobody believes that they counted."""

from __future__ import annotations

from ser_tui.study.dimension_values import named, numbers
from ser_tui.study.document import Study
from ser_tui.study.formatting import counted
from ser_tui.study.hyperparameters import CONDITIONAL, TRAINED, counts
from ser_tui.study.protocol import FOLDED, SplitProtocol
from ser_tui.study.searching import Budget
from ser_tui.study.space import constants
from ser_tui.study.training import READ_BY_AUTOSPEECH, READ_BY_PROBES, Training

_SENTENCES = ("sentence", "speaker-sentence", "kfold-sentence", "loso-sentence")
"""Protocols whose test part has a share of the sentences beside the speakers that are named."""


def unread(study: Study) -> tuple[str, ...]:
    """A sentence for each setting that is other than its default and is not read, because of what the study says beside it."""
    return (*_of_protocol(study.protocol), *_of_budget(study.budget), *_of_training(study), *_of_search(study))


def _of_protocol(protocol: SplitProtocol) -> list[str]:
    usual, kind, found = SplitProtocol(), protocol.kind, list[str]()
    if kind not in FOLDED and protocol.objective_folds != usual.objective_folds:
        found.append(f"protocol.objective_folds is not read: protocol {kind} has no folds; {', '.join(FOLDED)} have some")
    if kind in ("kfold", "kfold-sentence") and protocol.objective_folds > protocol.folds:
        found.append(f"protocol.objective_folds: {protocol.objective_folds} are more than the {protocol.folds} folds, which all are scored")
    if kind in FOLDED and protocol.size != usual.size and not (kind == "loso-sentence" and protocol.test_speakers):
        found.append(f"protocol.size is not read: each fold of protocol {kind} validates once")
    if protocol.test_speakers and protocol.test_size and kind not in _SENTENCES:
        found.append("protocol.test_size is not read: test_speakers says who is held out")
    return found


def _of_budget(budget: Budget) -> list[str]:
    """A search that ends before it could be ended otherwise. One that went on counts from where it did."""
    if budget.trials is None or budget.stop_after is None or budget.stop_after_from is not None or budget.stop_after < budget.trials:
        return []
    return [f"budget.stop_after ends nothing: the search has {counted(budget.trials, 'trial')} in all; write less, or more trials"]


def _of_training(study: Study) -> list[str]:
    training, usual = study.training, Training()
    read = {"probe": READ_BY_PROBES, "autospeech": READ_BY_AUTOSPEECH}.get(study.method, tuple(Training.model_fields))
    found = [
        f"training.{name} is not read: it is about fine-tuning, and this study's method is {study.method}"
        for name in Training.model_fields
        if name not in read and getattr(training, name) != getattr(usual, name)
    ]
    if study.method == "finetune" and training.paper_exact and training.precision == "bfloat16":
        found.append("training.precision is not read: training.paper_exact trains in float32")
    return found


def _of_search(study: Study) -> list[str]:
    trained = [str(one) for one in named(study.search.get(TRAINED))]
    found = list[str]()
    for name, value in constants(study.search).items():
        entry = CONDITIONAL.get(name)
        # unfreeze_epoch is in the bounds of every encoder.
        if not trained or entry is None or value == entry.default or name == "unfreeze_epoch" or any(counts(name, one) for one in trained):
            continue
        found.append(f"search.{name} is not read: it is for trained: {' or '.join(entry.counts_with)}, not {' or '.join(trained)}")
    frozen, epochs = (numbers(study.search.get(name)) for name in ("unfreeze_epoch", "epochs"))
    if trained and trained != ["head"] and frozen and epochs and min(frozen) >= max(epochs):
        found.append(
            f"search.unfreeze_epoch: no trial trains the encoder, which is frozen for {counted(min(frozen), 'epoch', 'g')}, and none has "
            f"more than {max(epochs):g}; write less, or trained: head"
        )
    return found
