"""Study documents in and out of YAML. Errors name the line and the nearest valid name; nothing raises a traceback."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from ser_tui.study.bounded_yaml import NotYaml, load_yaml
from ser_tui.study.document import Study
from ser_tui.study.errors import UsageError
from ser_tui.study.executor import ExecutorChoice
from ser_tui.study.hyperparameters import HYPERPARAMETERS
from ser_tui.study.protocol import Speakers, SplitProtocol
from ser_tui.study.regular import open_regular
from ser_tui.study.searching import Budget, StrategyChoice, WarmStart
from ser_tui.study.training import Training
from ser_tui.study.wrong_values import cut, finite, nearest, short, words

MAX_BYTES = 256 * 1024
_SECTIONS: dict[tuple[str, ...], type[BaseModel]] = {
    (): Study,
    ("protocol",): SplitProtocol,
    ("strategy",): StrategyChoice,
    ("budget",): Budget,
    ("warm_start",): WarmStart,
    ("training",): Training,
    ("executor",): ExecutorChoice,
}
_SHORTHAND = {"protocol": "kind", "strategy": "kind", "budget": "trials", "executor": "kind"}
"""Sections that may be written as one value, and the key that this value means."""


Check = Callable[[Study], Mapping[str, str]]
"""What is wrong with a study by dotted key, as those know it who look names up: strategies and the like."""


def load(path: Path, overrides: Iterable[str] = ()) -> Study:
    """Read a study document from `path` and apply `key=value` overrides. Raises UsageError in one line."""
    given = list(overrides)
    return validate(read(path, given), str(path), given)


def read(path: Path, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """The document at `path` with `overrides` applied, before validation."""
    try:
        with io.TextIOWrapper(open_regular(path), encoding="utf-8") as stream:
            text = stream.read(MAX_BYTES + 1)  # `parse` refuses what is longer
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}; give the path of a study document") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8, if it is a study document") from None
    raw = parse(text, str(path))
    for override in overrides:
        set_value(raw, override)
    return raw


def loads(text: str, source: str = "study", overrides: Iterable[str] = (), checks: Iterable[Check] = ()) -> Study:
    """Read a study document from `text`; `source` names it in errors. See `validate`."""
    raw, given = parse(text, source), list(overrides)
    for override in given:
        set_value(raw, override)
    return validate(raw, source, given, checks)


def parse(text: str, source: str) -> dict[str, Any]:
    """The mapping that `text` holds, which remembers its lines. Anchors are refused: they can grow without bound."""
    if len(text) > MAX_BYTES:
        raise UsageError(f"{source}: larger than {MAX_BYTES // 1024} kB; a study document is a page of YAML")
    loaded = load_yaml(text, source)
    if loaded is None:
        return CommentedMap()
    if not isinstance(loaded, CommentedMap):
        raise UsageError(f"{source}: a study document is a mapping (key: value), not {type(loaded).__name__}")
    return loaded


def validate(raw: Mapping[str, Any], source: str = "study", overrides: Sequence[str] = (), checks: Iterable[Check] = ()) -> Study:
    """The study that `raw` describes, which `checks` have nothing against.

    Raises UsageError that names the first problem, where it was written (a line of `source`, or one of the `overrides` that
    were applied) and the nearest valid name.
    """
    try:
        study = Study.model_validate(_plain(raw))
    except ValidationError as error:
        raise UsageError(_explain(error, raw, source, overrides)) from None
    except RecursionError:
        raise UsageError(f"{source}: nested too deeply for a study document") from None
    for check in checks:
        for key, text in check(study).items():
            raise UsageError(_placed(key, text, raw, source, overrides))
    return study


def problems(raw: Mapping[str, Any], checks: Iterable[Check] = ()) -> dict[str, str]:
    """Every problem of `raw` by dotted key ("" for the whole document): what a form shows beside its fields."""
    try:
        study = Study.model_validate(_plain(raw))
        return {key: text for check in checks for key, text in check(study).items()}
    except ValidationError as error:
        found: dict[str, str] = {}
        for detail in error.errors(include_url=False):
            key, text = _locate(detail)
            found.setdefault(key, text)
        return found


def _explain(error: ValidationError, raw: Mapping[str, Any], source: str, overrides: Sequence[str]) -> str:
    """One line for the first problem in `error`."""
    # A misspelt key is also a missing one: its own message is the one that helps.
    detail = min(error.errors(include_url=False), key=lambda entry: entry["type"] != "extra_forbidden")
    return _placed(*_locate(detail), raw, source, overrides)


def _placed(key: str, text: str, raw: Mapping[str, Any], source: str, overrides: Sequence[str]) -> str:
    """The line that says where `key` was written, and `text`."""
    for override in reversed(overrides):
        if f"{key}.".startswith(f"{override.partition('=')[0].strip()}."):
            return f"--set {cut(override)}: {cut(key)}: {text}"
    line = _line(raw, key)
    return f"{source}: " + (f"line {line}: " if line else "") + (f"{cut(key)}: " if key else "") + text


def dumps(study: Study) -> str:
    """The study as YAML, every default written out; `loads(dumps(study)) == study`."""
    return yaml_text(to_plain(study))


def yaml_text(plain: Mapping[str, Any]) -> str:
    """A study as plain data, of a log say, as YAML."""
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 4096
    stream = io.StringIO()
    yaml.dump(plain, stream)
    return stream.getvalue()


def to_plain(study: Study) -> dict[str, Any]:
    """The study as plain JSON-safe data, fixed dimensions as bare values."""
    data: dict[str, Any] = study.model_dump(mode="json", exclude_none=True)
    data["search"] = {name: dimension["fixed"] if set(dimension) == {"fixed"} else dimension for name, dimension in data["search"].items()}
    data["executor"] = {name: value for name, value in data["executor"].items() if value not in ("", "none", [], {})}
    if len(data["corpus"]) == 1:
        data["corpus"] = data["corpus"][0]
    data["speakers"] = {
        name: chosen["only"] if not chosen["without"] else {key: names for key, names in chosen.items() if names}
        for name, chosen in data["speakers"].items()
    }
    return data


def set_value(raw: dict[str, Any], assignment: str) -> None:
    """Apply one `dotted.key=value` to a document; the value is read as YAML. Raises UsageError."""
    key, separator, text = assignment.partition("=")
    parts = key.strip().split(".")
    asked = f"--set {cut(assignment)}"
    if not separator or not all(parts):
        raise UsageError(f"{asked}: write key=value, for example search.learning_rate.high=1e-4")
    try:
        value = load_yaml(text, asked) if text.strip() else ""
    except NotYaml:
        value = text
    target: dict[str, Any] = raw
    for index, part in enumerate(parts[:-1]):
        inner = target.get(part)
        if not isinstance(inner, dict):
            shorthand = _SHORTHAND.get(part) if index == 0 else None
            if inner is not None and shorthand is None:
                raise UsageError(f"{asked}: {'.'.join(parts[: index + 1])} is {short(inner)}, it has no {parts[index + 1]}")
            inner = {} if inner is None or shorthand is None else {shorthand: inner}
            target[part] = inner
        target = inner
    target[parts[-1]] = value


def _plain(value: Any) -> Any:
    """ruamel's round-trip containers and scalars as plain ones: pydantic's strict unions look at exact types."""
    if isinstance(value, Mapping):
        return {str(finite(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    value = finite(value)
    if isinstance(value, bool) or value is None:
        return value
    width = getattr(value, "_width", None) or 0
    if isinstance(value, int) and width > len(str(int(value))):
        # 03 is EmoDB's name for a speaker: keep its zero; where a number is wanted pydantic reads one from the text.
        return str(int(value)).zfill(width)
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return str(value)


_TAGS = {"real", "integer", "choice", "fixed"}
_KEY_FIRST = re.compile(r"([a-z_]+(?:\.[a-z_]+)*): (.+)", re.DOTALL)
"""objective: 'f1' is not one of ...: a dotted key, and what is wrong with it."""


def _locate(detail: Any) -> tuple[str, str]:
    """Dotted key and readable text of one pydantic error."""
    location = [part for part in detail["loc"] if part not in _TAGS and not str(part).startswith("function-")]
    text = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        text = "no such key" + nearest(str(location[-1]), _keys(location[:-1]))
    elif text.startswith("speakers."):
        named, _, text = text.partition(": ")
        location = named.split(".")
    elif text.startswith("search."):
        named, _, text = text.partition(": ")
        location = named.split(".")
        if location[-1] not in HYPERPARAMETERS:
            text = "no such hyperparameter" + nearest(location[-1], list(HYPERPARAMETERS))
    elif not location and (named_first := _KEY_FIRST.match(text)) and named_first[1].partition(".")[0] in Study.model_fields:
        # What is wrong between several keys is found where no key is known; its text names the one to change.
        location, text = named_first[1].split("."), named_first[2]
    elif detail["type"] in {"dict_type", "model_type"} and location[:1] == ["search"]:
        if len(location) == 1:
            close = nearest(str(detail["input"]), ["paper", "recommended"], "")
            text = f"{short(detail['input'])} is not paper, recommended, or a mapping (hyperparameter: value){close}"
        else:
            text = f"{short(detail['input'])} is not a value, {{low, high}} or {{choices}}"
    else:
        text = words(detail)
        if not location:
            location, text = _named(text)
    return ".".join(str(part) for part in location), _one_line(text)


def _named(text: str) -> tuple[list[Any], str]:
    """The key that a sentence about several settings begins with, and the rest of it: it stands beside that field of a form, and a line
    of the document is told."""
    key, colon, rest = text.partition(": ")
    section, _, name = key.partition(".")
    fields = _SECTIONS[(section,)].model_fields if (section,) in _SECTIONS else {}
    if colon and section in Study.model_fields and (not name or name in fields):
        return key.split("."), rest
    return [], text


def _keys(location: list[Any]) -> list[str]:
    section = _SECTIONS.get(tuple(str(part) for part in location))
    if section is not None:
        return list(section.model_fields)
    if location[:1] == ["speakers"]:
        return list(Speakers.model_fields)
    if location[:1] == ["search"]:
        return list(HYPERPARAMETERS) if len(location) == 1 else ["low", "high", "scale", "choices", "fixed"]
    return []


def _line(raw: Mapping[str, Any], key: str) -> int | None:
    """1-based line of the deepest part of dotted `key` that `raw` holds, if it came from YAML."""
    line: int | None = None
    node: Any = raw
    for part in key.split("."):
        if not isinstance(node, CommentedMap) or part not in node:
            break
        try:
            line = node.lc.key(part)[0] + 1
        except (KeyError, AttributeError, TypeError):
            pass  # set from the command line: it has no line of its own
        node = node[part]
    return line


def _one_line(value: object) -> str:
    return " ".join(str(value).split())[:300]
