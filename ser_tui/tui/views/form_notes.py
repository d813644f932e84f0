"""What follows from each choice of a study, in one sentence beside it. Pure: facts in, sentences out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ser_tui.strategies import registry as strategies
from ser_tui.study.document import Study
from ser_tui.study.formatting import counted, duration, of_speakers, some_of
from ser_tui.study.run_summary import RunSummary
from ser_tui.tui.data.corpus_facts import CorpusFacts
from ser_tui.tui.data.form import StudyForm, items, number

READING = "reading ..."
NAMED = 40
"""Speakers that are named beside the field for them."""


def corpus_note(facts: Sequence[CorpusFacts]) -> tuple[str, bool]:
    """(sentence, whether it is a problem) about the chosen corpora."""
    if not facts:
        return "choose at least one", True
    for one in facts:
        if one.problem:
            return one.problem, True
    if any(one.utterances is None for one in facts):
        return READING, False
    utterances = sum(one.utterances or 0 for one in facts)
    speakers = sum(len(one.speakers) for one in facts)
    emotions = {emotion for one in facts for emotion in one.emotions or ()}
    minutes = sum(one.minutes for one in facts)
    who = counted(speakers, "speaker") if speakers else "speakers unknown"
    return f"{counted(utterances, 'utterance', ',')}, {who}, {counted(len(emotions), 'emotion')}, {minutes:.1f} min", False


def speakers_note(form: StudyForm) -> str:
    """Whose utterances alone are used, where not everybody's."""
    told = []
    for name in form.corpus:
        if whose := of_speakers(form.speakers.get(name, {}).get("only", ()), form.speakers.get(name, {}).get("without", ())):
            told.append(whose if len(form.corpus) == 1 else f"{name}: {whose}")
    return "; ".join(told) or "everybody"


def _objective(form: StudyForm) -> str:
    some = form.texts.get("protocol.objective_folds", "1").strip()
    if some in ("0", "all"):
        return "trials are scored on all, pooled"
    return "the search uses the first" if some == "1" else f"trials are scored on {some}, pooled"


def protocol_note(form: StudyForm, facts: Sequence[CorpusFacts]) -> tuple[str, bool]:
    """(sentence, whether it is a warning) about the chosen protocol."""
    kind = form.texts["protocol.kind"]
    speakers = [name for one in facts for name in one.speakers]
    if kind in ("random", "stratified"):
        first = "the paper's split. " if kind == "random" else "each class in proportion. "
        return first + "Speakers are shared: the score says nothing about new speakers", bool(speakers) or not facts
    if kind == "official":
        return "the corpus's own parts; refused where it has none", False
    if kind == "loco":
        return f"leave one corpus out: needs several corpora; {_objective(form)}", len(form.corpus) < 2
    if kind == "sentence":
        return "sentences that validate are not trained on; speakers are shared. Refused where sentences are not known", bool(speakers)
    if kind == "kfold-sentence":
        return f"{form.texts['protocol.folds']} folds over sentences: {_objective(form)}; speakers are shared", bool(speakers)
    if facts and all(one.utterances is not None for one in facts) and not speakers:
        return "this corpus names no speakers: choose random or stratified", True
    count = len(speakers)
    if kind == "loso":
        of_each = counted(count, "fold") if count else "so many folds"
        return (f"leave one speaker out, {of_each}: {_objective(form)}, the best configuration is scored on all", False)
    if kind == "loso-sentence":
        folds = number(form.texts["protocol.folds"])
        trained = counted(count * folds, "training") if count and isinstance(folds, int) else "a training for each speaker and fold"
        return f"unknown speakers and unknown sentences at once: {trained}; {_objective(form)}", False
    if kind == "kfold":
        return (f"{form.texts['protocol.folds']} folds over speakers: {_objective(form)}, the best configuration is scored on all", False)
    if kind == "speaker-sentence":
        return "neither the speakers nor the sentences that validate are trained on; what has one of both is left out", False
    named = items(form.texts["protocol.speakers"])
    size = number(form.texts["protocol.size"])
    if named:
        validate = "validates" if len(named) == 1 else "validate"
        return f"{len(named)} of {count or '?'} speakers {validate}; none of them is trained on", False
    if count and isinstance(size, (int, float)):
        some = max(1, round(size * count))
        return f"about {some} of {counted(count, 'speaker')} {'validates' if some == 1 else 'validate'}; none of them is trained on", False
    return "speakers that validate are not trained on", False


def test_note(form: StudyForm, facts: Sequence[CorpusFacts]) -> str:
    """What the test part will be."""
    named = items(form.texts["protocol.test_speakers"])
    if named:
        return f"test part: speakers {', '.join(named)}, untouched until the search has ended"
    size = number(form.texts["protocol.test_size"])
    if not isinstance(size, (int, float)) or not size:
        return "no test part: the best validation score is then also what is reported"
    utterances = sum(one.utterances or 0 for one in facts)
    return f"test part: about {counted(round(size * utterances), 'utterance')}, untouched until the search has ended" if utterances else ""


def _most_trials(study: Study, planned: int | None) -> int | None:
    """How many trials there can be, where strategy or budget says so."""
    return min((limit for limit in (planned, study.budget.trials) if limit is not None), default=None)


def strategy_note(study: Study, planned: int | None) -> str:
    """How many trials there will be and where they come from. `planned`: how many the strategy makes by itself, or None."""
    total = _most_trials(study, planned)
    chosen = strategies.record(study.strategy.kind)
    if chosen.size is not None:
        size = counted(planned, "point") if planned is not None else chosen.help
        return f"{size}; the budget allows {total}" if total is not None and planned is not None and total < planned else size
    most = "up to " if study.budget.stop_after else ""
    count = f"{most}{counted(total, 'trial')}" if total is not None else "trials until the minutes are over"
    if planned is not None and study.budget.trials is not None and planned < study.budget.trials:
        count += f" (the space holds no more than {planned})"
    startup = strategies.startup(study.strategy)
    if not chosen.models or startup is None:
        return f"{count}: {chosen.help}"
    if total is not None and startup >= total:
        random = "at random" if total == 1 else f"all {total} at random"
        return f"{count}: {random}, the model never gets a say; fewer random first"
    first = "the first" if startup == 1 else f"the first {startup}"
    return f"{count}: {first} at random, then the model takes over"


def time_note(study: Study, planned: int | None, past: Sequence[RunSummary]) -> str:
    """How long it will take, from earlier runs with the same corpus, encoder and method on record here."""
    corpus = "+".join(study.corpus)
    alike = [
        summary
        for summary in past
        if (summary.corpus, summary.encoder, summary.method) == (corpus, study.encoder, study.method)
        and summary.trials
        and summary.seconds
        and not summary.imported  # whose seconds are another machine's
    ]
    total = _most_trials(study, planned)
    if total is None:
        return ""
    if not alike:
        return "no similar run yet, so no time estimate; ctrl+l measures one"
    trials = sum(summary.trials for summary in alike)
    seconds = sum(summary.seconds or 0.0 for summary in alike) / trials * total
    if study.budget.minutes is not None:
        seconds = min(seconds, study.budget.minutes * 60)
    runs = "an earlier run" if len(alike) == 1 else f"{len(alike)} earlier runs"
    return f"about {duration(seconds)}, going by {runs}"


def dimension_note(form: StudyForm, name: str) -> str:
    """What is legal but worth a second look in the bounds of `name`."""
    epochs, unfreeze = form.dimensions.get("epochs"), form.dimensions.get("unfreeze_epoch")
    if name != "unfreeze_epoch" or epochs is None or unfreeze is None:
        return ""
    latest, longest = _largest(unfreeze.raw()), _largest(epochs.raw())
    if latest is None or longest is None or latest < longest:
        return ""
    return f"! {latest:g} reaches epochs ({longest:g}): the encoder then stays frozen for the whole trial"


BOUNDS_NOTES = {
    "recommended": "made for this encoder",
    "paper's": "arXiv 2510.07052, made for wav2vec2-base",
    "own": "as typed; left or right takes others",
}


def notes(
    form: StudyForm,
    facts: Sequence[CorpusFacts],
    bounds: str,
    study: Study | None,
    planned: int | None,
    past: Sequence[RunSummary],
    found_by: str = "",
) -> dict[str, tuple[str, bool]]:
    """(sentence, whether it is a warning) by the key of the field that it stands beside. `study`: None while it is not valid;
    `found_by`: what the encoder's recommended bounds were found by."""
    found = {
        "corpus": corpus_note(facts),
        "protocol.kind": protocol_note(form, facts),
        "protocol.test_size": (test_note(form, facts), False),
        # Those of other methods were not found so.
        "bounds": ((found_by if (bounds, form.texts["method"]) == ("recommended", "finetune") else "") or BOUNDS_NOTES[bounds], False),
    }
    speakers = sorted({name for one in facts for name in one.speakers})
    if speakers:
        found["protocol.speakers"] = (f"there are: {some_of(speakers, NAMED, ' ')}", False)
    if study is not None:
        found["strategy.kind"] = (strategy_note(study, planned), False)
        found["budget.trials"] = (time_note(study, planned, past), False)
    return found


def _largest(dimension: Any) -> float | None:
    values = [dimension.get("high"), dimension.get("fixed"), *dimension.get("choices", ())]
    real = [value for value in values if isinstance(value, (int, float))]
    return max(real) if real else None
