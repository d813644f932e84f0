"""The process that says how long a search would take: `python -m ser_tui.costs` reads a study document from its standard input, measures
this machine with its encoder where that was not done yet, and writes a line of JSON. It imports what the interface never does."""

from __future__ import annotations

import json
import sys

from ser_tui.costs.forecast import Forecast
from ser_tui.experiment import data as corpus_data
from ser_tui.experiment.trainers import make_trainer
from ser_tui.study.errors import UserError
from ser_tui.study.load import loads


def main() -> None:
    """Answer the document on standard input: {"seconds": of the whole search, or null, "trials": planned, or null}, or {"failed": why}."""
    try:
        study = loads(sys.stdin.buffer.read().decode("utf-8", "surrogateescape"), "the study", [])
        data = corpus_data.load(study)
        forecast = Forecast(study, data, make_trainer(study, data), lambda: False)
        answer: dict[str, object] = {"seconds": forecast.whole(), "trials": forecast.planned}
    except (UserError, MemoryError) as error:
        answer = {"failed": str(error) or "there is not enough memory"}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
