"""EmoDB, leave-one-speaker-out: pooled BCA of probes on the frozen encoder, alone, averaged, and with the speaker's own mean.

    SER_TUI_DATA=../shared/data python benchmarks/loso.py

Each of the ten speakers is tested by a probe that was trained on the other nine; the predictions of all ten are
pooled. Rows marked (transductive) use statistics of the test speaker's own recordings, without labels.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import numpy as np
from probing import Array, by_group, embed, fitted, logits, machine, probabilities
from worker_environment import as_in_a_worker

from ser_tui.corpora.splitting.protocols import folds
from ser_tui.encoders.load import load_encoder
from ser_tui.evaluation import egemaps
from ser_tui.evaluation.statistics import score_interval
from ser_tui.evaluation.zero_shot import centred, class_balanced_mean
from ser_tui.study.formatting import score_with_interval
from ser_tui.study.protocol import SplitProtocol
from ser_tui.training.metrics import balanced_accuracy

PROBES = (
    ("last", "mean", 0.03), ("1", "mean", 0.1), ("2", "mean", 0.1), ("3", "mean", 0.03), ("4", "mean", 0.1),
    ("2+3", "mean", 0.03), ("2+3", "mean+std", 0.03), ("1+2+3", "mean", 0.1), ("2+3+4", "mean", 0.1),
    ("2+3+4", "mean+std", 0.03),
)  # fmt: skip
COPIES: tuple[tuple[str, ...], ...] = ((), ("speed",), ("noise",), ("speed", "noise"))
AVERAGED = (("2+3", "mean", 0.03), ("2+3", "mean+std", 0.03), ("2+3+4", "mean", 0.1), ("2+3+4", "mean+std", 0.03))


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--encoder", default="whisper-tiny.en")
    encoder = load_encoder(options.parse_args().encoder)
    corpus = embed("emodb", encoder)
    names = sorted(set(corpus.emotions))
    truth = [names.index(emotion) for emotion in corpus.emotions]
    labels = np.asarray(truth)
    parts = folds(corpus.manifest, SplitProtocol(kind="loso"))

    def crossed(features: Array, strength: float, after: Callable[[Array, Array], Array]) -> Array:
        """Logits [N, classes] of each utterance by the probe of its fold; `after` sees those of the test and training part.

        `features` [k N, width] may hold copies behind the utterances: a test speaker's are left out of training, and not scored.
        `strength`: C; 0 means support vector machines.
        """
        out = np.zeros((len(truth), len(names)))
        for _, part in parts:
            train, test = [index + shift for shift in range(0, len(features), len(truth)) for index in part.train], list(part.validation)
            known = labels[np.asarray(train) % len(truth)].tolist()
            make = fitted(features[train], known, len(names), strength) if strength else machine(features[train], known, len(names))
            out[test] = after(logits(make, features[test]), class_balanced_mean(logits(make, features[train]), known))
        return out

    def row(title: str, values: Array) -> None:
        predictions = values.argmax(1)
        pooled = balanced_accuracy(truth, predictions, len(names))
        interval = score_interval(truth, predictions.tolist(), len(names), groups=corpus.speakers)
        scores = [balanced_accuracy(labels[list(part.validation)], predictions[list(part.validation)], len(names)) for _, part in parts]
        spread = f"{statistics.fmean(scores):.3f} ± {statistics.stdev(scores):.3f}"
        print(f"| {title} | {score_with_interval(pooled, interval)} | {spread} |", flush=True)

    print("| probe: layers, pooling, C | pooled BCA, 95 % over speakers | mean ± sd of folds |")
    print("|---|---|---|")
    if egemaps.available():
        utterances = corpus.manifest.utterances
        digests = [corpus.manifest.digests[utterance.id] for utterance in utterances]
        functionals = egemaps.functionals([utterance.clip for utterance in utterances], digests)
        strength = egemaps.INVERSE_REGULARIZATION
        row(f"eGeMAPS, {strength:g}", crossed(functionals, strength, lambda test, _: test))
    members: list[Array] = []
    for layers, pooled, strength in PROBES:
        features = corpus.features(layers, pooled, encoder)
        title = f"{layers}, {pooled}, {strength:g}"
        row(title, plain := crossed(features, strength, lambda test, _: test))
        if (layers, pooled, strength) in AVERAGED:
            members.append(probabilities(plain))
    row(f"average of {len(members)}: " + "; ".join(f"{layers} {pooled}" for layers, pooled, _ in AVERAGED), np.mean(members, axis=0))
    members = []
    for augmented in COPIES:
        copied = embed("emodb", encoder, augmented=augmented)
        for layers in ("2", "2+3", "2+3+4"):
            values = crossed(copied.features(layers, "mean", encoder), 0.03, lambda test, _: test)
            row(f"{layers}, mean, 0.03; training copies: {' and '.join(augmented) or 'none'}", values)
            if layers != "2+3+4" and len(augmented) < 2:
                members.append(probabilities(values))
    row(f"average of {len(members)}: 2 and 2+3, without copies, with speed, with noise", np.mean(members, axis=0))
    for layers in ("2", "2+3"):
        row(f"{layers}, mean; support vector machines", crossed(corpus.features(layers, "mean", encoder), 0.0, lambda test, _: test))
    for layers, pooled, strength in (("2+3", "mean", 0.03), ("1+2+3", "mean", 0.1)):
        features = corpus.features(layers, pooled, encoder)
        title = f"{layers}, {pooled}, {strength:g}"
        row(f"{title}, logits centred per speaker (transductive)", crossed(features, strength, centred))
        row(
            f"{title}, features normalised per speaker (transductive)",
            crossed(by_group(features, corpus.speakers), strength, lambda test, _: test),
        )


if __name__ == "__main__":
    as_in_a_worker()
    main()
