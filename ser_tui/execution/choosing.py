"""How many trials a study has under way at a time, and who makes them."""

from __future__ import annotations

from ser_tui.costs import trial_costs, worker_gain
from ser_tui.costs.worker_gain import Gain
from ser_tui.execution.local import LocalWorkers, threads_of
from ser_tui.execution.memory_limit import SHARE, free_bytes
from ser_tui.execution.messages import MeasureEpoch, PlainPart
from ser_tui.experiment.crew import Crew
from ser_tui.experiment.data import SplitCorpus
from ser_tui.experiment.executing import Executor, InProcess, Stages, WorkerDied
from ser_tui.experiment.surroundings import Surroundings
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import counted
from ser_tui.study.load import dumps
from ser_tui.training.processor import processor
from ser_tui.training.threads import cores
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import NonFiniteLoss

MOST_WORKERS = 4
"""That "auto" takes. Of the trials under way a strategy knows nothing: with many of them a search of 15 trials is one at random."""
LEAST_GAIN = 1.05
"""Several workers are taken where they make so many times the trials; less would not pay for what a strategy is not told."""
ROOM = 1.5
"""A worker may want so many times the memory that it held while it was measured: a study's longest batch may be longer."""
_GB = 1e9


def chosen(session: Surroundings, study: Study, data: SplitCorpus, trainer: Trainer, stages: Stages) -> Executor:
    """The executor that the study's `workers` asks for. Probes, which take fractions of a second, and a single worker's trials are
    made in this process, unless a Dask cluster is to make them. Raises TrialStopped."""
    if study.executor.is_dask:
        from ser_tui.execution.dask_workers import of_cluster  # whose library takes a second to import

        return of_cluster(session, study, data, trainer)
    if study.method != "finetune" or study.workers == 1:
        why = "probes are fitted one by one, in fractions of a second" if study.method == "probe" else "members are trained one by one"
        told = f"workers: {study.workers} is for fine-tuning; {why}"
        return InProcess(session, trainer, stages, Crew(told="" if study.workers in (1, "auto") else told))
    if study.workers != "auto":
        workers = LocalWorkers(study.workers, session.should_stop)
        workers.prepare(study, data, trainer, _crew(study.workers, 1.0, "as the study says"))
        return workers
    return _measured(session, study, data, trainer, stages)


def _measured(session: Surroundings, study: Study, data: SplitCorpus, trainer: Trainer, stages: Stages) -> Executor:
    """What "auto" comes to on this machine with this encoder."""
    count, workers = min(cores(), MOST_WORKERS), None
    if count < 2:
        return InProcess(session, trainer, stages, Crew(told="1 worker: there is one core"))
    name = f"{trial_costs.key(trainer.encoder_fingerprint, trainer.precision, cores(), processor())} x{count}"
    gain, room = worker_gain.recall(name), free_bytes() * SHARE
    when = "as measured here before"
    try:
        if gain is None:
            when = "as measured now"
            session.note(f"measuring whether {_called(count)} make more trials than {_called(1)}")
            session.limit_memory()
            train, validation = worker_gain.parts(data)
            alone, _, _ = worker_gain.epoch_of(study, train, validation, data.classes, session.should_stop)
            workers = LocalWorkers(count, session.should_stop)
            plain = PlainPart.of(train), PlainPart.of(validation)
            found = workers.measure(MeasureEpoch(study=dumps(study), train=plain[0], validation=plain[1], classes=data.classes))
            together = sum(one.seconds for one in found) / len(found)
            gain = Gain(count, alone, together, max(one.peak or 1.0 for one in found))
            if threads_of(count) == 1 and min(one.share for one in found) < worker_gain.UNDISTURBED:
                when = "as measured now beside other work, and not remembered"
            else:
                worker_gain.remember(name, gain)
        refusal = _refusal(gain, room)
        if not refusal:
            workers = workers or LocalWorkers(count, session.should_stop)
            workers.prepare(study, data, trainer, _crew(count, gain.times, _numbers(gain, when), gain))
            return workers
    except (NonFiniteLoss, MemoryError, UserError, WorkerDied, RuntimeError, ValueError, OSError) as error:
        refusal, gain = f"{_called(count)} could not be measured ({str(error) or type(error).__name__})", None
    except BaseException:
        if workers is not None:
            workers.close()
        raise
    if workers is not None:
        workers.close()
    facts = {} if gain is None else _facts(gain)
    return InProcess(session, trainer, stages, Crew(told=f"{_called(1)}: {refusal}", facts=facts))


def _called(workers: int) -> str:
    """2 workers of 1 thread"""
    return f"{counted(workers, 'worker')} of {counted(threads_of(workers), 'thread')}"


def _crew(workers: int, times: float, why: str, gain: Gain | None = None) -> Crew:
    facts = {"workers": workers, "threads": threads_of(workers)} if gain is None else _facts(gain)
    return Crew(workers, threads_of(workers), times, f"{_called(workers)}: {why}", facts)


def _numbers(gain: Gain, when: str) -> str:
    seconds = f"{gain.alone:.2f} s an epoch alone, {gain.together:.2f} s together"
    return f"{gain.times:.2f} times the trials of {_called(1)}, {when} ({seconds}); {gain.peak / _GB:.1f} GB each"


def _refusal(gain: Gain, room: float) -> str:
    """Why these workers are not taken; empty where they are."""
    if gain.times < LEAST_GAIN:
        return f"{_called(gain.workers)} make {gain.times:.2f} times the trials, less than {LEAST_GAIN:g} times"
    if (wanted := gain.workers * gain.peak * ROOM) > room:
        return f"{_called(gain.workers)} may want {wanted / _GB:.1f} GB, and {room / _GB:.1f} GB are free"
    return ""


def _facts(gain: Gain) -> dict[str, float]:
    return {
        "workers": gain.workers, "threads": threads_of(gain.workers), "gain": round(gain.times, 3), "alone": round(gain.alone, 3),
        "together": round(gain.together, 3), "peak_memory": gain.peak,
    }  # fmt: skip
