"""The verbs delete, trash, restore and remark: what a person does with runs that have ended, and says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from ser_tui.cli.output import agreed, print_json, print_table, say
from ser_tui.places import runs_folder
from ser_tui.store import trash
from ser_tui.store.index import Index
from ser_tui.store.remarks import change_remarks, remarks_held
from ser_tui.store.runs import RunFolder, refuse_hidden, resolve_each
from ser_tui.store.wanted import ANY
from ser_tui.study.errors import UsageError
from ser_tui.study.formatting import counted
from ser_tui.study.remarks import MOST_NOTE, MOST_TITLE, Remarks, checked_tags, checked_text


def delete_runs(references: Sequence[str], *, sure: bool, for_good: bool) -> None:
    """Move runs into the trash, or remove them `for_good`, after a question unless `sure`."""
    found = resolve_each(runs_folder(), references, ANY)
    names = ", ".join(folder.run_id for folder in found)
    what = f"delete {names} and all its files for good?" if for_good else f"move {names} to the trash?"
    if not (sure or agreed(what, "nobody can be asked here; add --yes to delete", "kept")):
        return
    index = Index(runs_folder())
    if for_good:
        index.delete(*found, told=lambda folder: say(f"deleted {folder.run_id}"))
    else:
        back = "to the trash: `ser-tui restore {0}` brings it back"
        index.discard(*found, told=lambda folder: say(f"moved {folder.run_id} {back.format(folder.run_id)}"))
    if not for_good:
        say("its room on the disk is free after `ser-tui trash --empty`")


def list_trash(*, empty: bool, sure: bool, as_json: bool) -> None:
    """Print what is in the trash, what came last first; `empty`: remove it for good, after a question unless `sure`."""
    held = [(folder, trash.size(folder)) for folder in trash.discarded(runs_folder())]
    if sure and not empty:
        raise UsageError("--yes answers what --empty asks: add --empty, or leave it out")
    if empty:
        _empty([folder for folder, _ in held], sum(size for _, size in held), sure, as_json)
    elif as_json:
        print_json([{"run_id": folder.run_id, "bytes": size} for folder, size in held])
    elif not held:
        say(f"there is nothing in the trash of {runs_folder()}")
    else:
        print_table(("RUN", "MB"), [(folder.run_id, f"{size / 2**20:.1f}") for folder, size in held], ("MB",))
        say("`ser-tui restore RUN` brings one back; `ser-tui trash --empty` removes them for good")


def _empty(held: Sequence[RunFolder], size: int, sure: bool, as_json: bool) -> None:
    told = f"{counted(len(held), 'run')}, {size / 2**20:.1f} MB"
    if held and not sure:
        unasked = "nobody can be asked here; add --yes to empty the trash"
        if as_json:
            raise UsageError(unasked)
        if not agreed(f"remove {told} for good?", unasked, "kept"):
            return
    for folder in held:
        trash.remove(runs_folder(), folder)
    if as_json:
        print_json({"removed": [folder.run_id for folder in held], "bytes": size})
    else:
        say(f"removed {told}" if held else "the trash is empty")


def restore_run(reference: str) -> None:
    """Bring a run back from the trash."""
    say(f"{trash.restore(runs_folder(), reference).run_id} is back")


def remark_on_runs(
    references: Sequence[str], *, title: str | None, tags: Sequence[str], without: Sequence[str], note: str | None,
    archived: bool | None, notify: bool | None = None, as_json: bool,
) -> None:  # fmt: skip
    """Change what is said of runs, and print it. What is None stays as it is."""
    found = resolve_each(runs_folder(), references, ANY)
    if title is not None and len(found) > 1:
        raise UsageError("a title is one run's: name one")
    added, removed = checked_tags(tags), set(without)

    def change(before: Remarks) -> Remarks:
        return replace(
            before,
            title=before.title if title is None else checked_text(title, MOST_TITLE, "title"),
            tags=checked_tags(tag for tag in (*before.tags, *added) if tag not in removed),
            note=before.note if note is None else checked_text(note, MOST_NOTE, "note"),
            archived=before.archived if archived is None else archived,
            notify=before.notify if notify is None else notify,
        )

    asked = any(one is not None for one in (title, note, archived, notify)) or added or removed
    for folder in found:
        refuse_hidden(folder)
    held = [remarks_held(folder) for folder in found]  # of all, before the first is changed
    told = [(folder, change_remarks(folder, change) if asked else before) for folder, before in zip(found, held, strict=True)]
    if as_json:
        print_json([{"run_id": folder.run_id, **asdict(remarks)} for folder, remarks in told])
        return
    for folder, remarks in told:
        words = [f"title {remarks.title}"] if remarks.title else []
        words += [f"tags {' '.join(remarks.tags)}"] if remarks.tags else []
        words += ["archived"] if remarks.archived else []
        words += [] if remarks.notify is None else ["its end is told" if remarks.notify else "its end is not told"]
        say(f"{folder.run_id}  {'; '.join(words) or ('a note' if remarks.note else 'nothing is said of it')}")
        for line in remarks.note.splitlines():
            say(f"  {line}")
