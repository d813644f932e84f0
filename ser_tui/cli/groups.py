"""The verbs that come in groups, such as `ser-tui corpora list`, and their options: see `ser_tui.cli.app`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ser_tui.cli import completing
from ser_tui.cli.arguments import Corpus, Json, Run, Runs

corpora = typer.Typer(help="Corpora: where they lie, what they hold, fetching them.", no_args_is_help=True)
encoders = typer.Typer(help="Encoders: which are ready, fetching them.", no_args_is_help=True)
queue = typer.Typer(help="The queue: runs that wait for their turn. Without a command, they are listed.", no_args_is_help=False)
settings = typer.Typer(help="Settings: colours, time zone, keys, notifications.", no_args_is_help=False)
cache = typer.Typer(help="Cached features: how much room they take, clearing them.", no_args_is_help=True)


@queue.callback(invoke_without_command=True)
def queue_root(context: typer.Context) -> None:
    """The queue: runs that wait for their turn. Without a command, they are listed."""
    if context.invoked_subcommand is None:
        from ser_tui.cli.queueing import list_queue

        list_queue(as_json=False)


@queue.command("list")
def queue_list(json: Json = False) -> None:
    """List the runs that wait, in the order in which they start."""
    from ser_tui.cli.queueing import list_queue

    list_queue(as_json=json)


@queue.command("add", short_help="Put runs that can go on into the queue.")
def queue_add(runs: Runs) -> None:
    """Put runs into the queue that were stopped, interrupted, or cancelled and restored. `run --queue` does so with studies."""
    from ser_tui.cli.queueing import add_to_queue

    add_to_queue(runs)


@queue.command("move", short_help="Let a run start earlier or later.")
def queue_move(
    run: Run, place: Annotated[int, typer.Argument(metavar="PLACE", min=1, help="1 is next; what is beyond the end is last.")]
) -> None:
    """Move a waiting run to another place in the queue."""
    from ser_tui.cli.queueing import move_in_queue

    move_in_queue(run, place)


@queue.command("pause")
def queue_pause() -> None:
    """Start no more runs until `queue start`; those under way go on."""
    from ser_tui.cli.queueing import pause_queue

    pause_queue()


@queue.command("start", short_help="Start waiting runs: after a pause, a reboot or a failure.")
def queue_start(
    at_a_time: Annotated[int | None, typer.Option(
        "--at-a-time", metavar="N", min=1, max=64, help="How many runs may be under way at once, from now on; else 1."
    )] = None,
) -> None:  # fmt: skip
    """Start what waits: after a pause, after a reboot, and what could not be started before once more."""
    from ser_tui.cli.queueing import start_queue

    start_queue(at_a_time)


@queue.command("cancel", short_help="Take runs out of the queue.")
def queue_cancel(runs: Runs) -> None:
    """Take runs out of the queue. One that never began goes to the trash, from where `restore` brings it back."""
    from ser_tui.cli.queueing import cancel_queued

    cancel_queued(runs)


@settings.callback(invoke_without_command=True)
def settings_root(context: typer.Context) -> None:
    """Settings: colours, time zone, keys, what is told when a run ends. Without a command they are listed."""
    if context.invoked_subcommand is None:
        from ser_tui.cli.settings import list_settings

        list_settings(as_json=False)


@settings.command("list")
def settings_list(json: Json = False) -> None:
    """List every setting with its value and what it does."""
    from ser_tui.cli.settings import list_settings

    list_settings(as_json=json)


Setting = Annotated[str, typer.Argument(metavar="KEY", help="One of `ser-tui settings list`, or keys.ID.", autocompletion=completing.keys)]


@settings.command("get")
def settings_get(key: Setting) -> None:
    """Print the value of a setting."""
    from ser_tui.cli.settings import get_setting

    get_setting(key)


@settings.command("set")
def settings_set(
    key: Setting, value: Annotated[str, typer.Argument(metavar="VALUE", help="Its value; '' brings the usual one back.")]
) -> None:
    """Change a setting."""
    from ser_tui.cli.settings import set_setting

    set_setting(key, value)


@settings.command("path")
def settings_path() -> None:
    """Print where the settings are kept."""
    from ser_tui.cli.settings import print_path

    print_path()


@settings.command("keys", short_help="List the keys of the app that can be changed.")
def settings_keys() -> None:
    """List the keys of the app that can be changed, by the ids that `settings set keys.ID` takes."""
    from ser_tui.cli.settings import list_keys

    list_keys()


@corpora.command("list")
def corpora_list(json: Json = False) -> None:
    """List the known corpora and where they lie."""
    from ser_tui.cli.corpora import list_corpora

    list_corpora(as_json=json)


@corpora.command("add", short_help="Say where a corpus lies.")
def corpora_add(
    name: Corpus,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A folder of recordings, or a table.")],
    file: Annotated[str | None, typer.Option("--file", metavar="COLUMN", help="A table's column of file names.")] = None,
    emotion: Annotated[str | None, typer.Option("--emotion", metavar="COLUMN", help="Its column of emotions.")] = None,
    speaker: Annotated[str | None, typer.Option("--speaker", metavar="COLUMN", help="Its column of speakers.")] = None,
    gender: Annotated[str | None, typer.Option("--gender", metavar="COLUMN", help="Its column of the speakers' genders.")] = None,
    sentence: Annotated[str | None, typer.Option("--sentence", metavar="COLUMN", help="Its column of what is said.")] = None,
    language: Annotated[str | None, typer.Option("--language", metavar="COLUMN", help="Its column of languages.")] = None,
    session: Annotated[str | None, typer.Option("--session", metavar="COLUMN", help="Its column of who is recorded together.")] = None,
    split: Annotated[str | None, typer.Option("--split", metavar="COLUMN", help="Its column of train, dev, test.")] = None,
    fold: Annotated[str | None, typer.Option("--fold", metavar="COLUMN", help="Its column of folds.")] = None,
    start: Annotated[str | None, typer.Option("--start", metavar="COLUMN", help="Where segments begin; - for none.")] = None,
    end: Annotated[str | None, typer.Option("--end", metavar="COLUMN", help="Where segments end; - for none.")] = None,
    duration: Annotated[str | None, typer.Option("--duration", metavar="COLUMN", help="How long segments are.")] = None,
    speaker_in: Annotated[
        str,
        typer.Option("--speaker-in", metavar="PATTERN", help=r"A regular expression that finds the speaker in names of files: 'P(\d+)'."),
    ] = "",
    root: Annotated[Path | None, typer.Option("--root", metavar="DIR", help="Where the files lie that the table names.")] = None,
    split_map: Annotated[
        str | None,
        typer.Option("--split-map", metavar="WORD=PART,...", help="Words of the split column: holdout=test,extra= (in no part)."),
    ] = None,
    like: Annotated[
        str,
        typer.Option(
            "--like", metavar="CORPUS", help="The known corpus whose file names these are; tree, or tree:2 for emotions on level 2."
        ),
    ] = "",
) -> None:
    """Remember where a corpus lies: a known one, under any name, a folder-per-emotion tree, or a table.

    Tables are CSV, TSV, JSON or JSON lines, one row an utterance. Usual headers are known; a column that is not
    recognised is named by its option, and - says that there is none.
    """
    from ser_tui.cli.corpora import add_corpus
    from ser_tui.corpora.asked import source

    columns = {
        "file": file, "emotion": emotion, "speaker": speaker, "gender": gender, "sentence": sentence, "language": language,
        "session": session, "split": split, "fold": fold, "start": start, "end": end, "duration": duration,
    }  # fmt: skip
    add_corpus(name, path, source(columns, split_map or "", str(root or ""), like, speaker_in))


@corpora.command("forget")
def corpora_forget(name: Corpus) -> None:
    """Forget a location that was added; the files stay."""
    from ser_tui.cli.corpora import forget_corpus

    forget_corpus(name)


@corpora.command("check", short_help="Read every file of a corpus and report.")
def corpora_check(name: Corpus, json: Json = False) -> None:
    """Read every file: counts, minutes, sample rates, and each file that cannot be used and why."""
    from ser_tui.cli.corpora import check_corpus

    raise typer.Exit(check_corpus(name, as_json=json))


@corpora.command("get", short_help="Fetch a corpus from its official source.")
def corpora_get(
    name: Corpus,
    accept_licence: Annotated[bool, typer.Option("--accept-licence", help="Accept the corpus' licence without being asked.")] = False,
) -> None:
    """Fetch a corpus from its official source, after its licence has been shown and accepted."""
    from ser_tui.cli.corpora import get_corpus

    get_corpus(name, accept_licence=accept_licence)


@encoders.command("list")
def encoders_list(
    folders: Annotated[
        list[str] | None, typer.Argument(metavar="[FOLDER]...", help="Folders of models: whether they can be used, and why not.")
    ] = None,
    json: Json = False,
) -> None:
    """List the encoders and which are ready. The exit code is 1 where a FOLDER cannot be used."""
    from ser_tui.cli.encoders import list_encoders

    raise typer.Exit(list_encoders(folders or [], as_json=json))


@encoders.command("get")
def encoders_get(
    name: Annotated[str, typer.Argument(metavar="ENCODER", help="One of `ser-tui encoders list`.", autocompletion=completing.encoders)],
) -> None:
    """Fetch an encoder from the model hub (HF_ENDPOINT names another one)."""
    from ser_tui.cli.encoders import get_encoder

    get_encoder(name)


@cache.command("show")
def cache_show(json: Json = False) -> None:
    """Say how much room cached features take."""
    from ser_tui.cli.caching import show_cache

    show_cache(as_json=json)


@cache.command("clear")
def cache_clear() -> None:
    """Remove cached features; the next run makes them again."""
    from ser_tui.cli.caching import clear_cache

    clear_cache()
