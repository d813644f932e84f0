"""Writes docs/reference/ from the code: commands, study keys, events of a log, keys of `--json`, environment variables.

    python docs/make_reference.py [FOLDER]

A test compares the pages with what this makes, so that they never say what the program does not do.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

import msgspec
import typer.main
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import ser_tui
from ser_tui.cli.app import app
from ser_tui.places import VARIABLES
from ser_tui.report.document import BESIDE
from ser_tui.store.settings import TABLE, Preferences, text_of
from ser_tui.strategies import registry as strategies
from ser_tui.study import events, run_summary, scores
from ser_tui.study.document import Method, Study
from ser_tui.study.executor import ExecutorChoice
from ser_tui.study.findings import Finding
from ser_tui.study.headline import Figure
from ser_tui.study.hyperparameters import HYPERPARAMETERS, STRENGTHS, Hyperparameter, default, for_method
from ser_tui.study.notices import VARIABLES as TO_COMMANDS
from ser_tui.study.protocol import Speakers, SplitProtocol
from ser_tui.study.records import Key
from ser_tui.study.searching import Budget, StrategyChoice, WarmStart
from ser_tui.study.seeds import SeedsOnTest, SeedsSummary
from ser_tui.study.training import Training
from ser_tui.tui.app import bindings
from ser_tui.tui.widgets.keybar import key_of

PAGES = Path(__file__).parent / "reference"
MADE = "<!-- made by docs/make_reference.py: change the code, not this page -->"


def page(title: str, *parts: str) -> str:
    """One page of Markdown."""
    return "\n\n".join([f"# {title}", MADE, *parts]) + "\n"


def table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table, its cells free of what would end them."""
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "\n".join(f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def commands() -> str:
    """Every command with its arguments and options."""
    root = typer.main.get_command(app)
    parts = [
        "Without a command `ser-tui` opens the app. Exit codes: 0 done, 1 failed, 2 wrong use, 130 stopped. With `--json` a command "
        "prints one JSON document on standard output and nothing else there; notes are on standard error. Where a command cannot be done, "
        "the document has `error` and `exit_code`. One that began and failed says so in its document: `status` and `reason` of a run, "
        "`failed` of `evaluate`, the `reason` of a cell of `cross`; the exit code is then 1. "
        "`python -m ser_tui` is the same program; `ser-tui --version` prints its version."
    ]
    for words, command in sorted(_commands(root, ())):
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        options = [one for one in command.params if one.param_type_name == "option" and one.name != "help"]
        usage = " ".join(["ser-tui", *words, *(_argument(one) for one in arguments), *(["[OPTIONS]"] if options else [])])
        told = inspect.cleandoc(command.help or command.short_help or "")
        part = [f"## {' '.join(words)}", f"    {usage}", told]
        rows = [(f"`{_argument(one)}`", one.help or "") for one in arguments if one.help]
        rows += [(f"`{_option(one)}`", (one.help or "") + _default(one.default)) for one in options]
        if rows:
            part.append(table(("argument or option", "what it does"), rows))
        parts += part
    return page("Commands", *parts)


def _commands(group: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*words, name))
        elif not command.hidden:
            yield (*words, name), command


def _argument(one: Any) -> str:
    name = one.metavar or one.name.upper()
    return name if one.required or name.startswith("[") else f"[{name}]"


def _option(one: Any) -> str:
    names = "/".join([", ".join(one.opts), *one.secondary_opts])
    return names if one.is_flag else f"{names} {one.metavar or one.type.name.upper()}"


def _default(value: Any) -> str:
    return "" if value in (None, False, True, "", ()) or callable(value) else f" Default: `{value}`."


def study() -> str:
    """Every key of a study document."""
    parts = [
        "A study is a YAML file. What it does not say has its default; `--set key=value` changes any key, inner ones by dots "
        "(`--set training.balance=weights`). Errors name the line and the nearest key that there is. A setting that is not read, because "
        "of what the study says beside it, is named when the run begins.",
        "## At the top", _keys(Study),
    ]  # fmt: skip
    for name, section in (("protocol", SplitProtocol), ("strategy", StrategyChoice), ("budget", Budget),
                          ("warm_start", WarmStart), ("training", Training), ("speakers", Speakers),
                          ("executor", ExecutorChoice)):  # fmt: skip
        parts += [f"## `{name}:`", inspect.cleandoc(section.__doc__ or ""), _keys(section)]
    parts += ["### Settings of each strategy"]
    for name, record in strategies.records().items():
        parts += [f"`{name}`: {record.help}"]
        if record.settings is not None and record.settings.model_fields:
            parts.append(_keys(record.settings))
    rows = [(f"`{name}`", one.help + _counts(one), _may_be(one), _default_of(one), _methods(one)) for name, one in HYPERPARAMETERS.items()]
    parts += [
        "## `search:`",
        "`paper` (the paper's bounds), `recommended` (those that suit the study's encoder), or each hyperparameter with one value, "
        "`{choices: [...]}` or `{low: ..., high: ..., scale: log}`.",
        table(("hyperparameter", "what it is", "may be", "default", "method"), rows),
        "## What can be an objective",
        table(("`objective:`", "what it is", "better"), [(f"`{one.name}`", one.label, one.better) for one in scores.MEASURES.values()]),
    ]
    return page("Study documents", *parts)


def _methods(one: Hyperparameter) -> str:
    read = [method for method in get_args(Method) if one.name in for_method(method)]
    return "all" if len(read) == len(get_args(Method)) else ", ".join(read)


def _default_of(one: Hyperparameter) -> str:
    other = [f", of `{name}` `{default(one.name, name)}`" for name in STRENGTHS if default(one.name, name) != one.default]
    return f"`{one.default}`{''.join(other)}"


def _counts(one: Hyperparameter) -> str:
    return f" (read with `trained`: {', '.join(one.counts_with)})" if one.counts_with else ""


def _may_be(one: Hyperparameter) -> str:
    if one.options:
        return ", ".join(f"`{option}`" for option in one.options)
    return "text" if one.kind == "text" else f"{one.low:g} to {one.high:g}{', whole' if one.kind == 'integer' else ''}"


def _keys(model: type[BaseModel]) -> str:
    notes = attribute_notes(model)
    rows = []
    for name, field in model.model_fields.items():
        told = " ".join(map(_sentence, filter(None, (field.description, notes.get(name)))))
        rows.append((f"`{name}`", _type(field.annotation), _told_default(field), told or _sentence(field.title or "")))
    return table(("key", "value", "default", "what it does"), rows)


def _sentence(text: str) -> str:
    return text and f"{text[0].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _told_default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, BaseModel):
        return "see below"
    if value is None or value in ((), {}, ""):
        return "-"
    return f"`{list(value)}`" if isinstance(value, tuple) else f"`{value}`"


def _type(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin is typing.Annotated:
        return _type(arguments[0])
    if origin in (typing.Union, UnionType):
        return " or ".join(dict.fromkeys(_type(one) for one in arguments if one is not NoneType))
    if origin in (tuple, list):
        inner = [_type(one) for one in arguments if one is not Ellipsis]
        return f"list of {inner[0]}" if len(set(inner)) == 1 and Ellipsis in arguments else f"[{', '.join(inner)}]"
    if origin is not None and issubclass(origin, Mapping):
        return f"{_type(arguments[0])} to {_type(arguments[1])}"
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return "a section"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return ", ".join(f"`{one.value}`" for one in hint)
    if is_dataclass(hint) or (isinstance(hint, type) and issubclass(hint, msgspec.Struct)):
        return "object"
    plain = {str: "text", int: "whole number", float: "number", bool: "yes or no", Any: "any value"}
    return plain.get(hint) or str(getattr(hint, "__name__", hint))


def log_events() -> str:
    """Every event of a run's log."""
    parts = [
        "`events.jsonl` of a run has one event a line, as [Files](../files.md) says. What an event tells is in its `data`; a field that "
        "a log of an older version lacks has its default."
    ]
    for cls in vars(events).values():
        if not (isinstance(cls, type) and issubclass(cls, events.Event) and cls is not events.Event):
            continue
        notes = attribute_notes(cls)
        hints = typing.get_type_hints(cls)
        rows = [(f"`{one.name}`", _type(hints[one.name]), _missing(one), notes.get(one.name, ""))
                for one in fields(cls) if one.name not in ("seq", "time", "clock")]  # fmt: skip
        parts += [f"## `{cls.type}`", inspect.cleandoc(cls.__doc__ or "")]
        if rows:
            parts.append(table(("field", "value", "default", "what it is"), rows))
    return page("Events of a log", *parts)


def _missing(one: Any) -> str:
    value = one.default if one.default is not MISSING else one.default_factory() if one.default_factory is not MISSING else MISSING
    return "required" if value is MISSING else "-" if value in (None, "", ()) or value == {} else f"`{value}`"


_RECORDS: tuple[tuple[type[Any], str], ...] = (
    (run_summary.RunSummary, "A run"),
    (Figure, "`headline`"),
    (Finding, "Each of `findings`"),
    (run_summary.TrialSummary, "`best`, and each of `trial_list`"),
    (run_summary.ProbeSummary, "`probe`"),
    (run_summary.TestSummary, "`test`"),
    (SeedsSummary, "`seeds`"),
    (SeedsOnTest, "`seeds.test`"),
    (run_summary.FoldsSummary, "Each of `folds`"),
    (run_summary.EvaluationSummary, "Each of `evaluations`"),
)


def json_keys() -> str:
    """What `runs --json` and `show --json` print of a run."""
    parts = [
        "`ser-tui runs --json` prints a list of these; `show RUN --json` prints one, with `trial_list` and more beside it. "
        "A key that another version added is to be passed over."
    ]
    for cls, title in _RECORDS:
        notes, plain, full = attribute_notes(cls), typing.get_type_hints(cls), typing.get_type_hints(cls, include_extras=True)
        rows = []
        for name in _field_names(cls):
            key = next((found for found in getattr(full[name], "__metadata__", ()) if isinstance(found, Key)), Key(name))
            if key.interval:
                rows.append((f"`{key.name}`", "number", notes.get(name, "")))
                rows.append((f"`{key.interval}`", "[number, number]", "95 % interval of it"))
            else:
                rows.append((f"`{key.name}`", _type(plain[name]), notes.get(name, "")))
        parts += [f"## {title}", inspect.cleandoc(cls.__doc__ or ""), table(("key", "value", "what it is"), rows)]
    beside = [(f"`{name}`", told) for name, told in BESIDE.items()]
    more = (
        "`folds` then has each fold's scores too, `evaluations` confusions, recalls, baselines, and two kinds of transductive scores, "
        "which are made of the target's recordings together: `centred`, without the target's mean, and `self_trained`, after "
        "self-training on it."
    )
    parts += ["## Beside these in `show RUN --json`", table(("key", "what it is"), beside), more]
    return page("JSON of a run", *parts)


def _field_names(cls: type[Any]) -> list[str]:
    """The fields of a record: a dataclass, or one of msgspec's."""
    return [one.name for one in (fields(cls) if is_dataclass(cls) else msgspec.structs.fields(cls))]


def environment() -> str:
    """Every environment variable."""
    rows = [(f"`{name}`", told) for name, told in VARIABLES.items()]
    given = [(f"`{name}`", told) for name, told in TO_COMMANDS.items()]
    told = "## What the command of `notify_command` is given\n\nSee [settings](settings.md). No value holds a control character."
    return page("Environment variables", table(("variable", "what it does"), rows), told, table(("variable", "what it holds"), given))


def settings() -> str:
    """Every key of settings.yaml."""
    rows = []
    for name, key in TABLE.items():
        may = ", ".join(f"`{one}`" for one in key.metadata["choices"])
        usual = text_of(getattr(Preferences(), name))
        rows.append((f"`{name}`", key.metadata["help"], may, f"`{usual}`" if usual else ""))
    keys = [(f"`{id_}`", f"`{key_of(one)}`", one.tooltip or one.description) for id_, one in sorted(bindings().items())]
    return page(
        "Settings",
        "`settings.yaml` in the configuration folder (`ser-tui settings path`). `ser-tui settings set KEY VALUE` and the key `,` of the "
        "app's list of runs write it; an empty value brings the usual one back.",
        table(("key", "what it does", "may be", "usual"), rows),
        "## Keys of the app",
        "What `keys` may change: `ser-tui settings set keys.home.delete x,delete`. Names of keys are Textual's: "
        "`ctrl+d`, `f2`, `comma`, `shift+up`, or the character itself.",
        table(("id", "key", "what it does"), keys),
    )


API = {
    "Studies and runs": ("load_study", "run", "open_run", "runs", "Run", "Study", "UserError"),
    "Models": ("load_model", "Predictor", "Predictions", "Segments"),
    "Strategies of your own": ("Strategy", "Proposal", "Observation", "StrategyRecord", "StrategySettings", "register_strategy"),
    "Corpora and encoders of your own": ("CorpusEntry", "add_corpus", "SpeechEncoder"),
}
"""Public names in the order of the page; one that is missing here stops the page from being made."""


def api() -> str:
    """The public names of `import ser_tui`; the site's builder puts their signatures and docstrings in."""
    if unlisted := set(ser_tui.__all__) - {"__version__"} - {name for names in API.values() for name in names}:
        raise SystemExit(f"docs/make_reference.py: no part of the page on Python has {', '.join(sorted(unlisted))}")
    parts = []
    for title, names in API.items():
        parts.append(f"## {title}")
        for name in names:
            module, attribute = ser_tui._PLACES[name]
            parts.append(f"::: {module}.{attribute}\n    options:\n      heading_level: 3")
    return page(
        "Python",
        "What `import ser_tui` gives. [From Python](../python.md) says how it is used. The site (`make site`) shows every signature "
        "and docstring here.",
        *parts,
    )


def attribute_notes(cls: type[Any]) -> dict[str, str]:
    """The texts that stand under the fields of `cls` and of the classes that it extends, by field."""
    found: dict[str, str] = {}
    for one in reversed(cls.__mro__):
        module = inspect.getmodule(one)
        if module is None or not module.__name__.startswith("ser_tui"):
            continue
        for body in (node.body for node in _tree(module).body if isinstance(node, ast.ClassDef) and node.name == one.__name__):
            for before, after in pairwise(body):
                match before, after:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                        found[name] = re.sub(r"\s+", " ", text)
    return found


@cache
def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


REFERENCE = {"commands.md": commands, "study.md": study, "events.md": log_events, "json.md": json_keys, "environment.md": environment,
             "settings.md": settings, "api.md": api}  # fmt: skip


def main() -> None:
    """Write all pages, into the folder that is named or into docs/reference/."""
    pages = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGES
    pages.mkdir(exist_ok=True)
    for name, made in REFERENCE.items():
        (pages / name).write_text(made(), encoding="utf-8")


if __name__ == "__main__":
    main()
