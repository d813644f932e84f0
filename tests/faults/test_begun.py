"""What goes on is what was begun: every job refuses another corpus, other parts, another study, and a refusal changes nothing."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from commands import command
from lab import Warm

from ser_tui.client import launch
from ser_tui.corpora import registry
from ser_tui.experiment.resume_checks import refuse_other_strategy
from ser_tui.store.files import read_json
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder, liveness
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.events import Event, RunStarted, TrialFinished
from ser_tui.study.load import loads
from ser_tui.study.log_codec import encode
from ser_tui.study.requests import EvaluationRequest, FoldsRequest, Request
from ser_tui.worker.keeping import FolderKeeper
from ser_tui.worker.session import Session

PROBES = """
name: probes
corpus: {corpus}
protocol: {protocol}
encoder: whisper-tiny.en
method: probe
strategy: random
budget: {budget}
search: {{max_seconds: 1, layers: last, inverse_regularization: {{low: 0.01, high: 10, scale: log}}}}
"""


def table(corpus: str, small: Path, parts: Sequence[str]) -> Path:
    """The small corpus with a column `split` that says in which part each of its speakers is, registered as `corpus`."""
    rows = list(csv.DictReader(small.open()))
    speakers = list(dict.fromkeys(row["speaker"] for row in rows))
    place = small.with_name(f"{corpus}.csv")
    with place.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("file", "speaker", "emotion", "split"))
        writer.writerows((row["file"], row["speaker"], row["emotion"], parts[speakers.index(row["speaker"])]) for row in rows)
    registry.remember(corpus, place)
    return place


def probes(corpus: str, protocol: str = "official", budget: int = 1) -> Study:
    return loads(PROBES.format(corpus=corpus, protocol=protocol, budget=budget))


def said(warm: Warm, folder: RunFolder, request: Request | None = None) -> str:
    """What the log says last after a worker that was refused, the run as it was."""
    before = folder.state()
    assert warm.start(folder, request).wait() == 1
    state = folder.state()
    assert (state.status, state.trials, state.best, state.sessions) == (before.status, before.trials, before.best, before.sessions)
    assert (state.folds, state.evaluations, state.test) == (before.folds, before.evaluations, before.test)
    return state.log[-1][2]


def rewritten(folder: RunFolder, change: Callable[[Event], Event]) -> None:
    """Write the run's log anew, each event as `change` makes it."""
    events = LogReader(folder.log).read_all()
    folder.log.write_bytes(b"".join(encode(change(event)) for event in events))


def as_by_0_1_0(event: Event) -> Event:
    """The same event in a log of before parts had a digest."""
    if not isinstance(event, RunStarted):
        return event
    return replace(event, fingerprints={name: value for name, value in event.fingerprints.items() if name != "split"})


FOLDS = FoldsRequest("loso")
EVALUATE = EvaluationRequest(("small",))


@pytest.fixture(scope="module")
def once(warm: Warm, small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run on the parts that its corpus' table names."""
    table("parted", small_corpus, ("train", "validation", "test"))
    folder = launch.prepare(probes("parted"), tmp_path_factory.mktemp("runs"))
    assert warm.start(folder).wait() == 0, folder.worker_log.read_text()[-2000:]
    return folder


@pytest.fixture
def done(once: RunFolder, small_corpus: Path, tmp_path: Path) -> RunFolder:
    """A copy of that run, and the table as it was."""
    table("parted", small_corpus, ("train", "validation", "test"))
    folder = RunFolder(tmp_path / once.run_id)
    shutil.copytree(once.path, folder.path)
    return folder


@pytest.mark.slow
def test_the_parts_are_kept_and_a_swap_of_speakers_between_them_is_refused(warm: Warm, done: RunFolder, small_corpus: Path) -> None:
    before = done.state()
    assert before.start is not None
    kept = read_json(done.parts)
    assert before.start.fingerprints["split"] == kept["digest"]
    assert {part: len(ids) for part, ids in kept["parts"].items()} == {"train": 9, "validation": 9, "test": 9}
    done.study.write_text(done.study.read_text().replace("trials: 1", "trials: 2"))
    table("parted", small_corpus, ("test", "validation", "train"))
    for job in (None, FOLDS):
        told = said(warm, done, job)
        assert "failed: the parts of corpus parted changed since the run began" in told and "went from train to test" in told
    called = command("resume", done.run_id, "--headless", runs=done.path.parent)
    assert called.returncode == 1 and "resume failed: the parts of corpus parted changed" in called.stdout
    assert warm.start(done, EVALUATE).wait() == 0, "the model itself is what it was"
    state = done.state()
    result = state.evaluations[-1].result
    assert result is not None and set(result.baselines) == {"majority"} and not result.centred
    assert any(text.startswith("no baselines") and "went from train to test" in text for _, _, text in state.log)
    table("parted", small_corpus, ("train", "validation", "test"))
    assert "its test part is scored, which is done once" in said(warm, done), "as it was again, but for what the test part told"


def test_a_part_that_grew_is_refused_before_any_trial_is_made_again(warm: Warm, done: RunFolder, small_corpus: Path) -> None:
    done.study.write_text(done.study.read_text().replace("trials: 1", "trials: 2"))
    table("parted", small_corpus, ("train", "validation", "validation"))
    assert "went from test to validation" in said(warm, done)


def test_a_log_without_a_digest_is_compared_by_what_it_has(warm: Warm, done: RunFolder, small_corpus: Path) -> None:
    rewritten(done, as_by_0_1_0)
    done.parts.unlink()
    table("parted", small_corpus, ("test", "validation", "train"))
    assert "train has other speakers than it had" in said(warm, done)
    table("parted", small_corpus, ("train", "validation", "validation"))
    assert "validation has 18 utterances, not 9" in said(warm, done)
    table("parted", small_corpus, ("train", "validation", "test"))
    assert warm.start(done).wait() == 0


def test_an_edited_study_is_refused_by_every_job(warm: Warm, done: RunFolder) -> None:
    done.study.write_text(done.study.read_text().replace("trim_silence: false", "trim_silence: true"))
    for job in (None, FOLDS, EVALUATE):
        told = said(warm, done, job)
        assert "training.trim_silence" in told and "was edited since the run began" in told


def test_a_search_goes_on_with_the_strategy_that_it_is_named_after(warm: Warm, done: RunFolder) -> None:
    """Other settings of it too: the log would not say what proposed its trials."""
    text = done.study.read_text().replace("trials: 1", "trials: 2")
    assert "strategy:\n  kind: random" in text
    done.study.write_text(text.replace("strategy:\n  kind: random", "strategy:\n  kind: tpe"))
    told = said(warm, done)
    assert "edited since the run began (strategy.kind): its trials are listed as those of random" in told
    start, keeper = done.state().start, FolderKeeper(done)
    assert start is not None

    def begun(**strategy: object) -> RunStarted:
        return replace(start, study={**start.study, "strategy": strategy})

    study = loads("{name: a, corpus: emodb, strategy: {kind: halving, first: 3, factor: 3, waiting: 5}}")
    with pytest.raises(UserError, match=r"\(strategy\.factor\)"):
        refuse_other_strategy(keeper, study, begun(kind="halving", first=3, factor=2, waiting=5))
    for same in (begun(kind="halving", first=3, factor=3, waiting=5), begun(kind="halving", first=3, points=4)):
        refuse_other_strategy(keeper, study, same)


def test_a_newer_line_refuses_every_job_and_the_log_stays_as_it_is(warm: Warm, done: RunFolder) -> None:
    lines = done.log.read_text().splitlines()
    body = lines[-1].replace('{"v":1,', '{"v":2,', 1).rpartition(',"crc"')[0] + "}"
    lines[-1] = f'{body[:-1]},"crc":"{zlib.crc32(body.encode()):08x}"}}'
    for text in ("\n".join(lines) + "\n", "\n".join(lines)):  # also without its newline
        done.log.write_text(text)
        for job in (None, FOLDS, EVALUATE):
            assert warm.start(done, job).wait() == 1
            assert f"line {len(lines)} was written by a newer ser_tui" in launch.last_words(done)
            assert done.log.read_text() == text
    with pytest.raises(UserError, match=r"the worker ended at once: .*newer ser_tui"):
        launch.resume(done)
    assert done.state().finished_trials == 1 and liveness(done) == "dead", "what can be read is shown"


def test_an_event_that_the_state_does_not_take_ends_the_job_with_a_line(done: RunFolder) -> None:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    size = done.log.stat().st_size
    try:
        with Session(done, "search") as session:
            scored = session.state.trials[0]
            score = scored.scores["bca"]
            assert score.interval is not None
            event = TrialFinished(
                trial=2, bca=score.value, interval=score.interval, utterances=8, best_epoch=1, best_epoch_bca=score.value,
                accuracy=score.value, loss=None, seconds=1.0, predictions=tuple(scored.predictions[:-1]),
            )  # fmt: skip
            with pytest.raises(UserError, match="trial 2 has 8 predictions, and the run's validation part 9 utterances"):
                session.emit(event)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert done.log.stat().st_size == size


def test_a_worker_killed_between_the_parts_and_the_start_is_begun_anew(warm: Warm, done: RunFolder) -> None:
    folder = launch.prepare(probes("parted"), done.path.parent)
    folder.parts.write_text(json.dumps({"digest": "of a worker that was killed", "parts": {}}))
    assert warm.start(folder).wait() == 0
    state = folder.state()
    assert state.start is not None and read_json(folder.parts)["digest"] == state.start.fingerprints["split"]
