"""The one door to strategies: which there are, what a study may say of one, and making it. Imports nothing heavy by itself."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

from pydantic import ValidationError

from ser_tui.strategies.axes import axes
from ser_tui.strategies.base import Strategy
from ser_tui.strategies.catalogue import BUILT_IN
from ser_tui.strategies.lattice import EPOCHS, UNFREEZE, every_trial
from ser_tui.strategies.records import Settings, StrategyRecord
from ser_tui.study.document import Study
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.extras import is_there
from ser_tui.study.formatting import counted
from ser_tui.study.hyperparameters import HYPERPARAMETERS
from ser_tui.study.plug_ins import PlugIns
from ser_tui.study.protocol import FOLDED
from ser_tui.study.scores import BCA
from ser_tui.study.searching import StrategyChoice
from ser_tui.study.space import Space, constants
from ser_tui.study.wrong_values import nearest, words

MOST_TRAINED = 0.8
"""Share of all epochs from where pausing trials is hardly worth it."""
PLUG_INS = PlugIns("ser_tui.strategies", StrategyRecord, "strategy")
"""Those that other packages declare."""
_registered: dict[str, StrategyRecord] = {}


def register(record: StrategyRecord) -> None:
    """Make `record` known by its name to this process alone: for a script or a notebook that runs its search itself.

    A worker's process, and the app, know strategies that a package declares as entry points. The same name again replaces the
    record. Raises UsageError where a built-in strategy or a package has that name.
    """
    if record.name in PLUG_INS or any(known.name == record.name for known in BUILT_IN):
        raise UsageError(f"a strategy is named {record.name} already; choose another name")
    _registered[record.name] = record


def is_registered(kind: str) -> bool:
    """Whether `kind` names a strategy that this process alone knows."""
    return kind in _registered


def records() -> dict[str, StrategyRecord]:
    """All strategies by name: the built-in ones first, then those of this process and of other packages. One that cannot be
    loaded is left out."""
    found = {record.name: record for record in BUILT_IN} | _registered
    return found | {record.name: record for record in PLUG_INS.sound() if record.name not in found}


def record(kind: str) -> StrategyRecord:
    """The strategy named `kind`. Raises UsageError with the nearest name, UserError where its package cannot be loaded."""
    for known in BUILT_IN:
        if known.name == kind:
            return known
    if kind in _registered:
        return _registered[kind]
    if kind in PLUG_INS:
        return PLUG_INS.load(kind)
    names = [known.name for known in BUILT_IN] + sorted({*_registered, *PLUG_INS.names})
    raise UsageError(f"{kind[:60]!r} is not one of {', '.join(names)}{nearest(kind, names, '')}")


def problems(strategy: StrategyChoice) -> dict[str, str]:
    """What is wrong with a study's `strategy`, by dotted key; empty where nothing is."""
    try:
        found = record(strategy.kind)
    except UserError as error:
        return {"strategy.kind": str(error)}
    try:
        _settings(found, strategy)
    except ValidationError as error:
        return {f"strategy.{_key(detail)}": _words(found, detail) for detail in error.errors(include_url=False)}
    return {}


def check(study: Study) -> dict[str, str]:
    """`problems` of a study's strategy, and of what it is to search for: a check for `ser_tui.study.load`."""
    found = problems(study.strategy)
    if not found and (lacking := [one for one in record(study.strategy.kind).needs if not is_there(one)]):
        install = record(study.strategy.kind).install
        said = f"{study.strategy.kind} needs {' and '.join(lacking)}, not installed here"
        found["strategy.kind"] = f"{said}: {install}" if install else said
    if not found and study.warm_start.runs and (len(study.objectives) > 1 or study.constraints):
        found["warm_start.runs"] = "past runs are told by BCA alone; write objective: bca and no constraints, or leave it out"
    if not found and study.warm_start.runs and (not record(study.strategy.kind).models or study.objective != BCA):
        said = f"strategy {study.strategy.kind} learns from no trials; name one that does, such as gp, or leave it out"
        found["warm_start.runs"] = said if study.objective == BCA else "past runs are told by BCA; write objective: bca, or leave it out"
    if not found and study.warm_start.first_point != "none" and study.method != "finetune":
        said = f"what is recommended for an encoder is for fine-tuning, and this study's method is {study.method}"
        found["warm_start.first_point"] = f"{said}; leave it out"
    if not found and study.warm_start.asked and record(study.strategy.kind).continues:
        found["warm_start"] = f"strategy {study.strategy.kind} takes none; leave it out, or take another strategy"
    if not found and record(study.strategy.kind).continues and (why := _no_rungs(study)):
        found["strategy.kind"] = f"{study.strategy.kind} {why}"
    return found


def _no_rungs(study: Study) -> str:
    """Why no trial of `study` can be paused after some of its epochs; empty where one can."""
    if study.method != "finetune":
        have = "probes have" if study.method == "probe" else f"those of method {study.method} have"
        return f"pauses trials after some of their epochs, and {have} none; write method: finetune, or take another strategy"
    if study.objective != BCA or len(study.objectives) > 1 or study.constraints:
        return "compares trials by BCA alone; write objective: bca and no constraints, or take another strategy"
    if study.protocol.kind in FOLDED and study.protocol.objective_folds != 1:
        return "continues trials on one fold; write objective_folds: 1, or take another strategy"
    if study.executor.is_dask:
        return "keeps checkpoints on this machine's disk, which the workers of a cluster do not see; take another strategy"
    return ""


def completed(study: Study) -> Study:
    """`study` with every setting of its strategy written out, so that a later version's defaults change nothing.

    Raises UsageError where its `strategy` is wrong.
    """
    return study.model_copy(update={"strategy": completed_choice(study.strategy)})


def completed_choice(strategy: StrategyChoice) -> StrategyChoice:
    """`strategy` with every setting written out. Raises UsageError where it is wrong."""
    _refuse(strategy)
    return StrategyChoice(kind=strategy.kind, **_settings(record(strategy.kind), strategy).model_dump())


def begun_with(strategy: StrategyChoice, logged: Any) -> StrategyChoice:
    """`strategy` as a run goes on with it whose log has `logged` of the strategy that it began with. A log that tells no revision is of
    before there was a second one."""
    earlier = isinstance(logged, Mapping) and logged.get("kind") == strategy.kind and "revision" not in logged
    if not earlier or "revision" in strategy.settings or "revision" not in record(strategy.kind).settings.model_fields:
        return strategy
    return StrategyChoice(kind=strategy.kind, **{**strategy.settings, "revision": 1})


def make(strategy: StrategyChoice, space: Space, seed: int, objectives: int = 1) -> Strategy:
    """The strategy for `space`. Its proposals depend on `seed`, the history and what is under way alone. With two `objectives` every
    observation of its history has both.

    Raises UsageError where the study's `strategy` is wrong, UserError where its library is missing.
    """
    _refuse(strategy)
    found = record(strategy.kind)
    if objectives == 1:
        return found.make(space, seed, _settings(found, strategy))
    from ser_tui.strategies.two_objectives import InOrder, Weighed  # numpy, which planning does without

    asked = (found.make_for_two or found.make)(space, seed, _settings(found, strategy))
    return InOrder(asked) if found.ordinal else Weighed(asked, seed)


def planned_trials(strategy: StrategyChoice, space: Space) -> int | None:
    """The size of the grid, or of a space that holds finitely many trials; None: the strategy never runs out.

    No strategy makes a trial twice, since a trial repeats itself on the same machine. Raises UsageError as `make` does.
    """
    _refuse(strategy)
    found = record(strategy.kind)
    size = None if found.size is None else found.size(space, _settings(found, strategy))
    if size is not None:
        return size
    lattice = every_trial(space)
    return None if lattice is None else lattice.size


def share_of_epochs(study: Study) -> float:
    """Which share of the epochs that its trials name a search trains, about: less than 1 where trials are paused and not all go on. Epochs
    with a frozen encoder, which take next to no time, count where the strategy counts them."""
    found = record(study.strategy.kind)
    settings = _settings(found, study.strategy)
    first, factor = getattr(settings, "first", None), getattr(settings, "factor", None)
    if not found.continues or first is None or factor is None:
        return 1.0
    frozen_count = getattr(settings, "revision", 1) < 3
    whole, trained = 0, 0.0
    for named, unfreeze in product(_levels(study.search, EPOCHS), _levels(study.search, UNFREEZE)):
        epochs = named if frozen_count else max(0, named - unfreeze)
        done, rung, going = 0, first, 1.0
        while rung < epochs:
            trained, done, rung, going = trained + going * (rung - done), rung, rung * factor, going / factor
        whole, trained = whole + epochs, trained + going * (epochs - done)
    return trained / whole if whole else 1.0


def _levels(space: Space, name: str) -> list[int]:
    """The whole numbers that `name` takes in `space`, or its default."""
    axis = next((axis for axis in axes(space) if axis.name == name and axis.levels), None)
    fixed = constants(space).get(name, HYPERPARAMETERS[name].default)
    return [int(level) for level in axis.levels or ()] if axis is not None else [int(fixed)]


def pausing_saves_little(study: Study) -> str:
    """That the trials of `study` are too short for what its strategy pauses them for, in a sentence; empty where they are not, or none is
    paused."""
    share = share_of_epochs(study)
    if not record(study.strategy.kind).continues or share < MOST_TRAINED:
        return ""
    first = getattr(_settings(record(study.strategy.kind), study.strategy), "first", None)
    kind, epochs = study.strategy.kind, counted(first or 0, "epoch")
    if share == 1:
        return f"strategy {kind} pauses no trial of this search: none trains its encoder for more than {epochs} (strategy.first)"
    earlier = "; a smaller strategy.first pauses them earlier" if first and first > 1 else ""
    return f"strategy {kind} saves little here: about {share:.0%} of the training is done all the same{earlier}"


def startup(strategy: StrategyChoice) -> int | None:
    """Random trials before the strategy models, where it has such a setting."""
    found: int | None = getattr(_settings(record(strategy.kind), strategy), "startup", None)
    return found


def foreign(strategy: StrategyChoice) -> tuple[str, ...]:
    """The settings that `strategy` names and only other strategies have."""
    own = record(strategy.kind).settings.model_fields
    return tuple(name for name in strategy.settings if name not in own)


def unheeded(study: Study) -> tuple[str, ...]:
    """A sentence for each thing that `study` says of its strategy and that changes nothing. Raises UsageError as `make` does."""
    kind, trials = study.strategy.kind, study.budget.trials
    found = [f"strategy.{name} is not read: strategy {kind} has no such setting" for name in foreign(study.strategy)]
    drawn = startup(study.strategy)
    if record(kind).models and drawn is not None and trials is not None and drawn >= trials and not study.warm_start.runs:
        count = counted(trials, "trial")
        found.append(f"strategy {kind} proposes none of {count}: the first {drawn} are drawn (strategy.startup); with more trials it does")
    return tuple(found)


def _refuse(strategy: StrategyChoice) -> None:
    for key, text in problems(strategy).items():
        raise UsageError(f"{key}: {text}")


def _settings(found: StrategyRecord, strategy: StrategyChoice) -> Settings:
    """The settings of the strategy's own class. Those that only other built-in strategies have wait in the document for a
    change of `kind`."""
    others = {name for known in BUILT_IN for name in known.settings.model_fields}
    own: Mapping[str, Any] = strategy.settings
    known = found.settings.model_fields
    return found.settings.model_validate({name: value for name, value in own.items() if name in known or name not in others})


def _key(detail: Any) -> str:
    return ".".join(str(part) for part in detail["loc"])


def _words(found: StrategyRecord, detail: Any) -> str:
    if detail["type"] == "extra_forbidden":
        return "no such key" + nearest(str(detail["loc"][-1]), ["kind", *found.settings.model_fields])
    return words(detail)
