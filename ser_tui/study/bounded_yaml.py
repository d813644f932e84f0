"""YAML that a person wrote, read within bounds: what is larger or deeper than any page of it is refused before it is built."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, MappingStartEvent, ScalarEvent

from ser_tui.study.errors import UsageError

MAX_DEPTH = 20
MAX_ENTRIES = 1000
"""Of one list or mapping."""
MAX_VALUES = 5000
"""Of a whole document: reading them takes seconds, and nobody has written more by hand."""


class NotYaml(UsageError):
    """Text that is no YAML at all, which a value on the command line need not be."""


def load_yaml(text: str, source: str, kind: Literal["rt", "safe"] = "rt") -> Any:
    """What `text` holds, in containers that remember their lines ("rt") or in plain ones ("safe"); `source` names it in errors. Raises
    NotYaml where it is none, UsageError for what is refused before it is built: anchors, and whatever is without bound."""
    try:
        _refuse_unbounded(YAML(typ="rt", pure=True).parse(io.StringIO(text)), source)
        return (YAML(typ="rt", pure=True) if kind == "rt" else YAML(typ="safe", pure=True)).load(text)
    except MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise NotYaml(f"{source}: {line}not valid YAML: {_one_line(error.problem or error.context)}") from None
    except (YAMLError, ValueError, RecursionError, TypeError, KeyError, AttributeError, IndexError) as error:
        # ruamel's scanner lets a few ValueErrors and lookups escape on malformed scalars (dates, tags).
        raise NotYaml(f"{source}: not valid YAML: {_one_line(error)}") from None


def _refuse_unbounded(events: Iterable[Any], source: str) -> None:
    """Raise UsageError at the first event of a document that is larger, or deeper, than any study, before it is built."""
    held: list[int] = []
    """Entries so far of each list or mapping that is open, the outermost first."""
    total = 0
    for event in events:
        where = f"{source}: line {event.start_mark.line + 1}"
        if isinstance(event, AliasEvent):
            raise UsageError(f"{where}: aliases (*name) are not used here; write it out")
        if isinstance(event, ScalarEvent | CollectionStartEvent):
            total += 1
            if held:
                held[-1] += 1
            if held and held[-1] > 2 * MAX_ENTRIES:
                # A mapping's keys are counted too.
                raise UsageError(f"{where}: more than {MAX_ENTRIES} entries in one list; write an interval, {{low, high}}, or fewer")
            if total > MAX_VALUES:
                raise UsageError(f"{where}: more than {MAX_VALUES} values; a page of YAML has fewer")
        if isinstance(event, CollectionStartEvent):
            held.append(0 if isinstance(event, MappingStartEvent) else MAX_ENTRIES)
        elif isinstance(event, CollectionEndEvent):
            held.pop()
        if len(held) > MAX_DEPTH:
            raise UsageError(f"{where}: nested too deeply")


def _one_line(text: object) -> str:
    return " ".join(str(text).split())[:200]
