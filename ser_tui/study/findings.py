"""What must be known before a score is believed, as data: people are shown a finding's sentence, programs ask for its kind."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from ser_tui.study.errors import UserError
from ser_tui.study.formatting import counted

if TYPE_CHECKING:
    from ser_tui.study.events import EvaluationFinished, EvaluationStarted, FoldsScored, RunStarted

Kind = Literal[
    "speakers",
    "sessions",
    "recordings",
    "sentences",
    "duplicates",
    "likely_duplicates",
    "narrow_band",
    "unheard_ends",
    "unlabelled",
    "one_speaker",
    "lone_speakers",
    "lone_sentences",
    "contradictions",
    "classes",
    "overlapping",
    "protocol",
    "unused",
    "transductive",
    "few_recordings",
    "refitted",
    "imported",
    "synthetic",
    "assumed",
    "unchecked",
    "chosen_by",
    "pretrained",
    "warm",
    "unknown_sex",
    "bounds",
    "told",
]
"""speakers, sessions, recordings (segments of one), sentences, duplicates (byte for byte): the parts, or a target and what was trained
on, share them. likely_duplicates: recordings that sound the same in other bytes. narrow_band: recordings without the upper half of the
spectrum, where what was trained on has it, or the other way round. unheard_ends: of utterances that are longer than the model hears.
unlabelled: utterances without a speaker leave it open whether speakers are shared. one_speaker: all that is trained on.
lone_speakers, lone_sentences: of one emotion only. contradictions: one recording under several emotions. classes: that a part lacks.
overlapping: segments of a recording. protocol: how the split was made. unused: utterances in no part. transductive: what is scored was
used, without its labels. few_recordings: of speakers by whose own statistics features are taken. refitted: what is kept heard more than
what was scored. imported: another program's trials, which no job of ours goes on with. synthetic: nobody spoke it. assumed: nothing says
how the encoder takes waveforms. unchecked: what a target shares with what was trained on could not be told. chosen_by: recordings of a
target chose the configuration. pretrained: the encoder was fine-tuned on the emotions of what is scored before it came here.
warm: the search knew something before its first trial. unknown_sex: utterances of the validation part that are in no group of a worst sex.
bounds: of the search, edited between its trials. told: a sentence alone."""

SHARED: Mapping[str, str] = {
    "sessions": "sessions", "sentences": "sentences", "recordings": "recordings", "duplicates": "recordings"
}  # fmt: skip
"""What parts can share besides speakers, by kind, in few words."""
TOLD_BEFORE: Collection[Kind] = ("narrow_band", "unheard_ends")
"""What an evaluation says before it hears anything."""
NOT_UNSEEN = "not unseen"
WITH_A_WARNING = "with a warning"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing found. `sentence` is whole and for people; nothing is to be read out of it."""

    kind: Kind
    sentence: str
    part: str = ""
    """train, validation or test, as in `events.RunStarted.utterances`; empty: no part, or several."""
    count: int | None = None
    """How many of what the kind names; None where nothing was counted."""
    of: int | None = None
    """How many there are in all; None: not counted."""


def doubts(findings: Iterable[Finding]) -> str:
    """What must be known of a zero-shot score, in few words to stand beside it; empty: nothing."""
    kinds = {finding.kind for finding in findings}
    named = [
        NOT_UNSEEN
        if kinds & {*SHARED, "speakers", "chosen_by", "pretrained"}
        else "perhaps not unseen"
        if kinds & {"unchecked", "likely_duplicates"}
        else "",
        *(kind if kind in kinds else "" for kind in ("transductive", "synthetic")),
    ]
    return ", ".join(filter(None, named)) or (WITH_A_WARNING if kinds else "")


def is_seen(findings: Iterable[Finding]) -> bool:
    """Whether something of a target was trained on, or chose the configuration: its score is no zero-shot score."""
    return NOT_UNSEEN in doubts(findings).split(", ")


def evaluated_on(target: str, findings: Iterable[Finding]) -> str:
    """zero-shot on ravdess; on ravdess, where something of it was trained on or chose the configuration: that is no zero-shot score."""
    return f"{'' if is_seen(findings) else 'zero-shot '}on {target}"


def shared_kinds(findings: Iterable[Finding]) -> tuple[str, ...]:
    """sessions, sentences, recordings: what the parts share besides speakers."""
    kinds = {finding.kind for finding in findings}
    return tuple(dict.fromkeys(name for kind, name in SHARED.items() if kind in kinds))


def shares(findings: Iterable[Finding]) -> str:
    """shares speakers, sentences: what of the utterances that are scored was trained on, in few words; empty: nothing."""
    known = tuple(findings)
    speakers = ("speakers",) if any(finding.kind == "speakers" for finding in known) else ()
    named = ", ".join((*speakers, *shared_kinds(known)))
    return f"shares {named}" if named else ""


FEW = 10
"""Recordings of a speaker below which statistics over them say little."""


def transductive(by_speaker: bool, unscored: int = 0, *, selected: bool = False) -> tuple[Finding, ...]:
    """What must be said of scores by the speakers' own statistics; nothing where they are plain. `unscored`: recordings that are in the
    statistics and not in the score, as their emotions are left out of it. `selected`: whether some are left out of both for that."""
    if not by_speaker:
        return ()
    labels = "without labels"
    labels += f"; {counted(unscored, 'recording')} more than are scored" if unscored else ""
    labels += ", but for recordings of emotions that the study leaves out" if selected else ""
    sentence = (
        f"Transductive: features are taken by each speaker's own mean and deviation, of the speakers that are scored too ({labels}). "
        "The score holds where many recordings of a speaker come together, not for a single one."
    )
    return (Finding(kind="transductive", sentence=sentence),)


def few_recordings(by_speaker: bool, speakers: Sequence[str], part: str = "") -> tuple[Finding, ...]:
    """What must be said where features are taken by the statistics of speakers who have few of the recordings; `speakers`: who speaks
    in each, empty where they are not known."""
    counts = Counter(speakers)
    few, single = sum(count < FEW for count in counts.values()), sum(count == 1 for count in counts.values())
    if not by_speaker or not few:
        return ()
    where = f" in the {part} part" if part else ""
    have, their = ("has", "its") if few == 1 else ("have", "their")
    of = counted(len(counts), "speaker")
    sentence = f"Few recordings: {few} of the {of}{where} {have} fewer than {FEW}, so {their} own statistics say little."
    if single:
        sentence += (
            f" {single} of them {'has' if single == 1 else 'have'} one alone, of which nothing is left once its own mean is taken out: "
            "the model answers it without having heard anything."
        )
    return (Finding(kind="few_recordings", sentence=sentence, part=part, count=few, of=len(counts)),)


def refitted(refit: bool, tested: bool) -> tuple[Finding, ...]:
    """What must be said where the model that is kept is another than the one that was scored."""
    if not refit:
        return ()
    sentence = (
        "Refit: the model that is kept is the best configuration trained once more, on training and validation part; validation scores "
        f"are of the model that heard the training part alone{', the test part and ' if tested else ', '}evaluations of the refitted one."
    )
    return (Finding(kind="refitted", sentence=sentence),)


def synthetic(corpora: Iterable[str]) -> tuple[Finding, ...]:
    """What must be said of scores on `corpora`, all of them spoken by a synthesizer; nothing where there are none."""
    names = ", ".join(corpora)
    if not names:
        return ()
    return (Finding(kind="synthetic", sentence=f"Synthetic speech: a synthesizer spoke {names}. The score says nothing about people."),)


def warm_of_target(runs: Sequence[str]) -> tuple[Finding, ...]:
    """What must be said of a score on a corpus on which the past `runs` were scored that the search began with; nothing without any."""
    if not runs:
        return ()
    sentence = (
        f"Warm start: the search began with the trials of {', '.join(runs)}, whose scores are on this corpus: its configuration was "
        "chosen with it in view, and it is not as unseen as a zero-shot score supposes."
    )
    return (Finding(kind="warm", sentence=sentence, count=len(runs)),)


def pretrained(encoder: str, corpora: Iterable[str]) -> tuple[Finding, ...]:
    """What must be said of scores on `corpora`, on whose emotions `encoder` was fine-tuned before it came here; nothing where there are
    none."""
    names = " and ".join(sorted(corpora))
    if not names:
        return ()
    sentence = (
        f"Encoder: {encoder} was fine-tuned on the emotions of {names} before it came here, on which utterances is not known here: scores "
        "there do not say how well it does on unheard speech."
    )
    return (Finding(kind="pretrained", sentence=sentence),)


def bounds_found(encoder: str, corpora: Iterable[str]) -> tuple[Finding, ...]:
    """What must be said of a search within the bounds that are recommended for `encoder` where they were found on `corpora`, which it is
    scored on; nothing where there are none."""
    names = " and ".join(sorted(corpora))
    if not names:
        return ()
    sentence = (
        f"Recommended bounds: those of {encoder} were found on {names} itself, by scores of its random split: this search begins where "
        "earlier ones on the same recordings ended."
    )
    return (Finding(kind="told", sentence=sentence),)


def assumed(sentence: str) -> tuple[Finding, ...]:
    """What was assumed of the encoder, see `encoders.registry.assumption`; nothing where that is empty."""
    return (Finding(kind="assumed", sentence=sentence),) if sentence else ()


def warm(first_point: bool, prior: Sequence[Mapping[str, Any]], encoder: str = "", corpora: Sequence[str] = ()) -> tuple[Finding, ...]:
    """What must be said of a search that knew something before its first trial: `prior` is `events.RunStarted.prior`; `encoder` and
    `corpora` are the search's own, of which past runs should have the one, and none of the others."""
    trials = sum(len(run["trials"]) for run in prior)
    known = [f"the trials of {', '.join(run['run'] for run in prior)} ({trials} in all)"] if prior else []
    known = (["a first point that is recommended for its encoder"] if first_point else []) + known
    if not known:
        return ()
    others = [
        f"{run['run']} had another encoder, {run['encoder']}" for run in prior if encoder and run.get("encoder", "") not in ("", encoder)
    ]
    same = [f"{run['run']} was on {run['corpus']} too" for run in prior if set(str(run.get("corpus", "")).split("+")) & set(corpora)]
    sentence = f"Warm start: the search began with {' and '.join(known)}. It is not comparable with a search that knew nothing."
    if others or same:
        sentence += f" {'; '.join([*others, *same])}."
    return (Finding(kind="warm", sentence=sentence, count=trials),)


def of_segments(speakers: int, recordings: Sequence[str] | None, part: str = "") -> tuple[Finding, ...]:
    """What must be said where intervals and tests, called over utterances, draw whole `recordings` (of each utterance its own), since some
    are segments of one; nothing where they are over several `speakers`. `part`: of what part of a run's own."""
    count, of = len(set(recordings or ())), len(recordings or ())
    if speakers > 1 or count == of:
        return ()
    scored = f"of the {part} part" if part else "that are scored"
    sentence = (
        f"Segments: the {of} utterances {scored} are of {counted(count, 'recording')}; intervals and tests called over utterances are over "
        "whole recordings."
    )
    return (Finding(kind="told", sentence=sentence, part=part, count=count, of=of),)


def unknown_sex(utterances: int, of: int) -> tuple[Finding, ...]:
    """What must be said of a worst sex's score where the sex is not known of some of the `of` validation utterances."""
    if not utterances:
        return ()
    sentence = (
        f"Sex not known: {utterances} of the {counted(of, 'validation utterance')} {'is' if utterances == 1 else 'are'} in neither group, "
        f"and the worst sex's BCA leaves {'it' if utterances == 1 else 'them'} out."
    )
    return (Finding(kind="unknown_sex", sentence=sentence, part="validation", count=utterances, of=of),)


def rebounded(before: Any, after: Mapping[str, Any], trials: int) -> tuple[Finding, ...]:
    """What must be said of a search that goes on within other bounds, both as `events.RunStarted.study` has them, after `trials` trials;
    nothing where none of them counts."""
    known = before if isinstance(before, Mapping) else {}
    # What only `after` names, and has one value, is a default of a newer version.
    names = [name for name, one in after.items() if _text(known.get(name)) != _text(one) and (name in known or isinstance(one, Mapping))]
    if not trials:
        return ()
    sentence = (
        f"Bounds: {', '.join(names) or 'search'} of the search {'were' if len(names) > 1 else 'was'} edited after "
        f"{counted(trials, 'trial')}. It is not comparable with a search within one space."
    )
    return (Finding(kind="bounds", sentence=sentence, count=trials),)


def _text(value: Any) -> str:
    """One text for a value that was read, whose lists are tuples, and for the same that was not."""
    return json.dumps(value, sort_keys=True, default=str)


def plain(findings: Iterable[Finding]) -> tuple[dict[str, Any], ...]:
    """The findings JSON-safe: as events hold them and summaries list them."""
    return tuple(asdict(finding) for finding in findings)


def said(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The sentence of each."""
    return tuple(finding.sentence for finding in findings)


def findings_of(event: RunStarted | EvaluationStarted | EvaluationFinished | FoldsScored | None) -> tuple[Finding, ...]:
    """What `event` tells; the sentences of a log of before there were findings as findings, mostly of kind told."""
    if event is None:
        return ()
    # Folds were told of after sentences alone were.
    return tuple(map(_finding, event.findings)) or tuple(map(_of_old_sentence, getattr(event, "warnings", ())))


def shares_speakers(start: RunStarted | None) -> bool | None:
    """Whether speakers are heard in training and in another part; None where utterances without a speaker leave that open."""
    if start is None or start.shares_speakers:
        return bool(start)
    kinds = {finding.kind for finding in findings_of(start)}
    if start.findings and "speakers" in kinds:
        return True
    unlabelled = start.unlabelled_speakers
    return None if (("unlabelled" in kinds) if unlabelled is None else unlabelled) else False


def is_imported(start: RunStarted | None) -> bool:
    """Whether a run's trials are another program's."""
    return any(finding.kind == "imported" for finding in findings_of(start))


def refuse_imported(start: RunStarted | None) -> None:
    """Raise UserError for a run of another program's trials: no job of ours knows the conditions under which they were scored."""
    if is_imported(start):
        raise UserError("this run was imported: it is there to be looked at and compared, and no job runs on it; begin a run of your own")


def _finding(data: Mapping[str, Any]) -> Finding:
    kind: Kind = cast("Kind", data["kind"]) if data["kind"] in get_args(Kind) else "told"  # of a newer ser_tui
    return Finding(kind=kind, sentence=data["sentence"], part=data["part"], count=data["count"], of=data["of"])


_OLD: Mapping[str, Kind] = {
    "Speakers are shared": "speakers",
    "Sessions are shared": "sessions",
    "Recordings are shared": "recordings",
    "Sentences are shared": "sentences",
    "Duplicates across parts": "duplicates",
    "Duplicates": "duplicates",
    "Not every utterance has a speaker label": "unlabelled",
}
"""What stood before the colon in logs that held sentences alone, which are written no more: the only place that knows."""


def _of_old_sentence(sentence: str) -> Finding:
    return Finding(kind=_OLD.get(sentence.partition(":")[0], "told"), sentence=sentence)
