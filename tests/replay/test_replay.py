"""ser-tui replay: strategies on recorded trials, out of tables and runs, by the real command in a process of its own."""

from __future__ import annotations

import csv
import errno
import math
import signal
from dataclasses import replace
from multiprocessing import synchronize
from pathlib import Path

import numpy as np
import pytest
from calling import call, document
from small_logs import EMODB, log_of, written

from ser_tui.cli.replaying import replay_strategies
from ser_tui.client import replaying
from ser_tui.replay import searching
from ser_tui.replay.recorded import Recorded, of_run, of_table, space_of, usable
from ser_tui.replay.searches import Request, Search, Wanted, best_so_far, request_json
from ser_tui.replay.surrogates import Surrogate
from ser_tui.replay.table import figures
from ser_tui.report.collecting import tell
from ser_tui.report.exports import trials_sheet
from ser_tui.report.sheets import written as written_sheet
from ser_tui.store.export import to_csv
from ser_tui.store.runs import RunFolder
from ser_tui.study import events
from ser_tui.study.errors import UserError
from ser_tui.study.load import loads
from ser_tui.study.space import Choice, Integer, Real, searched

pytestmark = pytest.mark.usefixtures("forked_replays")

RUNS = Path(__file__).parents[1] / "versions" / "0.1.0" / "runs"


def made_up(learning_rate: float, epochs: int, unfreeze: int) -> float:
    trained = max(0, epochs - unfreeze)
    return max(0.15, 0.96 - 0.2 * (math.log10(learning_rate) + 4.3) ** 2 - 0.03 * (10 - trained))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty made-up trials with the columns of the paper's tables."""
    path = tmp_path_factory.mktemp("trials") / "trials.csv"
    random = np.random.default_rng(0)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["trial_number", "lr", "num_epochs", "unfreeze_epoch", "max_length", "validation_accuracy", "total_time"])
        for number in range(60):
            rate, epochs, unfreeze = 10 ** random.uniform(-6, -3), int(random.integers(1, 11)), int(random.integers(0, 6))
            seconds = int(random.choice([2, 3, 5, 10]))
            writer.writerow([number, rate, epochs, unfreeze, seconds * 16000, made_up(rate, epochs, unfreeze), epochs * seconds])
        writer.writerow([60, 1e-4, 3, 0, 32000, "", 5])
    return path


def test_the_papers_tables_and_exports_are_read(table: Path, tmp_path: Path) -> None:
    trials = of_table(table)
    assert len(trials) == 60, "the line without a score is left out"
    assert set(trials[0].parameters) == {"learning_rate", "epochs", "unfreeze_epoch", "max_seconds"}
    assert trials[0].seconds == float(trials[0].parameters["epochs"]) * float(trials[0].parameters["max_seconds"])
    assert space_of(trials)["max_seconds"] == Choice(choices=(2, 3, 4, 5, 7, 10)), "the paper's space holds them"
    export = tmp_path / "export.csv"
    export.write_text("run,trial,learning_rate,epochs,pooling,bca,seconds\n" + "".join(
        f"x,{n},{10 ** -(3 + n / 10):g},{1 + n % 4},{'mean' if n % 2 else 'mean+std'},0.5,3\n" for n in range(20)
    ))  # fmt: skip
    space = space_of(of_table(export))
    assert space["epochs"] == Integer(low=1, high=4) and isinstance(space["learning_rate"], Real) and space["learning_rate"].scale == "log"
    assert set(searched(space)) == {"learning_rate", "epochs", "pooling"}


def test_what_a_run_does_once_is_not_what_its_first_trial_took(tmp_path: Path) -> None:
    """A probe's first trial computes the features of all: a surrogate would charge them to whatever lies near it."""
    log = log_of(loads(EMODB.replace("strategy: gp", "strategy: random")), [0.5] * 20)
    log[2] = replace(log[2], prepared=59.0)  # type: ignore[call-arg]
    run = written(tmp_path, "a", log)
    (tmp_path / "t.csv").write_text(to_csv(run.run_id, run.state()))
    for source in (run.run_id, str(tmp_path / "t.csv")):
        trials, _ = replaying.recorded(tmp_path, [source])
        assert [trial.seconds for trial in trials] == [1.0, *[60.0] * 19], source


@pytest.mark.parametrize(("names", "assumed"), [
    ("learning_rate,bca", ""), ("lr,validation_accuracy", ""), ("learning_rate,value", "value"),
    ("learning_rate,validation_accuracy", "validation_accuracy"),
])  # fmt: skip
def test_a_column_that_may_be_another_score_is_named(tmp_path: Path, names: str, assumed: str) -> None:
    """A loss between 0 and 1 would be maximised."""
    (tmp_path / "t.csv").write_text(f"{names}\n1e-4,.5\n")
    told = [f"{tmp_path / 't.csv'}: its column {assumed} is taken for BCA, of which more is better; a column called bca is one."]
    assert replaying.remarks(tmp_path, [str(tmp_path / "t.csv")]) == (told if assumed else [])


@pytest.mark.parametrize(("text", "wanted"), [
    ("lr,num_epochs\n1,2\n", "no column of a score"),
    ("bca,words\n.5,x\n", "no column of a hyperparameter"),
    ("lr,bca\n1e-4,93\n", "line 2: bca is 93; a BCA lies between 0 and 1"),
    ("lr,bca\nfast,.9\n", "line 2: lr is 'fast', which is no number"),
    ("epochs,bca\n1.5,.9\n", "line 2: epochs is 1.5, which is no whole number"),
    ("learning_rate,lr,bca\n1e-4,1e-5,.9\n", "several columns of learning_rate; leave one of them"),
    ("lr,bca,bca\n1e-4,.5,.9\n", "several columns of bca"),
    ("bca,größe\n.5,1\n", "not UTF-8 text .byte 6.; save the table as UTF-8, for example: iconv -f WINDOWS-1252"),
])  # fmt: skip
def test_a_table_that_is_none_is_refused_in_one_line(tmp_path: Path, text: str, wanted: str) -> None:
    (tmp_path / "t.csv").write_text(text, encoding="cp1252")
    with pytest.raises(UserError, match=wanted):
        of_table(tmp_path / "t.csv")


def test_a_runs_trials_are_read_and_too_few_are_refused() -> None:
    (folder,) = RUNS.glob("*-old-tune-*")
    trials = of_run(RunFolder(folder))
    assert [sorted(trial.parameters) for trial in trials] == [["epochs", "learning_rate", "unfreeze_epoch"]] * 2
    with pytest.raises(UserError, match="2 of 2 recorded trials lie within the space; a surrogate needs 20 at least"):
        usable(space_of(trials), trials)


@pytest.mark.parametrize(("was", "other", "wanted"), [
    ("corpus: emodb", "corpus: emovo", "differ in corpus (emodb, emovo)"),
    ("corpus: emodb", "corpus: emodb\ntraining: {paper_exact: true}", "differ in training.paper_exact (False, True)"),
    ("corpus: emodb", "corpus: emodb\nprotocol: {size: 0.5}", "differ in protocol.size (0.2, 0.5)"),
    ("corpus: emodb", "corpus: emodb\nlabels: {boredom: neutral}", "differ in labels.boredom (-, neutral)"),
    ("corpus: emodb", "corpus: emodb\nspeakers: {emodb: ['03', '08']}", "differ in speakers.emodb (-, 03, 08)"),
    ("encoder: whisper-tiny.en", "encoder: facebook/wav2vec2-base", "differ in encoder (whisper-tiny.en, facebook/wav2vec2-base)"),
])  # fmt: skip
def test_runs_whose_scores_do_not_compare_are_replayed_apart(tmp_path: Path, was: str, other: str, wanted: str) -> None:
    text = EMODB.replace("strategy: gp", "strategy: random")
    assert was in text
    studies = text, f"{text}seed: 43\n", text.replace(was, other)
    one, two, unlike = (written(tmp_path, "a", log_of(loads(study), [0.5] * 20)).run_id for study in studies)
    assert len(replaying.recorded(tmp_path, [one, two])[0]) == 40
    with pytest.raises(UserError) as refused:
        replaying.recorded(tmp_path, [one, unlike])
    assert wanted in str(refused.value)


def test_runs_on_another_corpus_of_the_same_name_are_replayed_apart(tmp_path: Path) -> None:
    log = log_of(loads(EMODB.replace("strategy: gp", "strategy: random")), [0.5] * 20)
    assert isinstance(log[0], events.RunStarted)
    digests: tuple[dict[str, str], ...] = ({"corpus": "c"}, {}, {"corpus": "d"})
    old, older, new = (written(tmp_path, "a", [replace(log[0], fingerprints=one), *log[1:]]).run_id for one in digests)
    assert len(replaying.recorded(tmp_path, [old, older])[0]) == 40, "a log that has no digests tells of no difference"
    with pytest.raises(UserError, match="the runs had another corpus under one name"):
        replaying.recorded(tmp_path, [old, older, new])


def test_a_table_of_several_tasks_is_refused_as_their_runs_are(tmp_path: Path) -> None:
    """`export --what trials` takes any runs into one table."""
    text = EMODB.replace("strategy: gp", "strategy: random")
    studies = text, text.replace("whisper-tiny.en", "facebook/wav2vec2-base"), f"{text}protocol: speaker\n"
    one, other, apart = (written(tmp_path, "a", log_of(loads(study), [0.5] * 20)) for study in studies)
    for names, wanted in (((one, other), "encoder"), ((one, apart), "protocol")):
        (tmp_path / "t.csv").write_text(written_sheet(trials_sheet([tell(run) for run in names]), "csv"))
        with pytest.raises(UserError, match=f"the trials differ in {wanted} "):
            replaying.recorded(tmp_path, [str(tmp_path / "t.csv")])
    (tmp_path / "t.csv").write_text(to_csv(one.run_id, one.state()))
    assert len(replaying.recorded(tmp_path, [str(tmp_path / "t.csv"), one.run_id])[0]) == 40
    with pytest.raises(UserError, match="the trials differ in encoder "):
        replaying.recorded(tmp_path, [str(tmp_path / "t.csv"), other.run_id])


def test_minutes_of_several_machines_and_trials_without_a_score_are_no_silent_part_of_a_replay(table: Path, tmp_path: Path) -> None:
    log = log_of(loads(EMODB.replace("strategy: gp", "strategy: random")), [0.5] * 20)
    assert isinstance(log[0], events.RunStarted)
    fast, slow = ({"processor": name, "threads": 2} for name in ("fast", "slow"))
    here = written(tmp_path, "a", [replace(log[0], machine=fast), *log[1:]]).run_id
    there = written(tmp_path, "a", [replace(log[0], machine=slow), *log[1:]]).run_id
    resumed = events.RunResumed(machine=slow, time="2026-11-26T11:59:00.000Z")
    moved = written(tmp_path, "a", [replace(log[0], machine=fast), *numbered([resumed, *log[1:]])]).run_id
    alone, _ = replaying.recorded(tmp_path, [here])
    assert {trial.seconds for trial in alone} == {60.0} and not replaying.remarks(tmp_path, [here])
    for sources in ([here, there], [moved], [here, str(table)]):
        trials, space = replaying.recorded(tmp_path, sources)
        assert {trial.seconds for trial in trials} == {None}, sources
        assert "several machines (" in " ".join(replaying.remarks(tmp_path, sources))
        with pytest.raises(UserError, match="or it was on several machines"):
            replaying.request(space, trials, replaying.choices("random"), 5, 10.0, 1)
    assert any("compare with the others is assumed" in remark for remark in replaying.remarks(tmp_path, [here, str(table)]))
    (lacking,) = replaying.remarks(tmp_path, [str(table)])
    assert lacking.startswith(f"{table}: 1 of 61 trials has no score") and "is left out" in lacking
    behind = events.TrialDropped(
        trial=20, folds=2, of=5, bca=0.2, interval=(0.1, 0.3), rival_bca=0.5, utterances=2, interval_speakers=0, rival=1, told=0.2,
        seconds=9.0,
    )  # fmt: skip
    dropped = written(tmp_path, "a", [*log[:-1], replace(behind, seq=log[-1].seq, time=log[-1].time)]).run_id
    assert f"{dropped}: 1 of 20 trials has no score" in replaying.remarks(tmp_path, [dropped])[0]


def numbered(log: list[events.Event]) -> list[events.Event]:
    return [replace(event, seq=seq) for seq, event in enumerate(log, 1)]


@pytest.mark.slow
def test_surrogates_tell_recorded_trials_and_their_error(table: Path) -> None:
    trials = of_table(table)
    nearest, forest = (Surrogate(kind, space_of(trials), trials) for kind in ("nearest", "forest"))
    assert nearest(trials[7].parameters).score == trials[7].score and nearest(trials[7].parameters).seconds == trials[7].seconds
    best = max(trials, key=lambda trial: trial.score)
    assert abs(forest(best.parameters).score - best.score) < 0.15
    spread = float(np.std([trial.score for trial in trials]))
    assert 0 < forest.cross_validated() < spread
    seconds = [Recorded(one.parameters, one.score) if one is best else one for one in trials]
    assert Surrogate("nearest", space_of(trials), seconds)(best.parameters).seconds is None, "not all of them are known"


def test_trials_of_one_point_do_not_tell_the_error_of_unseen_ones() -> None:
    random = np.random.default_rng(5)
    trials = [Recorded({"learning_rate": 10 ** float(random.uniform(-6, -3))}, float(random.uniform())) for _ in range(40)]
    space = space_of(trials)
    once, twice = (Surrogate("nearest", space, some).cross_validated() for some in (trials, [*trials, *trials]))
    assert once > 0.2 and twice == pytest.approx(once), "the same trials, named twice, tell no more"


def test_figures_tell_mean_percentile_share_and_how_soon() -> None:
    searches = [Search(0, "forest", seed, (0.5, 0.85, 0.7, 0.9 + seed / 100), (60.0,) * 4, (0.01,) * 4) for seed in range(11)]
    found = figures(searches, 0.95)
    assert found.best[0] == pytest.approx(0.95) and found.tenth[0] == pytest.approx(0.91) and found.minutes == 4
    assert list(found.reached) == pytest.approx([6 / 11, (30 / 11**3) ** 0.5])
    assert [(mark.share, mark.trials, mark.minutes) for mark in found.marks] == [(1, 2, 2), (1, 4, 4), (pytest.approx(6 / 11), 4, 4)]
    assert best_so_far([0.2, 0.1, 0.4]) == [0.2, 0.2, 0.4]


def test_several_processes_search_and_a_stopped_replay_returns_what_is_done(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path / "cache"))
    trials, space = replaying.recorded(tmp_path, [str(table.parent)])
    request = Request(space, tuple(usable(space, trials)), replaying.choices("random"), (), 5, processes=2)
    heard: list[int] = []
    found = replaying.replay(request, ["nearest"], 4, lambda found, total: heard.append(found.done))
    assert found.whole and sorted(found.searches[0, "nearest"]) == [0, 1, 2, 3] and heard == [0, 1, 2, 3, 4]
    stopper = replaying.Stopper()
    stopper.stop()
    again = replaying.replay(request, ["nearest"], 6, lambda found, total: None, stopper=stopper)
    assert not again.whole and again.done == 4, "what was done before is there"


def test_searches_follow_one_another_where_processes_cannot_lock(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container whose /dev/shm is missing, full or read-only, where the locks of a pool lie."""
    trials, space = replaying.recorded(tmp_path, [str(table.parent)])
    wanted = (Wanted(0, "nearest", (0, 1)),)
    request = Request(space, tuple(usable(space, trials)), replaying.choices("random"), wanted, 5, processes=2)

    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(synchronize.SemLock, "__init__", refused)
    heard = signal.getsignal(signal.SIGINT)
    try:
        found = list(searching.answers(request_json(request)))
    finally:
        signal.signal(signal.SIGINT, heard)
    assert [one["seed"] for one in found if "seed" in one] == [0, 1]


@pytest.mark.slow
def test_the_command_compares_keeps_what_it_did_and_goes_on(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path / "cache"))
    words = ("replay", str(table), "--strategies", "random,tpe:startup=3", "--budget", "5", "--surrogates", "nearest", "--jobs", "1")
    first = document(*words, "--seeds", "2", runs=tmp_path)
    assert [one["strategy"]["kind"] for one in first["strategies"]] == ["random", "tpe"]
    assert first["strategies"][1]["strategy"]["startup"] == 3 and first["trials"] == 60
    assert all(one["searches"] == 2 and len(one["best_so_far"]) == 5 for one in first["strategies"])
    (kept, _) = sorted((tmp_path / "cache" / "replay").iterdir())
    with kept.open("a") as stream:
        stream.write('{"strategy": 0, "cut sho')
    second = call(*words, "--seeds", "3", runs=tmp_path)
    assert "4 searches kept from before" in second.stderr and "tpe startup=3" in second.stdout


def test_a_budget_in_minutes_counts_what_ends_within_it(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path / "cache"))
    words = ("replay", str(table), "--strategies", "random", "--surrogates", "nearest", "--jobs", "1", "--seeds", "3")
    (told,) = document(*words, "--minutes", "2", runs=tmp_path)["strategies"]
    assert 0 < told["minutes"] <= 2, "the trial that would end later does not count"
    assert told["trials"] > 1 and len(told["best_so_far"]) >= told["trials"]
    (whole,) = document(*words, "--minutes", "2", "--budget", "2", runs=tmp_path)["strategies"]
    assert whole["trials"] <= 2 and whole["minutes"] <= told["minutes"], "whichever comes first"
    (first,) = document(*words, "--minutes", "0.01", runs=tmp_path)["strategies"]
    assert first["trials"] == 1, "the first trial always counts: a search has a best"


def test_what_the_first_run_does_not_search_is_as_it_is_there(tmp_path: Path) -> None:
    """Trials of others with other values would be several scores of one point."""
    text = EMODB.replace("strategy: gp", "strategy: random")
    fixed = loads(text.replace("max_seconds: {choices: [2, 3, 4, 5, 7, 10]}", "max_seconds: 5"))
    narrow = written(tmp_path, "narrow", log_of(fixed, [0.5] * 20))
    wide = written(tmp_path, "wide", log_of(loads(text), [0.6] * 30))
    at_five = sum(trial.parameters["max_seconds"] == 5 for trial in wide.state().trials)
    assert 0 < at_five < 30
    assert len(replaying.recorded(tmp_path, [narrow.run_id, wide.run_id])[0]) == 20 + at_five
    trials, space = replaying.recorded(tmp_path, [wide.run_id, narrow.run_id])
    assert len(usable(space, trials)) == 50, "what one fixes is a value of what the other searches"


def test_what_is_named_twice_is_replayed_once(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path / "cache"))
    words = ("--strategies", "grid,random,grid", "--surrogates", "nearest,nearest", "--jobs", "1", "--seeds", "2", "--budget", "3")
    told = document("replay", str(table), str(table.parent), *words, runs=tmp_path)
    assert [(one["strategy"]["kind"], one["searches"]) for one in told["strategies"]] == [("grid", 2), ("random", 2)]
    assert told["trials"] == 60, "a table that its folder names too counts once"
    assert len(replaying.choices("tpe,tpe:startup=3,tpe:startup=3")) == 2
    run = written(tmp_path, "a", log_of(loads(EMODB.replace("strategy: gp", "strategy: random")), [0.5] * 20)).run_id
    assert len(replaying.recorded(tmp_path, [run, "latest", run[:-1]])[0]) == 20


def test_minutes_of_trials_that_tell_none_are_refused(tmp_path: Path) -> None:
    rows = "".join(f"{10 ** -(3 + n / 10):g},{1 + n % 4},0.5,{'' if n == 7 else 60}\n" for n in range(20))
    (tmp_path / "t.csv").write_text(f"learning_rate,epochs,bca,seconds\n{rows}")
    with pytest.raises(UserError, match="not all of the recorded trials say how many seconds they took"):
        replay_strategies(
            [str(tmp_path / "t.csv")], strategies="random", seeds=1, budget=None, surrogates="nearest", reach=0.9, study=None, jobs=1,
            again=False, as_json=False, minutes=5,
        )  # fmt: skip


def test_trials_that_all_are_one_point_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("lr,pooling,bca\n" + "1e-4,mean,.5\n" * 30)
    with pytest.raises(UserError, match="nothing varies in the space"):
        replay_strategies(
            [str(tmp_path / "t.csv")], strategies="random", seeds=1, budget=None, surrogates="nearest", reach=0.9, study=None, jobs=1,
            again=False, as_json=False,
        )  # fmt: skip


@pytest.mark.parametrize("words", [
    ("replay", "t.csv", "--minutes", "nan"), ("replay", "t.csv", "--score", "nan"), ("resume", "latest", "--minutes", "nan"),
    ("resume", "latest", "--minutes", "inf"), ("embed", "whisper-tiny.en", "a.wav", "-o", "a.csv", "--max-seconds", "nan"),
])  # fmt: skip
def test_an_option_that_is_no_number_is_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    """It passes every bound, as it is neither below nor above."""
    result = call(*words, runs=tmp_path, code=2)
    assert "is not a finite number" in result.stderr


@pytest.mark.parametrize(("strategies", "surrogates", "wanted"), [
    ("gpp", "forest", "did you mean gp?"),
    ("tpe:startup=0", "forest", "strategy.startup: it must be greater than or equal to 1, not 0"),
    ("gp", "oracle", "there are forest, nearest"),
    ("gp:points=9", "forest", "gp has no setting points; it has startup, revision"),
])  # fmt: skip
def test_what_cannot_be_replayed_is_said_in_one_line(table: Path, strategies: str, surrogates: str, wanted: str) -> None:
    with pytest.raises(UserError) as error:
        replay_strategies(
            [str(table)], strategies=strategies, seeds=1, budget=1, surrogates=surrogates, reach=0.9, study=None, jobs=1, again=False,
            as_json=False,
        )  # fmt: skip
    assert wanted in str(error.value) and "\n" not in str(error.value)
