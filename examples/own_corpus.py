"""A corpus of one's own: a table of files, speakers and emotions, and one trial on it.

    python examples/own_corpus.py interviews interviews.csv

The table has a line for every utterance, and columns file, speaker and emotion; a folder that has a folder for every emotion
works as well. docs/corpora.md tells what else is read.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import ser_tui


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="what to call the corpus from now on")
    parser.add_argument("place", type=Path, help="the table, or the folder")
    given = parser.parse_args()
    manifest = ser_tui.add_corpus(given.name, given.place)
    print(f"{given.name}: {len(manifest.utterances)} utterances, {len(manifest.speakers)} speakers, {dict(manifest.emotions)}")
    for problem in manifest.problems:
        print(f"left out: {problem.path}: {problem.reason}")
    study = ser_tui.load_study(
        {"name": given.name, "corpus": given.name, "encoder": "whisper-tiny.en", "method": "probe", "strategy": "random",
         "protocol": {"kind": "speaker", "size": 0.34}, "budget": 1, "search": {"max_seconds": 3, "layers": "last"}}
    )  # fmt: skip
    best = ser_tui.run(study).best
    assert best is not None
    print(f"a probe that never heard these speakers: BCA {best.scores['bca'].value:.3f}, n = {best.utterances}")


if __name__ == "__main__":
    main()
