"""Predictions with a trained model into a table: a line for every file, a column for every emotion's probability.

python examples/predictions.py latest predictions.csv speech/*.wav
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import ser_tui


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help="a run's id, `latest`, or a folder that holds a model")
    parser.add_argument("table", type=Path, help="where to write")
    parser.add_argument("files", nargs="+", type=Path)
    given = parser.parse_args()
    model = ser_tui.load_model(given.run)
    found = model.predict(given.files)
    with given.table.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(("file", "emotion", *found.classes))
        for file, label, row in zip(given.files, found.labels, found.probabilities, strict=True):
            table.writerow((file, label or "", *(f"{value:.4f}" for value in row)))
    for problem in found.problems.values():
        print(problem)
    print(f"{len(found.labels) - len(found.problems)} of {len(given.files)} files are in {given.table}")


if __name__ == "__main__":
    main()
