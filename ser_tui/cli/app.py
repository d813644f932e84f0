"""The verbs and their options, but for those in groups. What a verb does lives in the modules beside this one, imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ser_tui.cli import completing, groups
from ser_tui.cli.arguments import ESCAPES, AnotherTrial, Headless, Json, Model, Notify, Run, Runs, Set, Sources, Yes, finite

app = typer.Typer(
    name="ser-tui",
    help="Search hyperparameters for speech emotion recognition. Without a command the app opens.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(groups.corpora, name="corpora")
app.add_typer(groups.encoders, name="encoders")
app.add_typer(groups.cache, name="cache")
app.add_typer(groups.queue, name="queue")
app.add_typer(groups.settings, name="settings")


def _version(wanted: bool) -> None:
    if wanted:
        from ser_tui import __version__

        typer.echo(f"ser-tui {__version__}")
        raise typer.Exit()


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Search hyperparameters for speech emotion recognition. Without a command the app opens."""
    if context.invoked_subcommand is None:
        from ser_tui.cli.screen import open_app

        raise typer.Exit(open_app())


@app.command()
def run(
    study: Annotated[
        str,
        typer.Argument(
            metavar="STUDY", help="A study document, or one that comes with ser_tui by its name: demo.", autocompletion=completing.studies
        ),
    ],
    set_: Set = None,
    headless: Headless = False,
    detach: Annotated[bool, typer.Option("--detach", help="Start the run, print its id, return.")] = False,
    queue: Annotated[bool, typer.Option("--queue", help="Start it once the runs before it have ended: see `ser-tui queue`.")] = False,
    continue_: Annotated[
        bool, typer.Option("--continue", help="Go on with your newest run of this very study, or show it if it is done; begin one else.")
    ] = False,
    notify: Notify = None,
    json: Json = False,
) -> None:
    """Start a run of STUDY; with a terminal the app opens on it."""
    from ser_tui.cli.running import run_study

    how = {"headless": headless, "detach": detach, "queue": queue, "again": continue_}
    raise typer.Exit(run_study(study, set_ or [], **how, notify=notify, as_json=json))


@app.command()
def runs(
    filter_: Annotated[
        str, typer.Option("--filter", metavar="TEXT", help="Only some: words, strategy:gp, 'bca>.9', and, or, not, (...).")
    ] = "",
    json: Json = False,
) -> None:
    """List all runs, newest first, or those that a filter wants."""
    from ser_tui.cli.listing import list_runs

    list_runs(as_json=json, wanted=filter_)


@app.command(short_help="Show a run: its best trial and its errors.")
def show(
    run: Run = "latest",
    trial: AnotherTrial = None,
    errors: Annotated[bool, typer.Option("--errors", help="List the utterances that were misclassified, too.")] = False,
    json: Json = False,
) -> None:
    """Show a run: its best trial and what that gets wrong, its evaluations, its trials."""
    from ser_tui.cli.showing import show_run

    show_run(run, trial=trial, errors=errors, as_json=json)


@app.command(short_help="List the utterances that a run's model gets wrong.")
def errors(
    run: Run = "latest",
    trial: AnotherTrial = None,
    of: Annotated[
        str, typer.Option("--of", metavar="PART", help="validation, test, a protocol with folds (loso), or an evaluation's corpus.")
    ] = "validation",
    truth: Annotated[str | None, typer.Option("--truth", metavar="CLASS", help="Only utterances of this class.")] = None,
    said: Annotated[str | None, typer.Option("--said", metavar="CLASS", help="Only what was taken for this class.")] = None,
    speaker: Annotated[str | None, typer.Option("--speaker", metavar="NAME", help="Only this speaker's.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print a CSV table.")] = False,
    json: Json = False,
) -> None:
    """List the utterances that a run's best trial gets wrong, the most confident mistakes first.

    With both --truth and --said the utterances of that cell of the confusion matrix, hits where the two are the same.
    """
    from ser_tui.cli.explaining import list_errors

    list_errors(run, trial=trial, part=of, truth=truth, said=said, speaker=speaker, as_csv=csv, as_json=json)


@app.command(short_help="Compare runs: how they ended, and paired tests.")
def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN RUN...", help="Two or more runs.", autocompletion=completing.runs)],
    format: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="As a table for a document: markdown, latex (booktabs), csv, html or json.",
            autocompletion=completing.formats,
        ),
    ] = "",
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="Where to; else standard output. Its ending says the format.")
    ] = "",
    json: Json = False,
) -> None:
    """Compare runs: how they ended, paired tests against the first one and recall of each class, then the settings that differ."""
    from ser_tui.cli.comparing import compare_runs

    compare_runs(runs, as_json=json, form=format, output=output)


@app.command(short_help="Compare strategies on recorded trials.")
def replay(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="TRIALS.csv|RUN...", help="Tables of trials, folders of such tables, runs.", autocompletion=completing.runs),
    ],
    strategies: Annotated[
        str,
        typer.Option(
            "--strategies", metavar="NAME,NAME...", help="Which to compare, with settings that are not the usual ones: gp,tpe:startup=8."
        ),
    ] = "gp,tpe,random",
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, max=100_000, help="How many searches each strategy makes.")] = 200,
    budget: Annotated[
        int | None,
        typer.Option("--budget", metavar="N", min=1, max=10_000, help="How many trials each search makes; default: 15, without --minutes."),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            "--minutes",
            metavar="N",
            min=0.01,
            max=1_000_000,
            callback=finite,
            help="Each search has the trials that end within N minutes by their records.",
        ),
    ] = None,
    surrogates: Annotated[
        str,
        typer.Option(
            "--surrogates", metavar="NAME,NAME", help="What tells the score of a trial: forest, or nearest (the nearest recorded trial)."
        ),
    ] = "forest,nearest",
    reach: Annotated[
        float, typer.Option("--score", metavar="BCA", min=0, max=1, callback=finite, help="Count the searches that reach this BCA.")
    ] = 0.95,
    study: Annotated[
        Path | None,
        typer.Option(
            "--study", metavar="FILE", help="Use the search space of this study; default: the first run's, or what the tables span."
        ),
    ] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", metavar="N", min=1, max=1024, help="Processes; default: one for each core.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Do not use the searches that an earlier replay has kept.")] = False,
    json: Json = False,
) -> None:
    """Compare strategies on recorded trials, from tables or past runs. Nothing is trained: a surrogate tells the score of each trial.

    Ctrl+C stops it and prints a table of what is done; the same command goes on from there.
    """
    from ser_tui.cli.replaying import replay_strategies

    raise typer.Exit(replay_strategies(
        sources, strategies=strategies, seeds=seeds, budget=budget, surrogates=surrogates, reach=reach, study=study, jobs=jobs,
        again=again, as_json=json, minutes=minutes,
    ))  # fmt: skip


@app.command(short_help="The paper's tables beside your runs.")
def paper(
    encoder: Annotated[
        str,
        typer.Option(
            "--encoder", metavar="NAME", help="Runs of this encoder; default: that of most runs.", autocompletion=completing.encoders
        ),
    ] = "",
    protocol: Annotated[str, typer.Option("--protocol", metavar="KIND", help="Runs of this protocol; random is the paper's.")] = "random",
    budget: Annotated[int, typer.Option("--budget", metavar="N", min=1, max=10_000, help="Only the first N trials of a run count.")] = 15,
    no_replay: Annotated[
        bool, typer.Option("--no-replay", help="If there is no run of the grid, do not replay it on recorded trials.")
    ] = False,
    json: Json = False,
) -> None:
    """Print the tables of arXiv 2510.07052 beside what your runs have, and name the command of each run that is missing.

    Runs with a warm start, imported runs and runs on synthetic speech are left out.
    """
    from ser_tui.cli.paper import print_paper

    print_paper(encoder=encoder, protocol=protocol, budget=budget, replayed=not no_replay, as_json=json)


@app.command(short_help="Score the average of several models.")
def ensemble(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...", help="Runs: the best trial of each is used, or several with --top.", autocompletion=completing.runs
        ),
    ],
    top: Annotated[int | None, typer.Option("--top", metavar="K", min=1, help="The K best trials of a run, by validation score.")] = None,
    of: Annotated[
        str, typer.Option("--of", metavar="PART", help="Score on this: validation, test, folds (loso; 'loso, nested') or a corpus.")
    ] = "validation",
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="Write the averaged predictions to FILE too (.csv, .json); - prints them.")
    ] = "",
    on: Annotated[
        str,
        typer.Option(
            "--on", metavar="CORPUS", help="Evaluate every member zero-shot on this corpus first.", autocompletion=completing.corpora
        ),
    ] = "",
    mapping: Annotated[
        list[str] | None, typer.Option("--map", metavar="EMOTION=CLASS", help="With --on: change the label map, as in evaluate.")
    ] = None,
    preset: Annotated[
        str, typer.Option(metavar="NAME", help="With --on: default, or paper (calm counts as boredom, surprise is dropped).")
    ] = "default",
    save: Annotated[
        str, typer.Option("--save", metavar="FOLDER", help="Save the ensemble as a model: a new folder with copies of its members'.")
    ] = "",
    json: Json = False,
) -> None:
    """Average the class probabilities of several models, score the average, and compare it with its best member.

    Nothing is trained. The members may be of other runs, seeds, trials and encoders, but must be scored on the same utterances. A folder
    that --save made can be named in place of its members' runs.
    """
    from ser_tui.cli.ensembling import ensemble_runs

    raise typer.Exit(
        ensemble_runs(runs, top=top, part=of, output=output, as_json=json, on=on, changes=mapping or [], preset=preset, folder=save)
    )


@app.command(short_help="Stop a run's worker within a batch.")
def stop(run: Run, wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Return when it has stopped.")] = True) -> None:
    """Ask a run's worker to stop; the trial in flight is cut short, the run can be resumed."""
    from ser_tui.cli.running import stop_run

    stop_run(run, wait=wait)


@app.command(short_help="Go on with a run that was stopped or interrupted.")
def resume(
    run: Run,
    headless: Headless = False,
    detach: Annotated[bool, typer.Option("--detach", help="Resume the run and return.")] = False,
    queue: Annotated[bool, typer.Option("--queue", help="Resume it once the runs before it have ended: see `ser-tui queue`.")] = False,
    trials: Annotated[
        int | None, typer.Option("--trials", metavar="N", min=1, help="Go on until there are N trials in all, a finished run too.")
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", metavar="M", callback=finite, help="Go on until M minutes are over in all, a finished run too."),
    ] = None,
    json: Json = False,
) -> None:
    """Go on with a run that was stopped or interrupted, or, with a larger budget, is finished; its finished trials stay."""
    from ser_tui.cli.running import resume_run

    raise typer.Exit(resume_run(run, headless=headless, detach=detach, queue=queue, as_json=json, trials=trials, minutes=minutes))


@app.command()
def attach(run: Run = "latest") -> None:
    """Open the app on a run."""
    from ser_tui.cli.running import attach_run

    raise typer.Exit(attach_run(run))


@app.command()
def evaluate(
    run: Run,
    on: Annotated[
        str, typer.Option("--on", metavar="CORPUS[,CORPUS...]", help="Corpora to evaluate on.", autocompletion=completing.several_corpora)
    ],
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="EMOTION=CLASS", help=f"Change the label map: calm=neutral, surprise= (dropped). {ESCAPES}"),
    ] = None,
    speakers: Annotated[
        str, typer.Option("--speakers", metavar="NAME[,NAME...]", help="Use only these speakers of the corpora (\\, is a comma).")
    ] = "",
    without: Annotated[str, typer.Option("--without", metavar="NAME[,NAME...]", help="Leave out these speakers of the corpora.")] = "",
    raw: Annotated[bool, typer.Option("--raw", help="Let the model predict classes that the target corpus lacks too.")] = False,
    preset: Annotated[
        str, typer.Option(metavar="NAME", help="default, or paper (calm counts as boredom, surprise is dropped).")
    ] = "default",
    json: Json = False,
) -> None:
    """Evaluate a run's best model zero-shot on other corpora."""
    from ser_tui.cli.evaluating import evaluate_run

    raise typer.Exit(evaluate_run(run, on, mapping or [], speakers=speakers, without=without, masked=not raw, preset=preset, as_json=json))


@app.command(short_help="Retrain a run's best configuration per fold.")
def folds(
    run: Run,
    protocol: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="loso, kfold (as many folds as the study's protocol.folds) or loco; kfold-sentence, loso-sentence keep sentences apart.",
            autocompletion=completing.folded,
        ),
    ] = "loso",
    nested: Annotated[
        bool, typer.Option("--nested", help="Choose the configuration of every fold anew, on the others alone (probes).")
    ] = False,
    top: Annotated[
        int, typer.Option("--top", metavar="K", min=1, max=100, help="With --nested: average the K best of each fold's own search.")
    ] = 1,
    json: Json = False,
) -> None:
    """Retrain a run's best configuration per fold and report mean, deviation and pooled BCA."""
    from ser_tui.cli.evaluating import score_folds

    raise typer.Exit(score_folds(run, protocol, nested=nested, top=top, as_json=json))


@app.command(short_help="Train the best configuration again with other seeds.")
def seeds(
    run: Run,
    number: Annotated[int, typer.Option("-k", "--k", metavar="K", min=1, max=1000, help="Seeds in all, not counting the trial's own.")] = 5,
    json: Json = False,
) -> None:
    """Train a run's best configuration again with K other seeds and report mean, deviation and interval.

    The models are scored on the validation part, which chose the configuration, and on the test part too, if the search has ended with a
    score on it. A seed that is done is not trained again: after a stop the same command goes on, and a larger K adds seeds.
    """
    from ser_tui.cli.evaluating import score_seeds

    raise typer.Exit(score_seeds(run, number, as_json=json))


@app.command(short_help="Train on each corpus, test on each: one table.")
def cross(
    on: Annotated[
        str, typer.Option("--corpora", metavar="CORPUS,CORPUS...", help="Two or more corpora.", autocompletion=completing.several_corpora)
    ],
    study: Annotated[
        Path | None, typer.Argument(metavar="STUDY", help="A study document; without one a probe on speakers kept apart, on trimmed audio.")
    ] = None,
    set_: Set = None,
    mapping: Annotated[
        list[str] | None, typer.Option("--map", metavar="EMOTION=CLASS", help=f"Change the label maps: calm=neutral. {ESCAPES}")
    ] = None,
    json: Json = False,
) -> None:
    """Train on each corpus and test on each: validation score on its own, zero-shot on the others, one table."""
    from ser_tui.cli.crossing import cross_corpora

    raise typer.Exit(cross_corpora(on, study, set_ or [], mapping or [], as_json=json))


@app.command(short_help="Write trials, tables, predictions.")
def export(
    runs: Runs,
    what: Annotated[
        str,
        typer.Option(
            "--what",
            metavar="TABLE",
            help="trials, comparison, paper (a table for one), predictions, parts. Else: trials, of several runs comparison.",
            autocompletion=completing.tables,
        ),
    ] = "",
    format: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="csv, json, markdown, latex (booktabs) or html; else as FILE ends, or csv.",
            autocompletion=completing.formats,
        ),
    ] = "",
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="Where to; - is standard output. Without it: export/ in the (first) run.")
    ] = "",
    trial: Annotated[int | None, typer.Option("--trial", metavar="N", help="Predictions of this trial; else of the best one.")] = None,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="TRACKER",
            help="optuna (SQLite), mlflow (file store) or tensorboard (scalars); each an extra.",
            autocompletion=completing.trackers,
        ),
    ] = "",
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", metavar="FILE.zip", help="The whole run in one file, for `ser-tui import` on another machine."),
    ] = None,
) -> None:
    """Write what was measured as a table to a file and print its path: the trials of one run, or how several compare."""
    from ser_tui.cli.exporting import bundle_run, export_runs, track_runs

    tables = [name for name, given in (("--what", what), ("--format", format), ("--trial", trial is not None)) if given]
    if bundle is not None:
        bundle_run(runs, bundle, [*tables, *(name for name, given in (("-o", output), ("--to", to)) if given)])
    elif to:
        track_runs(runs, to, output, tables)
    else:
        export_runs(runs, what, format, output, trial)


@app.command("import", short_help="Import a run, or an Optuna study.")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A bundle of `ser-tui export RUN --bundle FILE.zip`, or Optuna's SQLite or journal file.")
    ],
    study: Annotated[str, typer.Option("--study", metavar="NAME", help="Which Optuna study, if FILE holds several.")] = "",
    value: Annotated[
        str, typer.Option("--value", metavar="bca", help="Say that the value of the Optuna study is a BCA, if its trials do not.")
    ] = "",
) -> None:
    """Import a run from a bundle, checking every digest, or the trials of an Optuna study, and print the run's id."""
    from ser_tui.cli.exporting import import_run

    import_run(file, study, value)


@app.command(short_help="Write runs as one HTML page.")
def report(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="One run, or several to compare.", autocompletion=completing.runs)],
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="Where to; - is standard output. Without it: export/ in the run's folder.")
    ] = "",
) -> None:
    """Write one self-contained HTML page about runs, with plots, confusion matrices and how to repeat them, and print its path."""
    from ser_tui.cli.exporting import report_runs

    report_runs(runs, output)


@app.command(short_help="Predict the emotions of recordings.")
def predict(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A run, a bundle (FILE.zip), a folder that holds model.json, or a saved ensemble.",
            autocompletion=completing.runs,
        ),
    ],
    sources: Sources,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document; with -o: JSON lines, as for FILE.jsonl.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print a CSV table; with -o this is the default.")] = False,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="Append answers to FILE as they come; a second call goes on with it.")
    ] = "",
    segments: Annotated[str, typer.Option("--segments", metavar="LENGTH", help="Cut recordings into segments of this length: 3s.")] = "",
    vad: Annotated[bool, typer.Option("--vad", help="Cut recordings where speech begins and ends (needs ser-tui[vad]).")] = False,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="ROLE=HEADER",
            help="A column of a table whose header is not recognised: speaker=WHO; also file, start, end, duration (- for none).",
        ),
    ] = None,
    self_train: Annotated[
        bool, typer.Option("--self-train", help="Also answer after self-training on all recordings given (transductive; probes only).")
    ] = False,
) -> None:
    """Predict the emotion of each recording, or of pieces of long ones, with probabilities and confidence.

    Recordings that cannot be read are named and skipped; the exit code is then 1.
    """
    from ser_tui.cli.using import predict as predict_

    raise typer.Exit(predict_(
        model, sources, as_json=json, as_csv=csv, output=output, segments=segments, voice=vad, columns=column or [], self_train=self_train
    ))  # fmt: skip


@app.command(short_help="Write pooled features of recordings.")
def embed(
    model: Annotated[
        str,
        typer.Argument(
            metavar="ENCODER|RUN",
            help="A pre-trained encoder, or a run, a bundle or a folder of a model.",
            autocompletion=completing.encoders,
        ),
    ],
    sources: Sources,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="features.npz, or features.parquet if pyarrow is installed.")
    ],
    layers: Annotated[
        str, typer.Option("--layers", metavar="LAYERS", help="last, all, or several side by side, as in 2+3; default: the run's, or last.")
    ] = "",
    pooling: Annotated[str, typer.Option("--pooling", metavar="NAME", help="mean or mean+std; default: the run's, or mean.")] = "",
    max_seconds: Annotated[
        float | None,
        typer.Option(
            "--max-seconds", metavar="SECONDS", callback=finite, help="How much of a recording is used; default: the run's, or 30."
        ),
    ] = None,
) -> None:
    """Write pooled hidden states of an encoder, or of a run's model, for each recording."""
    from ser_tui.cli.using import embed as embed_

    raise typer.Exit(embed_(model, sources, output, layers=layers, pooling=pooling, max_seconds=max_seconds))


@app.command("export-model", short_help="Write a model for other programs.")
def export_model(
    model: Model,
    output: Annotated[str, typer.Option("-o", "--output", metavar="FOLDER", help="The folder to write: a new one, or an empty one.")],
    format: Annotated[
        str,
        typer.Option(
            "--format", metavar="FORMAT", help="onnx (front end included; ser-tui[onnx]) or huggingface (transformers' own classes)."
        ),
    ],
    audio: Annotated[
        list[str] | None,
        typer.Option("--audio", metavar="PATH", help="Recordings to check the export on; default: some of the run's corpus."),
    ] = None,
) -> None:
    """Write a run's model as ONNX or as a Hugging Face folder, with a model card. It is checked to answer as the model here does."""
    from ser_tui.cli.using import export_model as export_model_

    raise typer.Exit(export_model_(model, output, format, audio or []))


@app.command(short_help="Move runs into the trash.")
def delete(
    runs: Runs, yes: Yes = False,
    for_good: Annotated[bool, typer.Option("--for-good", help="Remove its files at once, past the trash.")] = False,
) -> None:  # fmt: skip
    """Move runs into the trash, from where `restore` brings them back."""
    from ser_tui.cli.keeping import delete_runs

    delete_runs(runs, sure=yes, for_good=for_good)


@app.command()
def restore(run: Annotated[str, typer.Argument(metavar="RUN", help="A run in the trash; latest: thrown away last.")] = "latest") -> None:
    """Bring a run back from the trash."""
    from ser_tui.cli.keeping import restore_run

    restore_run(run)


@app.command(short_help="List the runs in the trash, or empty it.")
def trash(
    empty: Annotated[bool, typer.Option("--empty", help="Remove what is in it for good.")] = False, yes: Yes = False, json: Json = False
) -> None:
    """List the runs in the trash, what came last first, or empty it."""
    from ser_tui.cli.keeping import list_trash

    list_trash(empty=empty, sure=yes, as_json=json)


@app.command(short_help="Say something of runs: title, tags, a note; archive them.")
def remark(
    runs: Runs,
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="Shown instead of the study's name; '' takes it back.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="WORD", help="Add a tag: `runs --filter tag:paper` finds it.")] = None,
    untag: Annotated[list[str] | None, typer.Option("--untag", metavar="WORD", help="Take a tag away.")] = None,
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="A note, instead of the one before.")] = None,
    archive: Annotated[
        bool | None, typer.Option("--archive/--unarchive", help="Leave it out of lists, or not; --filter archived:yes shows those.")
    ] = None,
    notify: Notify = None,
    json: Json = False,
) -> None:
    """Say something of runs, or print what was said. Nothing that is measured changes."""
    from ser_tui.cli.keeping import remark_on_runs

    remark_on_runs(runs, title=title, tags=tag or [], without=untag or [], note=note, archived=archive, notify=notify, as_json=json)


@app.command()
def doctor(json: Json = False) -> None:
    """Say what this machine has and what is missing."""
    from ser_tui.cli.doctor import report

    raise typer.Exit(report(as_json=json))
