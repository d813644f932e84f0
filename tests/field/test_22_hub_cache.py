"""The outer folder of a model in the hub's cache means its snapshot; a trainer's folder its only checkpoint."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from speech_models import published

from ser_tui.encoders import registry
from ser_tui.encoders.load import load_encoder
from ser_tui.study.errors import UserError


def linked(folder: Path) -> Path:
    """`folder`, the links of its snapshots made again where a copy has left their names as text."""
    for path in folder.glob("snapshots/*/*"):
        if not path.is_symlink():
            target = path.read_text().strip()
            path.parent.chmod(0o755)
            path.unlink()
            path.symlink_to(target)
    return folder


def test_the_fields_folder_is_its_snapshot(field_case: Callable[[str], Path]) -> None:
    folder = linked(field_case("22-hub-cache") / "models--me--w2v-emotion")
    assert registry.status(registry.find(str(folder))).path == folder / "snapshots" / "c1899de2"
    assert load_encoder(str(folder)).layers == 2
    with pytest.raises(UserError, match=r"a hub's cache; give the path of one model in it \(models--me--w2v-emotion\)"):
        registry.find(str(folder.parent))


@pytest.fixture
def cached(tmp_path: Path) -> Path:
    folder = tmp_path / "models--me--mine"
    published(tmp_path / "model")
    (folder / "blobs").mkdir(parents=True)
    (folder / "snapshots" / "abc1").mkdir(parents=True)
    for number, name in enumerate(("config.json", "model.safetensors")):
        shutil.move(tmp_path / "model" / name, folder / "blobs" / f"b{number}")
        (folder / "snapshots" / "abc1" / name).symlink_to(f"../../blobs/b{number}")
    return folder


def test_the_snapshot_that_main_names_is_the_model(cached: Path) -> None:
    (cached / "snapshots" / "abc2").mkdir()
    with pytest.raises(UserError, match=r"2 snapshots and no refs/main; give the path of one"):
        registry.find(str(cached))
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("abc1\n")
    assert load_encoder(str(cached)).dimension == 128
    (cached / "refs" / "main").write_text("abc3")
    with pytest.raises(UserError, match="abc3, which is not there"):
        registry.find(str(cached))


def test_links_that_were_lost_on_the_way_are_named_as_such(cached: Path) -> None:
    for path in (cached / "snapshots" / "abc1").iterdir():
        target = path.readlink()
        path.unlink()
        path.write_text(str(target))
    with pytest.raises(UserError, match=r"only the name of another file .*cp -rL"):
        registry.find(str(cached))
    shutil.copy(cached / "blobs" / "b0", cached / "snapshots" / "abc1" / "config.json")
    assert "only the name of another file" in registry.status(registry.find(str(cached))).detail


def test_so_are_links_to_what_is_not_there(cached: Path) -> None:
    (cached / "blobs" / "b1").unlink()
    assert "model.safetensors is a link to a file that is not there" in registry.status(registry.find(str(cached))).detail
    (cached / "blobs" / "b0").unlink()
    with pytest.raises(UserError, match=r"config\.json is a link to a file that is not there"):
        registry.find(str(cached))


def test_a_trainers_folder_means_its_only_checkpoint(tmp_path: Path) -> None:
    output = tmp_path / "output"
    published(output / "checkpoint-500")
    (output / "trainer_state.json").write_text("{}")
    assert registry.status(registry.find(str(output))).path == output / "checkpoint-500"
    shutil.copytree(output / "checkpoint-500", output / "checkpoint-1000")
    with pytest.raises(UserError, match="holds the checkpoints checkpoint-500, checkpoint-1000; give the path of one"):
        registry.find(str(output))
