"""Studies that come with the package, under their names, from a checkout and from a wheel; what a shell offers at tab."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ser_tui.cli import completing
from ser_tui.client.shipped import find_study, shipped
from ser_tui.store.runs import create
from ser_tui.study.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]


def test_every_study_of_configs_has_a_name_and_a_file_of_that_name_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert set(shipped()) == {path.stem for path in (ROOT / "configs").glob("*.yaml")} and "demo" in shipped()
    assert find_study("demo").read_text() == (ROOT / "configs" / "demo.yaml").read_text()
    Path("demo").mkdir()
    assert find_study("demo").is_file(), "a folder is no study"
    Path("demo").rmdir()
    Path("demo").write_text("name: mine\n")
    assert find_study("demo") == Path("demo")
    assert find_study("studies/demo") == Path("studies/demo"), "a path is never a name"
    with pytest.raises(UsageError, match="`ser-tui run emodb-gp` takes the study of that name"):
        find_study("configs/emodb-gp.yaml")  # as in a checkout, which this folder is not
    with pytest.raises(UsageError, match="did you mean emodb-gp"):
        find_study("emodb-gpp")
    with pytest.raises(UsageError, match="one of demo, emodb-autospeech, emodb-gp"):
        find_study("zzz")


def offered(*words: str) -> list[str]:
    """What bash is offered behind the last of `words`, by the real command."""
    done = subprocess.run(
        [sys.executable, "-m", "ser_tui"], capture_output=True, text=True, check=False,
        env={**os.environ, "_SER_TUI_COMPLETE": "complete_bash", "COMP_CWORD": str(len(words)),
             "COMP_WORDS": " ".join(("ser-tui", *words))},
    )  # fmt: skip
    return done.stdout.split()


def test_a_shell_is_offered_studies_runs_and_corpora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = "20261122-143015-mine-abcd"
    (tmp_path / run_id).mkdir()
    (tmp_path / run_id / "events.jsonl").write_text("")
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path))
    assert {"emodb-gp", "emodb-tpe"} <= set(offered("run", "emodb-"))
    assert offered("show", "2026") == [run_id]
    assert "crema-d" in offered("corpora", "get", "crem")


def test_lists_and_settings_are_completed_part_by_part() -> None:
    assert completing.several_corpora("emodb,rav") == ["emodb,ravdess"]
    assert "emodb,emodb" not in completing.several_corpora("emodb,emod")
    assert completing.settings("strategy=g") == ["strategy=gp", "strategy=grid", "strategy=gp-cost"]
    assert {"encoder=whisper-tiny.en", "encoder=whisper-tiny"} <= set(completing.settings("encoder=whisper-t"))
    assert completing.settings("seed=1") == []
    assert completing.tables("p") == ["paper", "predictions", "parts"] and completing.trackers("ml") == ["mlflow"]
    assert "latex" in completing.formats("") and "loso" in completing.folded("l")


def test_tab_on_a_few_words_waits_for_no_library() -> None:
    asked = "completing.tables(''), completing.formats(''), completing.trackers('')"
    loaded = "{'numpy', 'pydantic', 'filelock'} & set(sys.modules)"
    index = "import ser_tui.store.index; print({'filelock', 'subprocess'} & set(sys.modules) or 'none')"  # a list of runs that are over
    script = f"import sys; {index}; from ser_tui.cli import completing; {asked}; print({loaded} or 'none')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "none\nnone\n"


def test_tab_offers_the_name_of_a_study_that_one_run_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path))
    one, _, _ = (create(tmp_path, name) for name in ("klinik-ft", "twice", "twice"))
    assert completing.runs("kl") == ["klinik-ft"], "as `show` takes it"
    assert completing.runs("tw") == [] and completing.runs("lat") == ["latest"]
    assert one.run_id in completing.runs("20")


@pytest.mark.slow
def test_an_installed_wheel_has_the_studies(tmp_path: Path) -> None:
    def pip(*arguments: str) -> None:
        subprocess.run([sys.executable, "-m", "pip", *arguments, "-q"], check=True, cwd=tmp_path, capture_output=True)

    pip("wheel", str(ROOT), "--no-deps", "--no-build-isolation", "-w", str(tmp_path))
    [wheel] = tmp_path.glob("*.whl")
    pip("install", "--no-deps", "--target", str(tmp_path / "there"), str(wheel))
    told = "from ser_tui.client import shipped; print(shipped.__file__, *shipped.shipped())"
    done = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, check=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "there")},
    )  # fmt: skip
    place, *names = done.stdout.split()
    assert place.startswith(str(tmp_path)) and set(names) == set(shipped())
