"""Runs in the formats of experiment trackers: Optuna's SQLite, MLflow's file store, TensorBoard's event files.

Each is written by the tracker's own library, an optional extra, from the document that `show --json` prints.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from ser_tui.places import private_folder
from ser_tui.report.collecting import Told
from ser_tui.report.figures import scored, searched_for
from ser_tui.report.offered import Tracker
from ser_tui.store.files import disk_errors, replacing
from ser_tui.store.held_folders import held_folder
from ser_tui.study.errors import UserError
from ser_tui.study.events import parse_time
from ser_tui.study.score_keys import BEST_EPOCH, BY_EPOCH, SCORE, SHARES
from ser_tui.study.scores import ACCURACY, BCA, MEASURES, OF_FEATURES, PEAK_MEMORY
from ser_tui.study.summary import best_so_far

PLACES: Mapping[Tracker, str] = {"optuna": "optuna.db", "mlflow": "mlruns", "tensorboard": "tensorboard"}
"""Where each goes in a run's export/: a file, or a folder."""
OPENED_BY: Mapping[Tracker, str] = {
    "optuna": "optuna-dashboard sqlite:///{}", "mlflow": "MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri {}",
    "tensorboard": "tensorboard --logdir {}",
}  # fmt: skip
VIEWERS: Mapping[Tracker, str] = {"optuna": "optuna-dashboard", "mlflow": "mlflow"}
"""The package that brings that command, where our extra, which writes alone, does not: the `mlflow ui` of mlflow-skinny cannot start."""


_OF_EPOCH = (SCORE.name, "loss", "validation_loss")


def track(told: Sequence[Told], tracker: Tracker, target: Path) -> None:
    """Write the runs to `target`, beside what it holds. Raises UserError where the extra is missing, or a run is there already."""
    needed = {"optuna": "optuna", "mlflow": "mlflow", "tensorboard": "tensorboard.compat.proto.event_pb2"}[tracker]
    try:
        import_module(needed)
    except ImportError:
        raise UserError(f"--to {tracker} needs a library that is not here: pip install 'ser-tui[{tracker}]'") from None
    write: Callable[[Sequence[Told], Path], None] = {"optuna": _optuna, "mlflow": _mlflow, "tensorboard": _tensorboard}[tracker]
    with disk_errors(f"writing for {tracker}", target, "the same command again"):
        write(told, target)


def _told_of(one: Told) -> dict[str, Any]:
    """What is said of a run beside its trials."""
    document, start = one.document, one.state.start
    kept = ("run_id", "corpus", "encoder", "method", "strategy", "protocol", "shares_speakers", "warnings", "findings", "classes",
            "headline", "probe", "test", "study", "machine", "fingerprints", "objectives", "pooled_over", "interval_speakers")  # fmt: skip
    scored = {} if start is None else {"scored_folds": list(start.objective), "all_folds": start.folds}
    return {**{key: document[key] for key in kept}, **scored}


def _numbers(trial: Mapping[str, Any]) -> dict[str, float]:
    """The scores of a trial by name, ends of intervals with _low and _high."""
    found: dict[str, float | None] = {name: trial[name] for name in (BCA, ACCURACY, "loss", BEST_EPOCH.name, "probe_p", "seconds")}
    for name, key in SHARES.items():
        found[f"{name}_low"], found[f"{name}_high"] = key.found(trial)[1] or (None, None)
    found |= {name: trial["scores"][name]["value"] for name in MEASURES if name in trial["scores"]}
    found["utterances"] = trial["utterances"] or None
    found[OF_FEATURES] = 1.0 if trial["scores"].get(PEAK_MEMORY, {}).get("with_features") else None
    return {name: value for name, value in found.items() if value is not None}


def _times(one: Told, place: int) -> tuple[datetime | None, datetime | None]:
    """When a trial began and ended, in UTC."""
    trial = one.state.trials[place]
    begun = parse_time(trial.started).astimezone(UTC) if trial.started else None
    return begun, None if begun is None or trial.seconds is None else begun + timedelta(seconds=trial.seconds)


def _over(trial: Mapping[str, Any]) -> bool:
    return str(trial["status"]) != "running"


def _dropped(trial: Mapping[str, Any]) -> bool:
    """Whether it was not trained to its end, being behind others: what trackers call pruned, or killed."""
    return str(trial["status"]) in ("dropped", "paused")


def _optuna(told: Sequence[Told], target: Path) -> None:
    """One study a run, called by its id, in an SQLite file that optuna-dashboard opens; its objectives and directions are the run's."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    # In a folder of its own first: a name with a question mark would be read as a query, and a file is to be old or new.
    with held_folder() as place:
        file = place / "optuna.db"
        if target.exists():
            shutil.copyfile(target, file)
        try:
            storage = optuna.storages.RDBStorage(f"sqlite:///{file}")
            for one in told:
                _optuna_study(optuna, storage, one)
            storage.engine.dispose()
        except optuna.exceptions.DuplicatedStudyError:
            raise UserError(f"{target} has one of these runs already: nothing was added. Give another file with -o") from None
        except (optuna.exceptions.StorageInternalError, SQLAlchemyError, RuntimeError) as error:
            why = str(error).partition("\n")[0][:120]
            raise UserError(f"{target} is no Optuna storage that can be added to ({why}); give another file with -o") from None
        finally:
            optuna.logging.set_verbosity(verbosity)
        with replacing(target, 0o644) as partial:
            shutil.copyfile(file, partial)


def _optuna_study(optuna: Any, storage: Any, one: Told) -> None:
    document = one.document
    asked = searched_for(document)
    directions = ["maximize" if measure.better == "higher" else "minimize" for measure in asked]
    study = optuna.create_study(storage=storage, study_name=document["run_id"], directions=directions)
    for key, value in _told_of(one).items():
        study.set_user_attr(key, value)
    tried = [trial["parameters"] for trial in document["trial_list"]]
    space = {
        name: found
        for name, searched in document["study"].get("search", {}).items()
        if (found := _distribution(optuna, searched, [values[name] for values in tried if name in values]))
    }
    for place, trial in enumerate(document["trial_list"]):
        if not _over(trial):
            continue
        begun, ended = _times(one, place)
        held = [trial["scores"].get(measure.name) for measure in asked]
        whole = all(one is not None for one in held)
        by_epoch = {epoch["epoch"]: epoch[SCORE.name] for epoch in trial["epochs"] if scored(epoch)}
        # Optuna takes what stands there for the objective on its way.
        by_bca = [measure.name for measure in asked] == [BCA]
        values = {name: value for name, value in trial["parameters"].items() if name in space}
        unscored = optuna.trial.TrialState.PRUNED if _dropped(trial) else optuna.trial.TrialState.FAIL
        study.add_trial(
            optuna.trial.FrozenTrial(
                number=-1, trial_id=-1, state=optuna.trial.TrialState.COMPLETE if whole else unscored,
                value=None, values=[one["value"] for one in held] if whole else None,
                datetime_start=_local(begun or ended), datetime_complete=_local(ended or begun), params=values,
                distributions={name: space[name] for name in values}, system_attrs={},
                user_attrs={
                    "trial": trial["trial"], "status": str(trial["status"]), "phase": trial["phase"], "reason": trial["reason"],
                    "best_epoch": trial["best_epoch"], "where": trial["where"],
                    "fixed": {name: value for name, value in trial["parameters"].items() if name not in space}, **_numbers(trial),
                    **({} if by_bca else {BY_EPOCH: [[epoch, value] for epoch, value in by_epoch.items()]}),
                },
                intermediate_values=by_epoch if by_bca else {},
            )
        )  # fmt: skip


def _local(moment: datetime | None) -> datetime:
    """As Optuna keeps times: this machine's, without its zone."""
    return (moment or datetime.now(UTC)).astimezone().replace(tzinfo=None)


def _distribution(optuna: Any, searched: Any, values: Sequence[Any]) -> Any:
    """Optuna's distribution of a dimension, as wide as the `values` that trials had of it, without which it takes no trial: bounds may have
    been edited since, or memory have made a batch smaller. None where it is fixed."""
    if not isinstance(searched, Mapping):
        return None
    if "choices" in searched:
        return optuna.distributions.CategoricalDistribution(list(dict.fromkeys([*searched["choices"], *values])))
    if "low" not in searched:
        return None
    low, high = min(searched["low"], *values), max(searched["high"], *values)
    if searched.get("scale") == "int":
        return optuna.distributions.IntDistribution(low, high)
    return optuna.distributions.FloatDistribution(low, high, log=searched.get("scale") == "log")


def _mlflow(told: Sequence[Told], target: Path) -> None:
    """One experiment a run, called by its id, with one run a trial, in MLflow's file store."""
    # Newer versions want to be told that files, which any version reads, are what is meant.
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    import mlflow
    from mlflow.entities import Metric, Param, RunTag

    private_folder(target)
    client = mlflow.tracking.MlflowClient(tracking_uri=target.absolute().as_uri())
    for one in told:
        document = one.document
        if client.get_experiment_by_name(document["run_id"]) is not None:
            raise UserError(f"{target} has {document['run_id']} already: nothing was added. Give another folder with -o")
    for one in told:
        document = one.document
        told_of = {f"ser_tui.{key}": str(value)[:4000] for key, value in _told_of(one).items() if key not in ("study", "machine")}
        experiment = client.create_experiment(document["run_id"], tags=told_of)
        for place, trial in enumerate(document["trial_list"]):
            if not _over(trial):
                continue
            begun, ended = (None if moment is None else int(moment.timestamp() * 1000) for moment in _times(one, place))
            run = client.create_run(experiment, start_time=begun, run_name=f"trial {trial['trial']}").info.run_id
            at = ended or begun or 0
            metrics = [Metric(name, value, at, 0) for name, value in _numbers(trial).items()]
            metrics += [Metric(f"epoch_{name}", epoch[name], at, epoch["epoch"]) for epoch in trial["epochs"]
                        for name in _OF_EPOCH if epoch[name] is not None]  # fmt: skip
            for first in range(0, len(metrics), 1000):
                client.log_batch(run, metrics=metrics[first : first + 1000])
            tags = [RunTag(name, str(trial[name])) for name in ("status", "phase", "reason", "where") if trial[name]]
            client.log_batch(run, params=[Param(name, str(value)) for name, value in trial["parameters"].items()], tags=tags)
            client.set_terminated(run, "FINISHED" if scored(trial) else "KILLED" if _dropped(trial) else "FAILED", ended)


def _tensorboard(told: Sequence[Told], target: Path) -> None:
    """A folder a run: `search` has the scores of every trial and the best so far by the study's objective, `trial-003` the epochs of one.
    Single precision, which is all that TensorBoard's scalars have."""
    for one in told:
        place = target / one.document["run_id"]
        if place.exists():
            raise UserError(f"{place} is there already: nothing was added. Give another folder with -o")
    for one in told:
        document = one.document
        place = target / document["run_id"]
        with _events(place / "search") as add:
            best = best_so_far(list(one.state.trials), one.state.measure, one.state.study.constraints)
            for number, trial in enumerate(document["trial_list"]):
                moment = (_times(one, number)[1] or datetime.now(UTC)).timestamp()
                for name, value in [*_numbers(trial).items(), ("best_so_far", best[number])]:
                    if value is not None:
                        add(name, value, trial["trial"], moment)
        for number, trial in enumerate(document["trial_list"]):
            if not trial["epochs"]:
                continue
            begun = (_times(one, number)[0] or datetime.now(UTC)).timestamp()
            with _events(place / f"trial-{trial['trial']:03d}") as add:
                for epoch in trial["epochs"]:
                    begun += epoch["seconds"]
                    for name in _OF_EPOCH:
                        if epoch[name] is not None:
                            add(name, epoch[name], epoch["epoch"], begun)


@contextmanager
def _events(folder: Path) -> Iterator[Callable[[str, float, int, float], None]]:
    """What adds (name, value, step, time) to an event file in `folder`."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    private_folder(folder)
    writer = EventFileWriter(str(folder))

    def add(name: str, value: float, step: int, moment: float) -> None:
        summary = Summary(value=[Summary.Value(tag=name, simple_value=value)])
        writer.add_event(Event(wall_time=moment, step=step, summary=summary))

    try:
        yield add
    finally:
        writer.close()
