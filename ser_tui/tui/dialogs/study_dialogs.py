"""What the new-study screen asks in dialogs: which corpora, which encoder, and whether a file may be replaced."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ser_tui.places import cache_folder, private_folder
from ser_tui.store.files import disk_message, write_atomically
from ser_tui.study.document import Study
from ser_tui.study.load import dumps
from ser_tui.tui.base import AppScreen
from ser_tui.tui.data.background import in_thread
from ser_tui.tui.dialogs.choose import Choosable, ChooseScreen
from ser_tui.tui.dialogs.confirm import ConfirmScreen


async def choose_corpora(screen: AppScreen[Any], chosen: Sequence[str]) -> list[str]:
    """Ask for corpora; empty where nothing was chosen."""
    from ser_tui.tui.data import knowledge

    known = await screen.attempt(knowledge.known_corpora)
    if known is None:
        return []
    choices = [
        Choosable(one.name, one.title if one.usable else f"not here: {one.title}", one.usable)
        for one in sorted(known, key=lambda one: not one.usable)
    ]
    title = "Corpus; space marks several to train on together"
    return await screen.app.push_screen_wait(ChooseScreen(title, choices, chosen=chosen, several=True))


async def choose_encoder(screen: AppScreen[Any], chosen: str) -> str:
    """Ask for an encoder or a model's folder; empty where nothing was chosen."""
    from ser_tui.tui.data import knowledge

    known = await in_thread(knowledge.known_encoders)
    choices = [
        Choosable(one.name, f"{one.detail}; {one.facts}" if one.ready else one.detail, one.ready) for one in known
    ]
    other = "or the folder of a model (Hugging Face or SpeechBrain layout)"
    found = await screen.app.push_screen_wait(ChooseScreen("Encoder", choices, chosen=[chosen], other=other))
    return found[0] if found else ""


async def save_study(screen: AppScreen[Any], study: Study) -> None:
    """Write `study` into configs/, after a question where a file of that name is there."""
    path = Path("configs").absolute() / f"{study.name}.yaml"
    if path.exists():
        question = ConfirmScreen(f"Replace configs/{path.name}?", f"{path} exists; its contents would be lost.")
        if not await screen.app.push_screen_wait(question):
            return
    if await screen.succeeds(lambda: write_study(study, path)):
        screen.ser.tell(f"wrote {path}")


async def copy_study(screen: AppScreen[Any], study: Study) -> None:
    """Copy `study` as YAML to the terminal's clipboard, and write it into the cache folder: few terminals take it over SSH."""

    def write() -> Path:
        path = private_folder(cache_folder()) / "copied-study.yaml"
        try:
            write_atomically(path, dumps(study).encode())
        except OSError as error:
            raise disk_message(error, "copying the study", path, "copy it again") from None
        return path

    path = await screen.attempt(write)
    if path is not None:
        screen.app.copy_to_clipboard(dumps(study))
        screen.ser.tell(f"copied, and written to {path}")


def write_study(study: Study, path: Path) -> None:
    """Write `study` as YAML to `path`. Raises UserError."""
    try:
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, dumps(study).encode(), mode=0o644)
    except OSError as error:
        raise disk_message(error, "saving the study", path, "save it again") from None
