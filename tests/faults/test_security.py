"""What a run may touch, and what a stranger's files may make it do: nothing beyond being read."""

from __future__ import annotations

import ast
import json
import os
import pickle
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from commands import command
from lab import ROOT
from small_runs import until_over

from ser_tui.client import launch
from ser_tui.store.index import Index
from ser_tui.store.log import LogWriter
from ser_tui.store.runs import create, folders
from ser_tui.study import events
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.load import dumps

SOURCES = sorted((ROOT / "ser_tui").rglob("*.py"))


# --- nothing is executed


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_loads_a_pickle_or_runs_what_it_reads(path: Path) -> None:
    refused = {
        "eval", "exec", "compile", "__import__", "os.system", "os.popen", "pickle.load", "pickle.loads", "pickle.Unpickler", "joblib.load",
        "dill.load", "marshal.load", "marshal.loads", "shelve.open", "yaml.load", "yaml.unsafe_load", "torch.hub.load", "torch.jit.load",
        "shutil.unpack_archive", "load_hyperpyyaml", "foreign_class", "from_hparams",
    }  # fmt: skip
    for name, call in calls(ast.parse(path.read_text())):
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        assert name not in refused and name.rpartition(".")[2] not in ("from_hparams", "foreign_class", "unsafe_load"), name
        if name == "torch.load":
            assert ast.unparse(keywords["weights_only"]) == "True", f"line {call.lineno}"
        if name in ("np.load", "numpy.load"):
            assert "allow_pickle" not in keywords, f"line {call.lineno}"
        for key in ("trust_remote_code", "shell", "use_auth_token"):
            assert key not in keywords or ast.unparse(keywords[key]) == "False", f"line {call.lineno}: {key}"
        if name.startswith("subprocess.") and call.args:
            assert not isinstance(call.args[0], (ast.JoinedStr, ast.Constant)), f"line {call.lineno}: a shell line"
        if name == "YAML":
            assert ast.unparse(keywords["typ"]) in ("'rt'", "'safe'"), f"line {call.lineno}"


class Bomb:
    """Unpickled, it writes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def hostile_model(folder: Path, marker: Path) -> Path:
    """A model folder of both layouts in which every file that could hold code does."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({
        "model_type": "wav2vec2", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
        "auto_map": {"AutoModel": "modeling_evil.Evil", "AutoConfig": "modeling_evil.Evil"},
    }))  # fmt: skip
    code = f"import os\nos.mkdir({str(marker)!r})\n"
    for name in ("modeling_evil.py", "custom_interface.py", "setup.py", "sitecustomize.py", "__init__.py"):
        (folder / name).write_text(code)
    (folder / "hyperparams.yaml").write_text(f"x: !apply:os.mkdir\n    - {marker}\ny: !!python/object/apply:os.mkdir [{marker}]\n")
    for name in ("pytorch_model.bin", "wav2vec2.ckpt", "model.ckpt"):
        (folder / name).write_bytes(pickle.dumps({"model.x": Bomb(marker)}))
    return folder


@pytest.mark.usefixtures("forked_workers")
@pytest.mark.parametrize("layout", ["huggingface", "speechbrain"])
def test_a_hostile_encoder_is_data(layout: str, small_study: Callable[..., Study], tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    model = hostile_model(tmp_path / "model", marker)
    (model / ("hyperparams.yaml" if layout == "huggingface" else "config.json")).unlink()
    folder = launch.start(small_study(f"encoder={model}"), tmp_path / "runs")
    until_over(folder)
    state = folder.state()
    assert state.status == "failed" and str(model) in state.reason and "\n" not in state.reason
    assert not marker.exists()


@pytest.mark.slow
def test_a_strangers_run_folder_is_data(tmp_path: Path) -> None:
    marker, runs = tmp_path / "executed", tmp_path / "runs"
    folder = create(runs, "x")
    folder.study.write_text(f"name: !!python/object/apply:os.mkdir [{marker}]\nencoder: !apply:os.mkdir [{marker}]\n")
    with LogWriter(folder.log) as log:
        log.append(events.RunStarted(study={"name": "x"}, classes=("a", "b"), utterances={}))
    hostile_model(folder.path / "best", marker)
    (folder.path / "best" / "model.json").write_text(json.dumps({"format": 1, "weights": "pytorch_model.bin"}))
    for verb in (["runs"], ["show", "latest"], ["resume", "latest", "--headless"], ["evaluate", "latest", "--on", "demo"]):
        done = command(*verb, runs=runs)
        assert "Traceback" not in done.stderr
    assert not marker.exists()


HUGE = {"kind": "whisper", "configuration": {"d_model": 2**20, "encoder_layers": 10**9}}


CHANGES: list[dict[str, Any]] = [
    *({"weights": name} for name in ("../outside.safetensors", "/etc/passwd", "..", "model-00.bin", "linked")),
    *({"encoder": {"description": description}} for description in (HUGE, {"kind": "os.system"})),
    {"format": 99}, {"pooling": {"layers": [10**9]}}, {"classes": 7}, {"parameters": 3},
]  # fmt: skip


@pytest.mark.parametrize("changes", CHANGES)
def test_a_model_from_a_stranger_is_read_from_its_own_folder_or_refused_in_one_line(changes: dict[str, Any], tmp_path: Path) -> None:
    from ser_tui.encoders.load import build
    from ser_tui.training import model
    from ser_tui.training.features import Recipe
    from ser_tui.training.head import Head, Pooling

    description = {"kind": "whisper", "configuration": {
        "d_model": 32, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 32, "num_mel_bins": 80,
    }}  # fmt: skip
    encoder = build(description)
    model.save(
        tmp_path / "best", encoder=encoder, encoder_name="x", head=Head(32, 2), pooling=Pooling((2,), False), classes=("a", "b"),
        parameters={"learning_rate": 0.1}, recipe=Recipe(1.0), precision="float32", tuned=True,
    )  # fmt: skip
    assert model.load_model(tmp_path / "best").classes == ("a", "b")
    path = tmp_path / "best" / "model.json"
    table = json.loads(path.read_text())
    shutil.copy(tmp_path / "best" / table["weights"], tmp_path / "outside.safetensors")
    if changes.get("weights") == "linked":
        (tmp_path / "best" / table["weights"]).unlink()
        (tmp_path / "best" / table["weights"]).symlink_to(tmp_path / "outside.safetensors")
        changes = {}
    path.write_text(json.dumps({**table, **{
        key: {**table[key], **value} if isinstance(value, dict) else value for key, value in changes.items()
    }}))  # fmt: skip
    with pytest.raises(UserError) as caught:
        model.load_model(tmp_path / "best").predict_logits([])
    assert "\n" not in str(caught.value)


# --- nothing is written elsewhere, nobody else can read it, nothing is sent


@pytest.mark.slow
def test_a_whole_run_touches_its_own_places_alone_and_no_network(small_study: Callable[..., Study], tmp_path: Path) -> None:
    study, runs, log = tmp_path / "study.yaml", tmp_path / "runs", tmp_path / "guard.log"
    study.write_text(dumps(small_study("budget=1", "search.epochs=1")))
    # Root can take the network away altogether; without it, whatever is tried is at least told by the guard.
    alone = ("unshare", "--net") if os.geteuid() == 0 and shutil.which("unshare") else ()
    done = command(
        "run", str(study), "--headless", runs=runs, prefix=alone,
        PYTHONPATH=os.pathsep.join([str(ROOT / "tests" / "faults" / "guard"), str(ROOT)]), GUARD_LOG=str(log),
        PYTHONDONTWRITEBYTECODE="1", HOME=str(tmp_path / "home"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    own = (str(runs), os.environ["SER_TUI_CACHE"], os.environ["SER_TUI_CONFIG"], "/dev/", str(log))
    told = [line.split("\t", 1) for line in log.read_text().splitlines()]
    assert any(event == "open" and path.startswith(str(runs)) for event, path in told), "the guard was not there"
    elsewhere = {path for event, path in told if event == "open" and not path.startswith((*own, "/proc/"))}
    assert not elsewhere
    assert not [path for event, path in told if event.startswith("socket.")]
    assert not [path for event, path in told if event in ("pickle.find_class", "os.system", "os.symlink", "os.link")]
    [folder] = folders(runs)
    for path in [folder.path, *folder.path.rglob("*"), *(path for path in runs.iterdir() if path.is_file())]:
        assert path.stat().st_mode & 0o077 == 0, f"{path} can be read by others, whose umask is 0"


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "../../etc"], ["show", "/etc"], ["stop", ".."], ["resume", "."], ["delete", "../x", "--yes"], ["export", "a/../b"],
        ["attach", "../x"], ["evaluate", "latest", "--on", "../../etc"], ["corpora", "add", "../evil", "/tmp"],
        ["corpora", "check", "../../etc"],
        ["corpora", "forget", "../x"], ["run", "STUDY", "--detach", "--set", "name=../../evil"],
        ["run", "STUDY", "--detach", "--set", "name=/evil"], ["run", "STUDY", "--detach", "--set", "corpus=../../etc"],
    ],
)  # fmt: skip
def test_names_are_no_paths(arguments: list[str], small_study: Callable[..., Study], tmp_path: Path) -> None:
    study, runs = tmp_path / "study.yaml", tmp_path / "deep" / "runs"
    study.write_text(dumps(small_study("budget=1")))
    folder = create(runs, "x")
    before = sorted(path for path in tmp_path.rglob("*"))
    done = command(*[argument.replace("STUDY", str(study)) for argument in arguments], runs=runs)
    assert done.returncode in (1, 2) and done.stderr.count("\n") == 1, done.stderr
    assert sorted(path for path in tmp_path.rglob("*") if path.name not in (".index.lock", "index.json")) == before
    assert folder.path.is_dir()


def test_the_configuration_is_this_users_alone(small_corpus: Path) -> None:
    assert (Path(os.environ["SER_TUI_CONFIG"]) / "corpora.json").stat().st_mode & 0o077 == 0


def test_folders_that_a_private_one_needs_are_private_too(tmp_path: Path) -> None:
    for emotion in ("joy", "anger"):
        (tmp_path / "set" / emotion).mkdir(parents=True)
        soundfile.write(tmp_path / "set" / emotion / "1.wav", np.sin(np.arange(4000) / 9), 16_000)
    told = command("corpora", "add", "mine", str(tmp_path / "set"), runs=tmp_path, SER_TUI_CONFIG=str(tmp_path / "a" / "b"))
    assert told.returncode == 0, told
    for folder in (tmp_path / "a", tmp_path / "a" / "b"):
        assert folder.stat().st_mode & 0o077 == 0, f"{folder} can be changed by others, whose umask is 0"


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can be another user, by setpriv (util-linux)")
def test_another_user_of_the_machine_can_neither_read_nor_stop_a_run(tmp_path: Path) -> None:
    place = Path(tempfile.mkdtemp(prefix="ser-tui-shared-"))
    try:
        place.chmod(0o755)
        runs = place / "runs"
        runs.mkdir(mode=0o755)  # as the checkout's own runs/ is
        folder = create(runs, "x")
        with LogWriter(folder.log) as log:
            log.append(events.RunStarted(study={"name": "x"}, classes=("a", "b"), utterances={}))
        Index(runs).refresh()
        other = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
        for act in (
            ["ls", str(folder.path)], ["cat", str(folder.log)], ["cat", str(runs / "index.json")],
            ["touch", str(folder.stop_request)], ["touch", str(runs / "index.json")], ["rm", str(runs / ".index.lock")],
        ):  # fmt: skip
            done = subprocess.run([*other, *act], capture_output=True, text=True, check=False)
            assert done.returncode != 0 and "Permission denied" in done.stderr, (act, done)
        assert not folder.stop_request.exists()
    finally:
        shutil.rmtree(place)
