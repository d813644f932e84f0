"""The paper's tables beside runs: nothing is pooled, nothing that knew more is let in, and what is missing has its command."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from calling import call
from small_logs import EMODB, log_of, written

from ser_tui.cli.paper import print_paper
from ser_tui.client import papers
from ser_tui.report.paper_tables import searches, transfers, unlike
from ser_tui.store.log import LogReader
from ser_tui.store.runs import folders
from ser_tui.study import events
from ser_tui.study.findings import Finding, plain
from ser_tui.study.load import loads, to_plain
from ser_tui.study.log_codec import decode, encode
from ser_tui.study.reducer import reduce_all
from ser_tui.study.state import RunState
from ser_tui.study.state_codec import from_lines, to_lines
from ser_tui.study.time_to_score import passed

CLASSES = ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")
SCORES = [0.70, 0.85, 0.60, 0.91, 0.90, 0.93, *[0.5] * 9, 0.99]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path))
    written(tmp_path, "older", log_of(loads(EMODB.replace("strategy: gp", "seed: 7\nstrategy: random")), [0.80] * 15))
    log = log_of(loads(EMODB.replace("strategy: gp", "strategy: random")), SCORES)
    assert isinstance(log[0], events.RunStarted)
    log[0] = replace(log[0], classes=CLASSES)
    mapping = {"calm": "boredom", "surprise": ""}
    found = events.EvaluationFinished(
        corpus="ravdess", trial=16, mapping=mapping, masked=False, utterances=300, dropped=10, classes=("a",), columns=("a", "b"),
        confusion=((150, 150),), accuracy=0.5, accuracy_interval=(0.45, 0.55), bca=0.5, bca_interval=(0.45, 0.55), recalls={}, chance=0.5,
        baselines={"untuned": 0.2}, baseline_intervals={"untuned": (0.15, 0.25)},
    )  # fmt: skip
    begun = events.EvaluationStarted(corpus="ravdess", mapping=mapping, utterances=300)
    more = [replace(event, seq=len(log) + place, time="2026-11-26T12:00:00.000Z") for place, event in enumerate((begun, found))]
    written(tmp_path, "newer", [*log, *more])
    written(tmp_path, "short", log_of(loads(EMODB.replace("strategy: gp", "strategy: tpe")), [0.9] * 3))
    warm = loads(EMODB.replace("strategy: gp", "strategy: random") + "warm_start: {first_point: recommended}\n")
    written(tmp_path, "warm", log_of(warm, [0.99] * 15))
    return tmp_path


def test_a_row_is_the_newest_fair_run_of_its_first_trials(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_paper(encoder="", protocol="random", budget=15, replayed=False, as_json=True)
    document = json.loads(capsys.readouterr().out)
    rows = {row["method"]: row for row in document["searches"]}
    ours = rows["random"]["ours"]
    assert "-newer-" in ours["run"] and (ours["value"], ours["trials"], ours["n"]) == (0.93, 15, 2), "the sixteenth trial does not count"
    assert ours["interval"] == [0.0, 1.0] and ours["protocol"].startswith("random split 42, 0.2 validates") and ours["machine"]
    assert [(one["bca"], one["trials"]) for one in ours["passed"]] == [(0.8, 2), (0.9, 4)]
    assert (ours["runs"], ours["mean"]) == (2, pytest.approx(0.865))
    newer, older = (next(one for one in folders(runs) if name in one.run_id).state() for name in ("-newer-", "-older-"))
    assert searches([("c", newer), ("b", newer), ("a", older)], "whisper-tiny.en", "random", 15)[0]["random"].others == (0.8,), (
        "a search that was made again with its seed is no other draw"
    )
    waiting = replace(RunState(), study=newer.study)
    assert searches([("d", waiting)], "whisper-tiny.en", "random", 15)[1] == {"d": "it has not begun"}
    assert rows["gp"]["paper"]["score"] == 0.96 and rows["gp"]["ours"] is None
    assert rows["gp"]["command"] == "ser-tui run emodb-gp --set encoder=whisper-tiny.en"
    assert sorted(document["left_out"].values()) == ["3 of 15 trials", "it had a warm start"]
    ravdess = next(row for row in document["zero_shot"] if row["corpus"] == "ravdess")
    assert (ravdess["paper_tuned"], ravdess["ours"]["tuned"]["value"], ravdess["ours"]["untuned"]["value"]) == (0.44, 0.5, 0.2)
    assert ravdess["ours"]["untuned"]["n"] == 300 and ravdess["ours"]["mapping"] == "the paper's map"


def test_only_the_papers_map_of_labels_is_called_so_and_what_makes_a_score_doubtful_stands_beside_it(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newer = next(folder for folder in folders(runs) if "-newer-" in folder.run_id)
    log = list(LogReader(newer.log).read_all())
    found = log[-1]
    assert isinstance(found, events.EvaluationFinished)
    for change, told in (
        ({}, "the paper's map, all classes"),
        ({"mapping": {**found.mapping, "fear": "anger"}}, "another map, all classes"),
        ({"mapping": {"happiness": "happiness", "sadness": "sadness"}}, "the paper's map, all classes"),
        ({"findings": plain([Finding(kind="chosen_by", sentence="Chosen by this.")])}, "the paper's map, all classes; not unseen"),
        ({"trial": 3}, "the paper's map, all classes; of trial 3, not the best any more"),
    ):
        state = reduce_all([*log[:-1], replace(found, **change)])
        assert transfers([("a", state)], "whisper-tiny.en")["ravdess"].labels == told
    assert transfers([("a", reduce_all(log))], "whisper-tiny.en")["ravdess"].machine == "not known", "not that of the search"
    elsewhere = reduce_all([*log[:-1], replace(found, machine={"processor": "slow", "threads": 2})])
    assert transfers([("a", elsewhere)], "whisper-tiny.en")["ravdess"].machine == "slow, 2 threads"
    again = reduce_all([*log, *(replace(event, seq=event.seq + 2) for event in (log[-2], replace(found, trial=0, accuracy=0.6)))])
    assert transfers([("a", again)], "whisper-tiny.en")["ravdess"].tuned.value == 0.6, "the last one, of the best trial of now"
    sooner = loads(EMODB.replace("strategy: gp", "strategy: random") + "objective: minutes\n")
    assert isinstance(log[0], events.RunStarted)
    other = reduce_all([replace(log[0], study=to_plain(sooner)), *log[1:]])
    assert not transfers([("a", other)], "whisper-tiny.en"), "it was not chosen for its score"
    print_paper(encoder="", protocol="random", budget=15, replayed=False, as_json=False)
    assert "the paper's map, all classes" in capsys.readouterr().out


def test_what_is_missing_is_named_with_its_command(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_paper(encoder="whisper-tiny.en", protocol="random", budget=15, replayed=False, as_json=False)
    said = capsys.readouterr().out
    assert "missing: TPE (tpe): ser-tui run emodb-tpe --set encoder=whisper-tiny.en" in said
    assert "missing: zero-shot on crema-d: ser-tui evaluate " in said and "--on crema-d --preset paper --raw" in said
    assert "random: the newest of 2 runs; their mean is .865" in said and "left out: " in said and ".930 [.000, 1.00], " not in said
    assert "of 15 trials; `ser-tui resume " in said and " --trials 15` goes on with it" in said
    [row] = [line for line in said.splitlines() if line.lstrip().startswith("random search")]
    assert ".930" in row and "2" in row and "4" in row


@pytest.mark.slow
def test_the_grid_is_replayed_on_what_was_recorded(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_paper(encoder="", protocol="random", budget=15, replayed=True, as_json=True)
    [grid] = [row for row in json.loads(capsys.readouterr().out)["searches"] if row["method"] == "grid"]
    assert grid["ours"]["how"] == "replayed" and "recorded trials, whose error on unseen ones is" in grid["ours"]["run"]
    assert grid["ours"]["interval"] is None and grid["ours"]["trials"] > 100 and grid["command"] is None


def test_a_run_on_another_split_or_corpus_stands_in_no_row(tmp_path: Path) -> None:
    other = reduce_all(log_of(loads(EMODB.replace("corpus: emodb", "corpus: emovo")), SCORES))
    apart = reduce_all(log_of(loads(EMODB + "protocol: speaker\n"), SCORES))
    rows, left = searches([("a", other), ("b", apart)], "whisper-tiny.en", "random", 15)
    assert not rows and not left
    assert searches([("b", apart)], "whisper-tiny.en", "speaker", 15)[0]["gp"].score.value == 0.93


def test_a_run_of_other_classes_or_of_some_speakers_is_another_task_than_the_papers(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = EMODB.replace("strategy: gp", "strategy: random")
    written(runs, "four", log_of(loads(random + "labels: {boredom: '', disgust: '', fear: ''}\n"), [0.99] * 15))
    written(runs, "women", log_of(loads(random + "speakers: {emodb: ['08', '09']}\n"), [0.99] * 15))
    found = papers.gathered(runs, "whisper-tiny.en", "random", 15)
    assert "-newer-" in found.rows["random"].run and found.rows["random"].score.value == 0.93
    why = {run.split("-")[2]: left for run, left in found.left.items()}
    assert why["four"] == "its labels make other classes of the corpus's" and why["women"] == "it is of some of the speakers alone"
    assert found.recorded == 34, "nor is the grid replayed on their trials"
    print_paper(encoder="", protocol="random", budget=15, replayed=False, as_json=False)
    assert "it is of some of the speakers alone" in capsys.readouterr().out


def test_a_mean_over_runs_is_of_those_that_scored_the_same_parts(tmp_path: Path) -> None:
    def run(digest: str, held: int = 0, seed: int = 42) -> RunState:
        log = log_of(loads(f"{EMODB}seed: {seed}\n"), SCORES)
        assert isinstance(log[0], events.RunStarted)
        parts = {"train": 2, "validation": 2, "test": held}
        return reduce_all([replace(log[0], fingerprints={"corpus": "c", "split": digest}, utterances=parts), *log[1:]])

    found = searches([("a", run("s")), ("b", run("t", seed=8)), ("c", run("s", seed=7))], "whisper-tiny.en", "random", 15)[0]["gp"]
    assert found.spread is not None and found.spread[0] == 2, "the second has other parts"
    held = searches([("a", run("s", 50))], "whisper-tiny.en", "random", 15)[0]["gp"]
    assert "50 held out for test" in held.protocol and "held out" not in found.protocol


def test_marks_are_passed_as_the_run_itself_tells_it() -> None:
    log = log_of(loads(EMODB), [0.5, 0.91, 0.92, 0.5])
    # The third begins a minute later and ends earlier.
    begun = {2: "2026-11-26T12:00:00.000Z", 3: "2026-11-26T12:01:00.000Z"}

    def moved(event: events.Event) -> events.Event:
        if isinstance(event, events.TrialStarted):
            return replace(event, time=begun.get(event.trial, event.time), pending=(2,) if event.trial == 3 else ())
        return replace(event, seconds=600.0) if isinstance(event, events.TrialFinished) and event.trial == 2 else event

    state = reduce_all(map(moved, log))
    found = searches([("a", state)], "whisper-tiny.en", "random", 4)[0]["gp"]
    assert [(mark, trials) for mark, trials, _ in found.to] == [(one.mark, one.trials) for one in passed(state)] == [(0.8, 3), (0.9, 3)]


def test_a_run_of_members_stands_in_the_row_of_autospeech_alone(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_paper(encoder="whisper-tiny.en", protocol="random", budget=15, replayed=False, as_json=False)
    assert "missing: AutoSpeech 2020 style: ser-tui run emodb-autospeech --set encoder=whisper-tiny.en" in capsys.readouterr().out
    members = EMODB.partition("strategy:")[0] + "method: autospeech\n"
    written(runs, "members", log_of(loads(members), [0.5, 0.83, 0.82]))
    print_paper(encoder="whisper-tiny.en", protocol="random", budget=15, replayed=False, as_json=True)
    document = json.loads(capsys.readouterr().out)
    rows = {row["method"]: row for row in document["searches"]}
    ours = rows["autospeech"]["ours"]
    assert (ours["value"], ours["trials"]) == (0.83, 3) and 0 < ours["alc"] <= 0.83 and rows["autospeech"]["command"] is None
    assert rows["grid"]["ours"] is None and not any("members" in run for run in document["left_out"])
    assert papers.gathered(runs, "whisper-tiny.en", "random", 15).best_run != ours["run"], "its encoder was not tuned"
    print_paper(encoder="whisper-tiny.en", protocol="random", budget=15, replayed=False, as_json=False)
    [row] = [line for line in capsys.readouterr().out.splitlines() if line.lstrip().startswith("AutoSpeech")]
    assert ".850" in row and ".830" in row and "-members-" in row


def test_minutes_are_of_one_machine(tmp_path: Path) -> None:
    log = log_of(loads(EMODB), SCORES)
    assert isinstance(log[0], events.RunStarted)
    fast, slow = ({"processor": name, "threads": 2} for name in ("fast", "slow"))
    start = replace(log[0], machine=fast)

    def run(*machines: Mapping[str, object]) -> RunState:
        """The first two trials are the first machine's, and so on; the last one makes all the others."""
        told: list[events.Event] = []
        for event in log[1:]:
            if isinstance(event, events.TrialStarted) and event.trial % 2 and machines[event.trial // 2 : event.trial // 2 + 1]:
                told += [events.RunResumed(machine=machines[event.trial // 2])] if event.trial > 1 else []
            told.append(event)
        stamped = (replace(one, seq=seq, time=f"2026-11-26T12:{seq:02d}:00.000Z") for seq, one in enumerate([start, *told]))
        return reduce_all(decode(encode(one)) for one in stamped)

    again = searches([("a", run(fast, fast))], "whisper-tiny.en", "random", 15)[0]["gp"]
    assert again.machine == "fast, 2 threads" and again.minutes and again.alc
    moved = searches([("a", run(fast, slow))], "whisper-tiny.en", "random", 15)[0]["gp"]
    assert moved.machine == "several (fast, 2 threads; slow, 2 threads): minutes are not added up"
    assert moved.minutes is None and moved.alc is None and moved.score == again.score
    assert [(mark, trials, minutes is None) for mark, trials, minutes in moved.to] == [(0.8, 2, False), (0.9, 4, True)]
    assert list(from_lines(to_lines(run(fast, slow))).sessions) == list(run(fast, slow).sessions), "a snapshot has them too"
    cluster = replace(start, study={**start.study, "executor": {"kind": "dask", "cluster": "slurm"}}, machine={**fast, "workers": 8})
    of_cluster = searches([("a", reduce_all([cluster, *log[1:]]))], "whisper-tiny.en", "random", 15)[0]["gp"]
    assert of_cluster.machine == "a Dask cluster, 8 workers", "not the machine that its search began on"


def test_a_search_within_other_bounds_than_the_papers_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    narrow = EMODB.replace("{low: 1e-6, high: 1e-3, scale: log}", "{low: 2e-5, high: 8e-5, scale: log}")
    rows, _ = searches([("gp", reduce_all(log_of(loads(narrow), SCORES)))], "whisper-tiny.en", "random", 15)
    (line,) = papers.unlike_paper(rows)
    assert line == "not the paper's search: search.learning_rate is 2.0e-5 to 8.0e-5 log for gp, and 1.0e-6 to 1.0e-3 log there"
    rows, _ = searches([("gp", reduce_all(log_of(loads(EMODB), SCORES)))], "whisper-tiny.en", "random", 15)
    assert not papers.unlike_paper(rows)


def test_a_protocol_that_there_is_not_is_refused(tmp_path: Path) -> None:
    done = call("paper", "--protocol", "randon", runs=tmp_path, code=2)
    assert "protocol 'randon' is not one of random, " in done.stderr


def test_runs_of_another_study_are_neither_averaged_nor_shown_in_silence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tpe, gp = EMODB.replace("strategy: gp", "strategy: tpe"), EMODB
    narrow = gp.replace("epochs: {low: 1, high: 10}", "epochs: {low: 8, high: 10}")
    logs = {"tpe": log_of(loads(tpe), SCORES), "old": log_of(loads(gp), [0.6] * 15), "narrow": log_of(loads(narrow), SCORES)}
    states = {name: reduce_all(log) for name, log in logs.items()}
    rows, _ = searches([(name, states[name]) for name in ("narrow", "old", "tpe")], "whisper-tiny.en", "random", 15)
    assert rows["gp"].run == "narrow" and rows["gp"].spread is None, "another space is another task"
    assert unlike(rows) == ["not one study: search.epochs is 8 to 10 int for gp; 1 to 10 int for tpe"]
    rows, _ = searches([(name, states[name]) for name in ("old", "tpe")], "whisper-tiny.en", "random", 15)
    assert not unlike(rows)


def test_the_grid_is_replayed_on_trials_of_one_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path))
    random = EMODB.replace("strategy: gp", "strategy: random")
    written(tmp_path, "another", log_of(loads(random + "training: {augment: [noise]}\n"), [0.3] * 30))
    written(tmp_path, "newest", log_of(loads(random), [0.5] * 15))
    assert papers.gathered(tmp_path, "", "random", 15).recorded in (15, 30), "45 would be of two tasks"
