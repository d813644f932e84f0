"""A search from Python: ten trials of a Gaussian process on a corpus, told as they come.

python examples/search.py emodb
"""

from __future__ import annotations

import argparse

import ser_tui
from ser_tui.study.events import Event, TrialFailed, TrialFinished


def tell(event: Event) -> None:
    """One line for every trial that is over."""
    if isinstance(event, TrialFinished):
        # Logs of the first version may lack the interval.
        interval = "" if event.interval is None else " [{:.3f}, {:.3f}]".format(*event.interval)
        print(f"trial {event.trial}: BCA {event.bca:.3f}{interval}, n = {event.utterances}")
    elif isinstance(event, TrialFailed):
        print(f"trial {event.trial} failed: {event.reason}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", help="a name of `ser-tui corpora`")
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--method", choices=("finetune", "probe"), default="probe")
    given = parser.parse_args()
    study = ser_tui.load_study(
        {"name": "example", "corpus": given.corpus, "encoder": "whisper-tiny.en", "method": given.method, "strategy": "gp",
         "search": {"max_seconds": 3, "layers": {"choices": ["last", "2", "3"]},
                    "inverse_regularization": {"low": 1e-3, "high": 10, "scale": "log"}}}
        if given.method == "probe"
        else {"name": "example", "corpus": given.corpus, "encoder": "whisper-tiny.en", "strategy": "gp", "search": "recommended"},
        budget=given.trials,
    )  # fmt: skip
    run = ser_tui.run(study, on_event=tell)
    best = run.best
    assert best is not None, "a search that ends without an error has a best trial"
    print(f"best: trial {best.number} with {dict(best.parameters)}; `ser-tui show {run.id}` tells more")


if __name__ == "__main__":
    main()
