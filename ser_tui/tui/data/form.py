"""The new-study form without its widgets: texts by dotted key, and the study document that they make."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ser_tui.store.drafts import Draft
from ser_tui.strategies import registry as strategies
from ser_tui.study import extras
from ser_tui.study.document import AUTOSPEECH_MINUTES, Study
from ser_tui.study.errors import UserError
from ser_tui.study.executor import ExecutorChoice
from ser_tui.study.hyperparameters import MEMBERS, REGRESSION, STRENGTH, TRAINED, Hyperparameter, counts, default, for_method, joins
from ser_tui.study.load import problems, to_plain, validate
from ser_tui.study.protocol import PROTOCOL_SETTINGS, SplitProtocol
from ser_tui.study.records import plain
from ser_tui.study.scores import MEASURES
from ser_tui.study.searching import Budget, StrategyChoice, WarmStart
from ser_tui.study.sense import senseless
from ser_tui.study.training import READ_BY_AUTOSPEECH, READ_BY_PROBES, Training
from ser_tui.tui.data.corpus_facts import CorpusFacts

Kind = Literal["range", "choices", "fixed"]


SWITCH = ("no", "yes")


@dataclass(frozen=True)
class FormField:
    """One setting of a study, as its document's class declares it. No `options`: free text."""

    key: str
    label: str
    help: str
    options: tuple[str, ...] = ()
    width: int = 24
    kind: type = str
    """What the text says: a number, a word, a list (tuple) whose items are apart by blanks or commas (of PHRASES: by commas), or pairs
    (dict)."""
    optional: bool = False
    """Left empty, the key is left out of the document."""
    default: str = ""
    """What is typed where the document says nothing."""

    @property
    def listed(self) -> bool:
        """Whether the text is a list."""
        return self.kind is tuple


PHRASES = ("constraints",)
"""Lists whose items hold blanks: latency <= 0.05."""
_WIDTHS = {"seed": 12, "protocol.seed": 10, "budget.trials": 8, "budget.minutes": 8, "budget.stop_after": 8}
"""Columns of numbers that want more than the usual six."""


def declared(key: str, item: FieldInfo, options: tuple[str, ...] = (), default: str = "") -> FormField:
    """The form's field for a field of a pydantic class: label and help from its title and description, choices from its type.

    `options` are the choices where they are known only as the program runs.
    """
    annotation, optional = item.annotation, False
    if get_origin(annotation) in (Union, UnionType):
        kinds = [one for one in get_args(annotation) if one is not NoneType]
        optional = len(kinds) < len(get_args(annotation))
        annotation = kinds[0] if len(kinds) == 1 else int  # a number, or a word that stands for one
    if get_origin(annotation) is Literal:
        options, annotation = options or get_args(annotation), str
    elif annotation is bool:
        options = SWITCH
    origin = get_origin(annotation) or annotation
    kind = origin if isinstance(origin, type) else str
    width = _WIDTHS.get(key, 6) if kind in (int, float) else 24
    name = key.rpartition(".")[2]
    return FormField(key, item.title or name, item.description or "", options, width, kind, optional, default)


def _section(name: str, model: type[BaseModel], *first: str) -> tuple[FormField, ...]:
    """The fields of a part of the document, those of `first` ahead of the others."""
    fields = model.model_fields
    named = [field for field in dict.fromkeys((*first, *fields)) if fields[field].title is not None]  # others are for documents alone
    return tuple(declared(f"{name}.{field}", fields[field]) for field in named)


def _strategy_settings() -> tuple[FormField, ...]:
    """The settings of all strategies, as their records declare them."""
    found: dict[str, FormField] = {}
    for record in strategies.records().values():
        for name, item in record.settings.model_fields.items():
            if item.title is None:
                continue  # for documents alone
            key = f"strategy.{name}"
            found.setdefault(key, declared(key, item, default=written(item.default)))
    return tuple(found.values())


def written(value: Any) -> str:
    """A value as it is typed: 1e-06 as 1e-6, 5.0 as 5."""
    if isinstance(value, float):
        text = f"{value:g}"
        mantissa, exponent, power = text.partition("e")
        return f"{mantissa}e{int(power)}" if exponent else text
    return "" if value is None else str(value)


def _of_study(*names: str) -> tuple[FormField, ...]:
    return tuple(declared(name, Study.model_fields[name]) for name in names)


_SETTINGS = _strategy_settings()
_KINDS = tuple(strategies.records())
_EXECUTOR = tuple(item for item in _section("executor", ExecutorChoice) if item.kind is not dict)
"""Settings of a cluster, which may be of any shape, are for documents alone."""
_LAYOUT: tuple[tuple[str, tuple[FormField, ...]], ...] = (
    ("", _of_study("name", "method")),
    ("PROTOCOL", _section("protocol", SplitProtocol)),
    (
        "STRATEGY",
        (
            declared("strategy.kind", StrategyChoice.model_fields["kind"], _KINDS),
            *_SETTINGS,
            *_section("budget", Budget, "trials", "minutes", "stop_after"),
            *_of_study("seed", "workers"),
            *_EXECUTOR,
            declared("objective", Study.model_fields["objective"], tuple(MEASURES)),
            *_of_study("objectives", "constraints"),
            *_section("warm_start", WarmStart),
        ),
    ),
    (
        "TRAINING",
        (
            *_of_study("labels"),
            *_section(
                "training", Training,
                "precision", "normalize", "trim_silence", "augment", "warmup", "gradient_clip", "collapse_guard",
            ),
        ),
    ),
)  # fmt: skip
FIELDS: tuple[FormField, ...] = tuple(item for _, fields in _LAYOUT for item in fields)
_WHOSE = declared("speakers", Study.model_fields["speakers"])
SPEAKERS = replace(_WHOSE, help=f"{_WHOSE.help}; enter chooses or leaves out speakers")
"""Chosen from a list, as corpora are."""
BY_KEY = {item.key: item for item in FIELDS}
SECTIONS = tuple((heading, tuple(item.key for item in fields)) for heading, fields in _LAYOUT)
"""Heading -> the keys below it. A field that is added to a section of the document is shown at its end by itself."""
_PROTOCOL = {f"protocol.{name}" for names in PROTOCOL_SETTINGS.values() for name in names}
_OF_DASK = {item.key for item in _EXECUTOR if item.key != "executor.kind"}
_LEFT_OUT = {
    "protocol.speakers", "protocol.objective_folds", *_OF_DASK, *(item.key for item in _SETTINGS),
    *(f"training.{name}" for name in Training.model_fields),
}  # fmt: skip
"""Settings that the document lacks where the study does not read them, or they would refuse what is shown. Not all are: the folds of a
protocol are read by `ser-tui folds` too."""
_TRAINING = {"workers", *(f"training.{name}" for name in Training.model_fields if name not in READ_BY_PROBES)}
"""Settings that not every study reads: not every protocol, not every method."""


_READ: Mapping[str, tuple[str, ...]] = {kind: tuple(names) for kind, names in PROTOCOL_SETTINGS.items()}
"""The settings that a protocol reads, by its kind as it is typed."""


CLASSIFIER = "training.classifier"
AUTOSPEECH: Mapping[str, str] = {"strategy.kind": "grid", "budget.trials": "", "budget.minutes": written(AUTOSPEECH_MINUTES)}
"""What a study says by itself of these where its method is autospeech."""


@dataclass
class DimensionText:
    """What is typed for one hyperparameter; the texts of the kinds that are not chosen are kept, so nothing typed is lost."""

    hyperparameter: Hyperparameter
    kind: Kind = "fixed"
    low: str = ""
    high: str = ""
    scale: str = "linear"
    choices: str = ""
    fixed: str = ""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that this hyperparameter can have: a word has no interval."""
        return ("choices", "fixed") if self.hyperparameter.kind == "text" else ("range", "choices", "fixed")

    @property
    def scales(self) -> tuple[str, ...]:
        """The scales that an interval of it can have."""
        return ("int",) if self.hyperparameter.kind == "integer" else ("linear", "log")

    def take(self, dimension: Any) -> None:
        """Fill in from a study document's dimension: {low, high, scale}, {choices} or a value."""
        if isinstance(dimension, Mapping) and "choices" in dimension:
            self.kind, self.choices = "choices", " ".join(written(item) for item in dimension["choices"])
        elif isinstance(dimension, Mapping) and "low" in dimension:
            self.kind, self.low, self.high = "range", written(dimension["low"]), written(dimension.get("high"))
            self.scale = str(dimension.get("scale", self.scales[0]))
        else:
            value = dimension.get("fixed") if isinstance(dimension, Mapping) else dimension
            self.kind, self.fixed = "fixed", written(value)

    def raw(self) -> Any:
        """The dimension as a study document writes it, with whatever was typed."""
        if self.kind == "range":
            scale = self.scale if self.scale in self.scales else self.scales[0]
            return {"low": number(self.low), "high": number(self.high), "scale": scale}
        if self.kind == "choices":
            return {"choices": [self._value(item) for item in items(self.choices)]}
        return {"fixed": self._value(self.fixed.strip())}

    def _value(self, text: str) -> Any:
        return text if self.hyperparameter.kind == "text" else number(text)


_TYPED = ("kind", "low", "high", "scale", "choices", "fixed")
"""The fields of a `DimensionText` that somebody types or chooses."""


@dataclass
class StudyForm:
    """A study that is being written. `rest`: what the document held and the form does not show."""

    texts: dict[str, str] = field(default_factory=dict)
    corpus: list[str] = field(default_factory=list)
    speakers: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """Corpus -> only: those used, or without: those left out; without an entry everybody is used."""
    encoder: str = ""
    dimensions: dict[str, DimensionText] = field(default_factory=dict)
    rest: dict[str, Any] = field(default_factory=dict)
    _before: dict[str, str] = field(default_factory=dict)
    """What `AUTOSPEECH` has taken the place of, so that it comes back with another method."""

    @classmethod
    def from_study(cls, study: Mapping[str, Any]) -> StudyForm:
        """The form filled in with a resolved study document; what one of an earlier version does not say is as it was then: the default."""
        document = plain(study)
        with suppress(UserError):  # what is wrong in it is said beside its fields
            document = to_plain(validate(document))
        form = cls(rest=document)
        for item in FIELDS:
            form.texts[item.key] = _text(item, _get(document, item.key)) or item.default
        corpus = document.get("corpus", "")
        form.corpus = [name for name in ([corpus] if isinstance(corpus, str) else map(str, corpus)) if name]
        speakers = document.get("speakers")
        form.speakers = {name: _whose(chosen) for name, chosen in speakers.items()} if isinstance(speakers, Mapping) else {}
        form.encoder = str(document.get("encoder", ""))
        form.set_method(form.texts["method"])
        form.set_search(document.get("search", {}))
        return form

    @classmethod
    def from_draft(cls, draft: Draft) -> StudyForm:
        """The form as it was left; what a draft of another version does not know of is at its default."""
        form = cls.from_study(draft.rest)
        form.texts.update({key: text for key, text in draft.texts.items() if key in form.texts})
        form.corpus, form.encoder = list(draft.corpus), draft.encoder
        form.speakers = {name: {how: list(names) for how, names in one.items()} for name, one in draft.speakers.items()}
        form.set_method(form.texts["method"])
        for name, dimension in form.dimensions.items():
            kept = draft.dimensions.get(name, {})
            for key in _TYPED:
                if key in kept and (key != "kind" or kept[key] in dimension.kinds):
                    setattr(dimension, key, kept[key])
        return form

    def draft(self, origin: str = "") -> Draft:
        """What was typed, to be kept."""
        dimensions = {name: {key: str(getattr(one, key)) for key in _TYPED} for name, one in self.dimensions.items()}
        return Draft(dict(self.texts), list(self.corpus), copy.deepcopy(self.speakers), self.encoder, dimensions, self.rest, origin)

    @classmethod
    def default(cls, corpus: str, encoder: str, search: Mapping[str, Any]) -> StudyForm:
        """A new study: every default of the document, the given corpus and encoder, and the bounds that suit it."""
        raw = {"name": f"{corpus}-gp", "corpus": corpus, "encoder": encoder, "search": dict(search)}
        return cls.from_study(to_plain(validate(raw, "defaults")))

    def set_method(self, method: str) -> None:
        """Show the hyperparameters of a training method; values of those that both have are kept."""
        self.texts["method"] = method
        known = for_method(method)
        for name, hyperparameter in known.items():
            if name not in self.dimensions:
                self.dimensions[name] = DimensionText(hyperparameter, fixed=self._default(name))
        self.dimensions = {name: self.dimensions[name] for name in known}

    def choose_method(self, method: str) -> None:
        """As `set_method`, for somebody who chose it: autospeech comes, and goes, with its order, its time and its sets of members."""
        before = self.texts["method"]
        self.set_method(method)
        if method == before or "autospeech" not in (method, before):
            return
        if method == "autospeech":
            self._before = {key: self.texts[key] for key in AUTOSPEECH}
            self.dimensions[MEMBERS].take({"choices": joins()})
        self.texts.update(AUTOSPEECH if method == "autospeech" else self._before)

    def choose_classifier(self, classifier: str) -> None:
        """Take the classifier, and its C where that of the one before had not been changed."""
        before = self._default(STRENGTH)
        self.texts[CLASSIFIER] = classifier
        strength = self.dimensions.get(STRENGTH)
        if strength is not None and strength.fixed == before:
            strength.fixed = self._default(STRENGTH)

    def _default(self, name: str) -> str:
        return written(default(name, self.texts.get(CLASSIFIER, REGRESSION)))

    def set_search(self, search: Mapping[str, Any]) -> None:
        """Take the bounds of `search`; what it does not name is fixed at what it was."""
        for name, dimension in self.dimensions.items():
            if name in search:
                dimension.take(search[name])
            elif dimension.kind != "fixed":
                dimension.take(self._default(name))

    def has_search(self, search: Mapping[str, Any]) -> bool:
        """Whether the bounds are those of `search`, as far as it names them."""
        other = copy.deepcopy(self.dimensions)
        for name, dimension in other.items():
            if name in search:
                dimension.take(search[name])
        return all(dimension.raw() == other[name].raw() for name, dimension in self.dimensions.items())

    def raw(self) -> dict[str, Any]:
        """The study document as typed, right or wrong."""
        raw = copy.deepcopy({key: value for key, value in self.rest.items() if key != "search"})
        unread = {key for key, read in self.relevant().items() if not read and key in _LEFT_OUT}
        for key in unread:
            section, _, name = key.partition(".")
            if isinstance(inner := raw.get(section), dict):
                inner.pop(name, None)
        raw["strategy"] = {}
        if self.texts["executor.kind"] != "dask":
            raw["executor"] = {}
        for item in FIELDS:
            if item.key not in unread:
                _put(raw, item.key, _typed(item, self.texts.get(item.key, "")), item.optional)
        raw["corpus"] = list(self.corpus)
        # Those of a corpus that was taken out of the study go with it.
        raw["speakers"] = {name: dict(chosen) for name, chosen in self.speakers.items() if name in self.corpus}
        raw["encoder"] = self.encoder
        raw["search"] = {name: dimension.raw() for name, dimension in self.dimensions.items() if self.counts(name)}
        return raw

    def counts(self, name: str) -> bool:
        """Whether a trial of what is typed for `trained` may read the hyperparameter `name`."""
        trained = self.dimensions.get(TRAINED)
        if trained is None:
            return True
        words = items(trained.choices if trained.kind == "choices" else trained.fixed)
        return any(counts(name, word) for word in words) or not any(word in trained.hyperparameter.options for word in words)

    def foldable(self) -> dict[str, list[str]]:
        """Section -> the keys in it that a terminal of few lines need not show: hyperparameters at one value, and settings of TRAINING
        that say what a document says by saying nothing of them."""
        read = self.relevant()
        return {
            "SEARCH": [f"search.{name}" for name, one in self.dimensions.items() if one.kind == "fixed" and self.counts(name)],
            "TRAINING": [key for key, text in _AT_REST.items() if self.texts.get(key, "") == text and read.get(key, True)],
        }

    def used(self, facts: Iterable[CorpusFacts]) -> list[CorpusFacts]:
        """The facts of the utterances that the study uses of the corpora that `facts` tell of."""
        return [one.chosen(**self.speakers.get(one.name, {})) for one in facts]

    def relevant(self) -> dict[str, bool]:
        """Which of the settings that not every study reads are read by this one."""
        read = {f"protocol.{name}" for name in _READ.get(self.texts["protocol.kind"], ())}
        read |= self._strategy_keys()
        if self.texts["method"] == "finetune":
            read |= _TRAINING
        if self.texts["method"] == "autospeech":
            read |= {f"training.{name}" for name in READ_BY_AUTOSPEECH}
        if self.texts["executor.kind"] == "dask":
            read |= {"workers", *_OF_DASK}
        return {key: key in read for key in (*_PROTOCOL, *(item.key for item in _SETTINGS), *_TRAINING, *_OF_DASK)}

    def problems(self) -> dict[str, str]:
        """What is wrong by dotted key, as `ser_tui.study.load.problems` says it."""
        return problems(self.raw(), (strategies.check, extras.missing, senseless))

    def _strategy_keys(self) -> set[str]:
        """The keys of the settings that the chosen strategy has."""
        chosen = strategies.records().get(self.texts["strategy.kind"])
        return set() if chosen is None else {f"strategy.{name}" for name in chosen.settings.model_fields}


_STANDS_AT: Mapping[str, str] = {
    "budget": "budget.trials", "protocol": "protocol.kind", "strategy": "strategy.kind", "executor": "executor.kind",
    "warm_start": "warm_start.first_point", "training": "training.precision",
}  # fmt: skip
"""The field beside which what is wrong with a whole section is said."""


def field_of(key: str) -> str:
    """The key of the field that a problem is to stand beside, and that is to be mended first."""
    if key in _STANDS_AT:
        return _STANDS_AT[key]
    known = [name for name in BY_KEY if key == name or key.startswith(f"{name}.")]
    return known[0] if known else key


def problem_of(found: Mapping[str, str], key: str) -> str:
    """The problem of the field `key`, of something inside it, or of the section that it stands for."""
    for name, text in found.items():
        if name == key or name.startswith(f"{key}.") or _STANDS_AT.get(name) == key:
            return text
    return ""


def number(text: str) -> Any:
    """The number that `text` is, whole ones as int; the text itself where it is none, so that validation can say so."""
    stripped = text.strip()
    for kind in (int, float):
        try:
            return kind(stripped)
        except ValueError:
            continue
    return stripped


def items(text: str) -> list[str]:
    """What is apart by blanks or commas."""
    return text.replace(",", " ").split()


def _get(data: Mapping[str, Any], key: str) -> Any:
    node: Any = data
    for part in key.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    return node


def _put(data: dict[str, Any], key: str, value: Any, optional: bool) -> None:
    *sections, last = key.split(".")
    for section in sections:
        inner = data.get(section)
        data = data.setdefault(section, {}) if isinstance(inner, dict) or inner is None else data
    if optional and value == "":
        data.pop(last, None)
    else:
        data[last] = value


def _whose(chosen: Any) -> dict[str, list[str]]:
    """Whose utterances a document names, which is a list where it leaves out nobody."""
    named = chosen if isinstance(chosen, Mapping) else {"only": chosen}
    return {how: [str(name) for name in (names if isinstance(names, list | tuple) else [names])] for how, names in named.items()}


def _text(item: FormField, value: Any) -> str:
    if item.kind is dict:
        return ", ".join(f"{emotion}={target}" for emotion, target in (value or {}).items())
    if item.options == SWITCH:
        return "yes" if value else "no"
    if item.listed:
        return (", " if item.key in PHRASES else " ").join(str(part) for part in value or ())
    return written(value)


_AT_REST = {
    key: _text(BY_KEY[key], _get({"training": Training().model_dump()}, key)) or BY_KEY[key].default for key in dict(SECTIONS)["TRAINING"]
}
"""What the settings of TRAINING say where nothing was said of them."""


def _typed(item: FormField, text: str) -> Any:
    if item.kind is dict:
        pairs = (part.partition("=") for part in text.split(",") if part.strip())
        return {emotion.strip(): target.strip() for emotion, _, target in pairs}
    if item.options == SWITCH:
        return text == "yes"
    if item.key in PHRASES:
        return [part.strip() for part in text.split(",") if part.strip()]
    if item.listed:
        return items(text)
    return text.strip() if item.kind is str else number(text)
