"""The card of an exported model: what it was trained on, how it was scored, what its scores are worth. Markdown, pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ser_tui.report.figures import searched_for
from ser_tui.report.sections import findings
from ser_tui.study.findings import Finding, doubts, evaluated_on
from ser_tui.study.formatting import counted, of_speakers, parameter, printable, score_with_interval, shared
from ser_tui.study.headline import chose, sample
from ser_tui.study.hyperparameters import read_of
from ser_tui.study.logged_study import TRANSDUCTIVE
from ser_tui.study.score_keys import OF_ACCURACY, OF_EVALUATION, SCORE
from ser_tui.study.scores import BCA

Document = Mapping[str, Any]
_USE = {
    "onnx": """```python
import json, onnxruntime, soundfile

classes = json.load(open("labels.json"))["classes"]
session = onnxruntime.InferenceSession("model.onnx")
samples, rate = soundfile.read("speech.wav", dtype="float32")  # one channel, 16,000 samples a second
(logits,) = session.run(["logits"], {"waveform": samples})
print(classes[logits.argmax()])
```

The front end is in the file: the input `waveform` are float32 samples [n] at 16 kHz, within -1 and 1, of one utterance; the output
`logits` has one number a class, in the order of labels.json. A softmax makes probabilities of them.""",
    "huggingface": """```python
import soundfile, torch
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

extractor, model = AutoFeatureExtractor.from_pretrained("."), AutoModelForAudioClassification.from_pretrained(".")
samples, rate = soundfile.read("speech.wav", dtype="float32")  # one channel, 16,000 samples a second
inputs = extractor(samples[: int(MAX_SECONDS * rate)], sampling_rate=rate, return_tensors="pt")
with torch.no_grad():
    print(model.config.id2label[int(model(**inputs).logits.argmax())])
```

Give one utterance at a time, cut after MAX_SECONDS s.""",
}


@dataclass(frozen=True)
class Made:
    """What was written. `data`: each corpus with its licence; `bound`: what `largest`, the largest difference of
    logits, was compared with, in words; `rounded`: (largest difference of logits, equal labels, recordings) against the model as it was
    trained, where that computes with less than float32."""

    format: str
    name: str
    encoder: str
    encoder_licence: str
    data: tuple[str, ...]
    classes: tuple[str, ...]
    model: str
    recordings: int
    largest: float
    bound: str
    rounded: tuple[float, int, int] | None
    max_seconds: float
    normalize: str
    calibrated: bool | None


def model_card(document: Document | None, made: Made) -> str:
    """The card. `document`: the run's, see `document.run_document`; None where no run is known."""
    return "\n".join(_lines(document, made)) + "\n"


def _lines(document: Document | None, made: Made) -> Iterator[str]:
    yield from (
        "---", "license: other", f"library_name: {'transformers' if made.format == 'huggingface' else 'onnx'}",
        "pipeline_tag: audio-classification", "tags: [speech-emotion-recognition, ser_tui]", "---", "",
        f"# Speech emotion recognition: {_plain(made.name)}", "",
        f"Names one of {len(made.classes)} emotions for an utterance of speech: {', '.join(map(_plain, made.classes))}. Fine-tuned or "
        f"probed from the encoder {_plain(made.encoder)} by ser_tui.", "",
        "## Use", "", _USE[made.format].replace("MAX_SECONDS", f"{made.max_seconds:g}"), "",
    )  # fmt: skip
    if made.calibrated:
        yield from ("Probabilities are calibrated: the logits are divided by a temperature that was fitted on held-out utterances.", "")
    if document is None:
        yield from ("## Scores", "", "The run that it comes from is not known here, and so are its scores.", "")
    else:
        yield from _scores(document)
        yield from _protocol(document)
    yield from ("## Data and licences", "", *(f"- {_plain(line)}" for line in made.data or ("not known",)))
    yield from (
        f"- encoder {_plain(made.encoder)}: {_plain(made.encoder_licence)}", "",
        "The weights come from that encoder and those recordings: both licences bind whoever passes the model on.", "",
    )  # fmt: skip
    yield from _limits(document, made)
    yield from (
        "## Compared with the model in ser_tui", "",
        f"On {counted(made.recordings, 'recording')}: the same labels, logits within {made.largest:.1e} "
        f"({made.bound}), in float32.",
    )  # fmt: skip
    if made.rounded is not None:
        yield (
            f"The run trained and scored it with less than float32: against that, logits differ by {made.rounded[0]:.2g} at most, and "
            f"{made.rounded[1]} of {counted(made.rounded[2], 'label')} {'is' if made.rounded[1] == 1 else 'are'} the same."
        )
    yield from ("", f"Model {made.model}.")


def _scores(document: Document) -> Iterator[str]:
    yield from ("## Scores", "")
    one = document["headline"]
    if not one:
        yield from ("The run has no score yet.", "")
        return
    best, over = document["best"], document["interval_speakers"]
    rows: list[tuple[str, ...]] = []
    if one["kind"] != "validation":
        chosen = chose(one["chosen_on"]) or "nothing was chosen on it"
        rows.append((one["name"], score_with_interval(one["value"], one["interval"]), "-", sample(one["n"], one["speakers"]), chosen))
    told = "the model was chosen on it"
    if document["trials"] > 1:
        first = searched_for(document)[0]
        told = "the best of several trials was chosen on it" if first.name == BCA else f"of several trials the one with the {first.most}"
    if any(found["kind"] == "refitted" for found in document["findings"]):
        told += "; scored before it was trained once more, on this part too"
    name = ", ".join(filter(None, ("validation", document["pooled_over"], TRANSDUCTIVE if one["transductive"] else "")))
    rows.append((
        name, *(score_with_interval(*key.found(best)) for key in (SCORE, OF_ACCURACY)),
        sample(best["utterances"], over), told,
    ))  # fmt: skip
    for target in document["evaluations"]:
        if target["trial"] != best["trial"]:
            continue  # the run went on since, and that was another model's score
        n = sample(target["utterances"], target["interval_speakers"])
        scores = (score_with_interval(*key.found(target)) for key in (OF_EVALUATION, OF_ACCURACY))
        known = [Finding(**one) for one in target["findings"]]
        chosen = "its recordings chose the configuration" if any(one.kind == "chosen_by" for one in known) else "nothing was chosen on it"
        doubt = doubts(known)
        whose = of_speakers(target["speakers"], target["without"])
        among, every = len(target["columns"]), len(document["classes"])
        # The exported model answers with any of its classes.
        asked = f", asked among {among} of its {every} classes alone" if among < every else ""
        on = f"{evaluated_on(target['corpus'], known)}{f' ({whose})' if whose else ''}{asked}"
        rows.append((on, *scores, n, f"{chosen}; {doubt}" if doubt else chosen))
    yield from _table(("part", "BCA [95 % interval]", "accuracy", "n", "what was chosen on it"), rows)


def _protocol(document: Document) -> Iterator[str]:
    yield from ("## Protocol", "")
    parts = ", ".join(f"{counted(count, 'utterance')} {part}" for part, count in document["utterances"].items() if count)
    yield from (
        f"Protocol {_plain(str(document['protocol']))} on {_plain(str(document['corpus']))}: {parts}. Speakers shared between parts: "
        f"{shared(document['shares_speakers'])}. Trials: {document['trials']}, by {_plain(str(document['strategy']))}.", "",
    )  # fmt: skip
    values = read_of(document["best"]["parameters"]) if document["best"] else {}
    yield from _table(("hyperparameter", "value"), [(name, parameter(name, value)) for name, value in values.items()])


def _limits(document: Document | None, made: Made) -> Iterator[str]:
    yield from ("## Limits", "")
    hears = f"It hears the first {made.max_seconds:g} s of an utterance"
    heard = f"{hears}, by the loudest sample of which all are divided." if made.normalize == "peak" else f"{hears}."
    yield f"- {heard}"
    yield "- It answers with one of its emotions whatever it hears: another emotion, another language, noise, silence."
    yield "- It learned from the speakers, rooms and microphones of its data: try it on recordings of your own before you rely on it."
    for line in () if document is None else findings(document):
        yield f"- {_plain(line)}"
    yield ""


def _table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    yield from (_row(headings), _row(("---",) * len(headings)), *(_row(row) for row in rows), "")


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(_plain(cell).replace("|", "\\|") for cell in cells) + " |"


def _plain(text: str) -> str:
    """`text` of a study or a corpus, without what Markdown would read as marks of HTML, links or headings."""
    return printable(text.replace("<", "&lt;").replace("`", "'"))
