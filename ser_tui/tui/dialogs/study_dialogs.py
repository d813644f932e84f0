"""What the new-study screen asks in dialogs: which corpora, which encoder, and whether a file may be replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

from ser_tui.places import cache_folder, private_folder
from ser_tui.store.drafts import KeptDraft, forget_draft, kept_drafts
from ser_tui.store.files import disk_errors, write_atomically
from ser_tui.study.document import Study
from ser_tui.study.formatting import counted
from ser_tui.study.load import dumps
from ser_tui.tui.base import AppScreen
from ser_tui.tui.data.background import in_thread
from ser_tui.tui.data.corpus_facts import CorpusFacts
from ser_tui.tui.dialogs.choose import Choosable, ChooseScreen, choose_one
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
    return await screen.app.push_screen_wait(ChooseScreen(title, choices, chosen=chosen, several=True, alone=True))


async def choose_speakers(
    screen: AppScreen[Any], corpora: Sequence[CorpusFacts], chosen: Mapping[str, Mapping[str, Sequence[str]]]
) -> dict[str, dict[str, list[str]]] | None:
    """Ask whose utterances of `corpora` are used; None where it stays as it is. What is given and chosen: corpus -> only, or
    without, and the speakers; everybody of corpora that are not in it."""
    lines: dict[str, tuple[str, str]] = {}
    marked: list[str] = []
    choices: list[Choosable] = []
    for corpus in corpora:
        used = corpus.chosen(**chosen.get(corpus.name, {}))
        for speaker, voice in corpus.voices.items():
            line = speaker if len(corpora) == 1 else f"{corpus.name}: {speaker}"
            lines[line] = (corpus.name, speaker)
            held = counted(sum(voice.emotions.values()), "utterance", ",")
            note = f"{held}, {counted(len(voice.emotions), 'emotion')}, {voice.minutes:.1f} min"
            choices.append(Choosable(line, note))
            marked += [line] if used.problem or speaker in used.voices else []
    if not choices:
        screen.ser.tell("these corpora name no speakers, so none can be chosen or left out", problem=True)
        return None
    title = "Whose utterances are used; space leaves a speaker out, or takes one in again"
    found = await screen.app.push_screen_wait(ChooseScreen(title, choices, chosen=marked, several=True))
    if not found:
        return None
    kept = [lines[line] for line in found]
    made = {}
    for corpus in corpora:
        if not corpus.voices:
            continue
        only = [speaker for speaker in corpus.voices if (corpus.name, speaker) in kept]
        without = [speaker for speaker in corpus.voices if speaker not in only]
        if not only:
            screen.ser.tell(f"{corpus.name}: keep one speaker at least, or take the corpus out of the study", problem=True)
            return None
        if without:
            made[corpus.name] = {"without": without} if len(without) < len(only) else {"only": only}
    return made


async def choose_encoder(screen: AppScreen[Any], chosen: str) -> str:
    """Ask for an encoder or a model's folder; empty where nothing was chosen."""
    from ser_tui.tui.data import knowledge

    known = await in_thread(knowledge.known_encoders)
    choices = [Choosable(one.name, f"{one.detail}; {one.facts}" if one.ready else one.detail, one.ready) for one in known]
    other = "or the folder of a model (Hugging Face or SpeechBrain layout)"
    return await choose_one(screen, "Encoder", choices, now=chosen, other=other)


_NEW, _FORGET = "a new study", "forget drafts"


async def choose_draft(screen: AppScreen[Any]) -> KeptDraft | Literal[False] | None:
    """Ask which draft is to be gone on with, the one that was left last first; False: none, a new study; None: neither."""
    kept = await in_thread(kept_drafts)
    if not kept:
        return False
    named = {f"{number} {one.draft.texts.get('name') or 'unnamed'}": one for number, one in enumerate(kept, 1)}
    choices = []
    for key, one in named.items():
        left = datetime.fromisoformat(one.when).astimezone().strftime("%Y-%m-%d %H:%M")
        copied = f", a copy of {one.draft.origin}" if one.draft.origin else ""
        choices.append(Choosable(key, f"{'+'.join(one.draft.corpus)}, left {left}{copied}"))
    choices += [Choosable(_NEW, "the drafts stay"), Choosable(_FORGET, "asks which")]
    found = await choose_one(screen, "A study was left before it was started. Go on with it?", choices)
    if not found:
        return None
    if found == _FORGET:
        gone = await screen.app.push_screen_wait(ChooseScreen("Forget which? Space marks several", choices[:-2], several=True))
        for key in gone:
            await screen.succeeds(partial(forget_draft, named[key].path))
        return None
    return named.get(found, False)


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
        with disk_errors("copying the study", path, "copy it again"):
            write_atomically(path, dumps(study).encode())
        return path

    path = await screen.attempt(write)
    if path is not None:
        screen.app.copy_to_clipboard(dumps(study))
        screen.ser.tell(f"copied, and written to {path}")


def write_study(study: Study, path: Path) -> None:
    """Write `study` as YAML to `path`. Raises UserError."""
    with disk_errors("saving the study", path, "save it again"):
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, dumps(study).encode(), mode=0o644)
