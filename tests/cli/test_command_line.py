"""The command line as scripts and people use it: in processes of its own, by exit code and standard output."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from calling import COMMAND, call, document
from small_runs import until

from ser_tui.corpora import registry
from ser_tui.report.document import BESIDE
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder, folders
from ser_tui.study import events
from ser_tui.study.document import Study
from ser_tui.study.load import dumps

pytestmark = pytest.mark.usefixtures("forked_workers")

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture(scope="module")
def runs(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished runs of the small study, made by the command line."""
    from small_runs import STUDY

    folder = tmp_path_factory.mktemp("cli")
    study = folder / "small.yaml"
    study.write_text(STUDY)
    made = folder / "runs"
    first = document("run", str(study), "--headless", "--set", "budget=2", runs=made)
    assert (first["state"], first["trials"], len(first["trial_list"])) == ("done", 2, 2)
    call("run", str(study), "--headless", "--set", "strategy=random", "--set", "budget=1", "--set", "name=other", runs=made)
    return made


def test_a_single_trial_is_shown_with_what_was_searched(runs: Path) -> None:
    text = call("show", "latest", runs=runs).stdout
    assert " LR " in text and " EP " in text, text


def test_a_misspelt_target_corpus_leaves_no_trace_in_the_run(runs: Path) -> None:
    before = folders(runs)[0].state().seq
    refused = call("evaluate", "latest", "--on", "smal", runs=runs, code=1).stderr
    assert "did you mean small?" in refused and refused.count("\n") == 1
    assert folders(runs)[0].state().seq == before


def test_json_is_one_document_and_nothing_else(runs: Path) -> None:
    listed = document("runs", runs=runs)
    assert [(run["name"], run["state"], run["trials"]) for run in listed] == [("other", "done", 1), ("small", "done", 2)]
    shown = document("show", listed[1]["run_id"], runs=runs)
    beside = set(shown) - set(listed[1]) - {"study"}
    assert beside <= set(BESIDE) <= set(shown), "the reference says what each is"
    assert shown["best"]["bca"] == max(trial["bca"] for trial in shown["trial_list"])
    assert {"versions", "threads", "processor"} <= set(shown["machine"])
    assert set(shown["best"]["parameters"]) == set(shown["study"]["search"])
    probe = shown["probe"]
    assert probe["difference"] == shown["best"]["bca"] - probe["bca"] and probe["p"] == shown["best"]["probe_p"]
    assert probe["utterances"] == 9 and 0 < probe["p"] <= 1
    compared = document("compare", listed[1]["run_id"], "latest", runs=runs)
    assert compared["differing_settings"]["strategy.kind"] == ["tpe", "random"]
    assert compared["differences_to_first"][1]["utterances"] == 9


def test_people_see_what_ran_and_how_it_ended(runs: Path) -> None:
    text = call("runs", runs=runs).stdout
    assert "small" in text and "2/2" in text and "95% CI" in text
    text = call("show", "latest", runs=runs).stdout
    assert "protocol speaker" in text and "(95 %) on the validation part, n = 9" in text
    assert "probe on the frozen encoder, the best of 12 (layers " in text
    identifiers = [folder.run_id for folder in folders(runs)]
    text = call("compare", *identifiers, runs=runs).stdout
    assert "strategy.kind" in text and "best BCA" in text and "shared utterances" in text
    assert "probe BCA" in text and "best minus probe" in text and "about this 1 speaker alone" in text


def test_predictions_say_what_their_model_scored(runs: Path) -> None:
    """As the app does beside the emotions of a recording: whoever sees the confidence alone takes it for how often it is right."""
    sound = str(registry.load_manifest("small").utterances[0].path)
    [_, run] = document("runs", runs=runs)
    done = call("predict", run["run_id"], sound, "--json", runs=runs)
    found = json.loads(done.stdout)
    assert found["headline"] == run["headline"] and found["trial"] == run["best"]["trial"] and len(found["answers"]) == 1
    assert f"the model is trial {found['trial']}: BCA ." in done.stderr and "the best of several trials there" in done.stderr


def test_a_headless_run_says_what_it_does_as_it_does_it(runs: Path, small_study: Callable[..., Study], tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(dumps(small_study("budget=1", "protocol=random", "search.lora_rank=16")))
    lines = call("run", str(study), "--headless", runs=tmp_path / "runs").stdout
    for wanted in (
        "1 trial, about ",
        "speakers",
        "trial 1/1 started (startup): learning_rate",
        "epoch 1/",
        "trial 1 finished: BCA",
        "run done: 1 trial is done",
        "warning: search.lora_rank is not read: it is for trained: lora, not full",
    ):
        assert wanted in lines, lines


@pytest.mark.slow
def test_ctrl_c_stops_the_run_and_resume_finishes_it(small_study: Callable[..., Study], tmp_path: Path) -> None:
    study, runs = tmp_path / "study.yaml", tmp_path / "runs"
    study.write_text(dumps(small_study("budget=2", "search.epochs=4")))
    process = subprocess.Popen(
        [*COMMAND, "run", str(study), "--headless"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "SER_TUI_RUNS": str(runs)},
    )  # fmt: skip
    until(lambda: bool(folders(runs)) and _has(folders(runs)[0], events.EpochFinished))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "stopping; what is finished is kept" in out
    [folder] = folders(runs)
    assert folder.state().status == "stopped"
    resumed = document("resume", "latest", "--trials", "3", runs=runs)
    assert (resumed["state"], resumed["trials"], resumed["planned_trials"]) == ("done", 3, 3)
    assert "in all, so more than 3" in call("resume", "latest", "--trials", "3", runs=runs, code=2).stderr


@pytest.mark.slow
def test_a_detached_run_is_stopped_from_another_command(small_study: Callable[..., Study], tmp_path: Path) -> None:
    study, runs = tmp_path / "study.yaml", tmp_path / "runs"
    study.write_text(dumps(small_study("budget=9", "search.epochs=9")))
    run_id = call("run", str(study), "--detach", runs=runs).stdout.strip()
    assert document("runs", runs=runs)[0]["state"] in ("starting", "live")
    refused = call("delete", run_id, "--yes", runs=runs, code=1)
    assert "stop it first" in refused.stderr
    assert "has stopped" in call("stop", run_id, runs=runs).stdout
    call("delete", run_id, "--yes", runs=runs)
    assert folders(runs) == []


@pytest.mark.parametrize(
    ("arguments", "code", "wanted"),
    [
        (["run", "missing.yaml"], 2, "missing.yaml"),
        (["run", "CONFIGS/demo.yaml", "--set", "stratgy=gp"], 2, "did you mean strategy?"),
        (["run", "CONFIGS/demo.yaml", "--set", "budget.trials=many"], 2, "--set budget.trials=many: budget.trials: 'many' is not"),
        (["run", "CONFIGS/demo.yaml", "--set", "encoder=whisper-tny"], 1, "whisper-tiny"),
        (["run", "CONFIGS/demo.yaml", "--set", "corpus=emodbb"], 1, "emodb"),
        (["run", "CONFIGS/emodb-gp.yaml"], 1, "corpora"),
        (["run", "CONFIGS/demo.yaml", "--headless", "--detach"], 2, "choose one"),
        (["show", "nothing"], 2, "no run"),
        (["compare", "nothing", "else"], 2, "no run"),
        (["replay", "missing.csv"], 1, "missing.csv cannot be read: No such file or directory; name a CSV table"),
        (["frobnicate"], 2, "No such command"),
        ([], 2, "needs a terminal"),
        (["corpora", "add", "emodb", "/does/not/exist"], 1, "/does/not/exist"),
        (["corpora", "check", "emodb"], 1, "corpora add emodb"),
        (["corpora", "get", "emovo"], 1, "voice.fub.it"),
        (["corpora", "get", "iemocap-all", "--accept-licence"], 1, "corpora add iemocap FOLDER"),
        (["encoders", "get", "nothing-like-it"], 1, "encoder"),
        (["corpora", "forget", "emodbb"], 2, "emodbb: no such corpus; did you mean emodb?"),
    ],
)
def test_wrong_use_is_one_line_and_an_exit_code(arguments: Sequence[str], code: int, wanted: str, tmp_path: Path) -> None:
    filled = [argument.replace("CONFIGS", str(CONFIGS)) for argument in arguments]
    done = call(*filled, runs=tmp_path / "runs", code=code)
    assert wanted in done.stderr
    assert done.stdout == ""
    if "No such command" not in wanted:
        assert done.stderr.count("\n") == 1
    assert not folders(tmp_path / "runs"), "nothing was started"


def test_a_folder_of_ones_own_becomes_a_corpus(small_corpus: Path, tmp_path: Path) -> None:
    listed = document("corpora", "list", runs=tmp_path)
    assert {"emodb", "demo", "ravdess", "crema-d", "small"} <= {corpus["name"] for corpus in listed}
    checked = document("corpora", "check", "small", runs=tmp_path)
    assert checked["utterances"] == 27 and len(checked["speakers"]) == 3 and len(checked["emotions"]) == 3
    text = call("corpora", "check", "small", runs=tmp_path).stdout
    assert "27 utterances" in text


@pytest.mark.parametrize(
    ("corpus", "wanted"),
    [
        ("crema-d", ("ODbL", "606 MB from media.githubusercontent.com or gitlab.com")),
        ("ravdess", ("CC BY-NC-SA 4.0", "208 MB from zenodo.org")),
        ("tess", ("CC BY-NC-ND 4.0", "a size that is not published from bj.bcebos.com", "10.5683/SP2/E8H2MF")),
    ],
)
def test_size_licence_and_server_are_said_before_anything_is_fetched(corpus: str, wanted: Sequence[str], tmp_path: Path) -> None:
    done = call("corpora", "get", corpus, runs=tmp_path, code=2)
    assert all(words in done.stdout for words in wanted), done.stdout
    assert "--accept-licence" in done.stderr


def test_a_folder_that_is_no_encoder_is_listed_as_refused_and_the_exit_code_says_so(tmp_path: Path) -> None:
    assert "refused" in call("encoders", "list", str(tmp_path), runs=tmp_path, code=1).stdout
    [first, *others] = document("encoders", "list", str(tmp_path), runs=tmp_path, code=1)
    assert first["name"] == str(tmp_path) and not first["ready"]
    assert document("encoders", "list", runs=tmp_path) == others, "encoders that could be fetched are no failure"


def test_the_doctor_names_versions_and_what_is_there(tmp_path: Path) -> None:
    found = document("doctor", runs=tmp_path)
    assert found["missing"] == []
    assert {"torch", "speechbrain", "scikit-optimize", "hyperopt", "textual", "tinydb"} <= set(found["versions"])
    measured = found["precision"]
    assert measured["auto"] == ("bfloat16" if measured["bfloat16_gain"] >= 1.15 else "float32")
    assert found["threads"] >= 1 and found["encoders"]["whisper-tiny.en"] == "ready"


def test_the_light_verbs_import_nothing_that_trains(runs: Path) -> None:
    heavy = "('torch', 'torchaudio', 'speechbrain', 'transformers', 'skopt', 'hyperopt', 'sklearn', 'scipy')"
    script = (
        "import sys\n"
        "from ser_tui.cli.app import app\n"
        "for verb in (['runs'], ['show', 'latest'], ['corpora', 'list'], ['encoders', 'list'], ['cache', 'show']):\n"
        "    app(verb, standalone_mode=False)\n"
        f"print([name for name in {heavy} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={**os.environ, "SER_TUI_RUNS": str(runs)}
    )
    assert done.stdout.strip().endswith("[]"), done.stdout[-500:]


def _has(folder: RunFolder, kind: type[events.Event]) -> bool:
    return any(isinstance(event, kind) for event in LogReader(folder.log).read_all())


def test_a_reader_that_has_read_enough_is_no_failure() -> None:
    """`ser-tui settings | head`, in a script that heeds exit codes."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run([*COMMAND, "settings"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
