"""settings.yaml in the configuration folder: what a person likes, each key with what it does above it. No score depends on it.

`Preferences` is the one table of keys: the file, the command, the app's screen and the reference are made from its fields.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ser_tui.places import config_folder, private_folder
from ser_tui.store.files import write_atomically
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.regular import read_regular
from ser_tui.study.wrong_values import nearest

NAME = "settings.yaml"
MOST_BYTES = 1 << 20
MOST_TEXT = 2000


def _key(default: Any, title: str, help_text: str, choices: tuple[str, ...] = (), most: int = 0) -> Any:
    return field(default=default, metadata={"title": title, "help": help_text, "choices": choices, "most": most})


@dataclass(frozen=True)
class Preferences:
    """What a person has chosen."""

    theme: str = _key(
        "auto", "colours",
        "auto is ser where the terminal has 256 colours or more, else ser-plain, which uses the terminal's own sixteen. Or the name of one "
        "of Textual's: textual-dark, textual-light, nord, gruvbox, dracula, tokyo-night, monokai, solarized-light, ansi-dark ...",
    )  # fmt: skip
    time_zone: str = _key(
        "local", "time zone",
        "The time zone of all times that are shown, with its name beside them: local, UTC, or one such as Europe/Berlin. Logs hold UTC.",
    )  # fmt: skip
    notify: str = _key(
        "never", "tell of ends",
        "When you are told that a run has ended: never, failures (it failed, or was interrupted without a word), or always. "
        "`ser-tui remark RUN --notify` or --no-notify decides it for one run.",
        ("never", "failures", "always"),
    )  # fmt: skip
    notify_bell: bool = _key(True, "bell", "Ring the terminal's bell, in the app and after `run --headless`.")
    notify_desktop: str = _key(
        "none", "desktop message", "Have the terminal show a message of the desktop: osc9 (iTerm2, WezTerm, Windows Terminal, kitty) or "
        "osc777 (urxvt, foot, Ghostty, VTE). In tmux this needs `set -g allow-passthrough on`.", ("none", "osc9", "osc777"),
    )  # fmt: skip
    notify_command: str = _key(
        "", "command", "Run by /bin/sh when a run's worker ends, whether an app is open or not. In its environment: SER_TUI_RUN, "
        "SER_TUI_STATUS, SER_TUI_NAME, SER_TUI_SCORE, SER_TUI_REASON and SER_TUI_FOLDER.",
    )  # fmt: skip
    queue_at_a_time: int = _key(1, "queue: at a time", "How many runs may be under way at once where the queue does not say.", most=64)
    mouse: str = _key(
        "auto", "mouse", "Whether the app takes clicks and the wheel. auto is on, but off in GNU screen, which holds the escape key back "
        "while the mouse is on. Nothing needs the mouse. A change holds from the next start of the app.", ("auto", "on", "off"),
    )  # fmt: skip
    keys: Mapping[str, str] = field(default_factory=dict, metadata={
        "title": "keys", "help": "Other keys than the usual ones, by the ids that `ser-tui settings keys` lists, several with commas "
        "between them. home.delete: x,delete", "choices": (), "most": 0,
    })  # fmt: skip


def _table() -> Mapping[str, Field[Any]]:
    return {one.name: one for one in fields(Preferences)}


TABLE: Mapping[str, Field[Any]] = _table()
"""Every key by its name."""
MAP = "keys"
"""The key whose value is a mapping: its entries are set as keys.ID."""


def settings_file() -> Path:
    """Where the settings are."""
    return config_folder() / NAME


def read_settings() -> tuple[Preferences, list[str]]:
    """The settings, and what is wrong with them, one line each: where something is, the default stands."""
    path = settings_file()
    try:
        data = _loaded(read_regular(path, MOST_BYTES).decode())
    except FileNotFoundError:
        return Preferences(), []
    except (OSError, ValueError, UsageError) as error:
        return Preferences(), [f"{path}: {' '.join(str(error).split())[:300]}"]
    found = Preferences()
    problems = []
    for name, value in data.items():
        try:
            found = _with(found, str(name), value)
        except UsageError as error:
            problems.append(f"{path}: {error}")
    return found, problems


def _loaded(text: str) -> Mapping[Any, Any]:
    from ser_tui.study.bounded_yaml import load_yaml

    data = load_yaml(text, "the file", "safe")
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise UsageError("the file is not a list of keys with values")
    return data


def changed_settings(changes: Mapping[str, str]) -> Preferences:
    """Write the settings with `changes`, values as a person types them; an empty one brings back the default. Raises UserError."""
    from ser_tui.store.locks import in_turn, written_in_turn  # the app, which reads settings first of all, does without

    path = settings_file()
    lock = path.with_suffix(".lock")
    with written_in_turn(lock, path, "SER_TUI_CONFIG"):
        private_folder(path.parent)
        with in_turn(lock):
            found, problems = read_settings()
            if problems:
                raise UserError(f"{problems[0]}; mend or remove the file first: what is wrong in it would be lost")
            for name, text in changes.items():
                found = _with_text(found, name, text)
            write_atomically(path, as_text(found).encode(), private=True)
    return found


def _with_text(before: Preferences, name: str, text: str) -> Preferences:
    key, _, inner = name.partition(".")
    if key == MAP:
        if not inner:
            raise UsageError("name the key too: keys.home.delete")
        kept = {one: value for one, value in before.keys.items() if one != inner}
        return _with(before, MAP, {**kept, inner: text} if text else kept)
    default = _default(name)
    if not text:
        return replace(before, **{name: default})
    if isinstance(default, bool):
        words = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
        if text.lower() not in words:
            raise UsageError(f"{name} is yes or no, not {text!r}")
        return _with(before, name, words[text.lower()])
    if isinstance(default, int):
        return _with(before, name, int(text) if text.isascii() and text.isdigit() else text)
    return _with(before, name, text)


def no_setting(name: str) -> UsageError:
    """What is raised where somebody asks for a setting called `name`, of which there is none."""
    return UsageError(f"there is no setting {name!r}{nearest(name, TABLE)}")


def _default(name: str) -> Any:
    if name not in TABLE:
        raise no_setting(name)
    return getattr(Preferences(), name)


def _with(before: Preferences, name: str, value: Any) -> Preferences:
    """`before` with a value as YAML has it. Raises UsageError where that is none of the setting's."""
    default = _default(name)
    metadata = TABLE[name].metadata
    if name == MAP:
        return replace(before, keys=_checked_keys(value or {}))
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise UsageError(f"{name} is true or false, not {value!r}")
    elif isinstance(default, int):
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= metadata["most"]:
            raise UsageError(f"{name} is a whole number from 1 to {metadata['most']}, not {value!r}")
    elif not isinstance(value, str) or len(value) > MOST_TEXT or "\0" in value:
        raise UsageError(f"{name} is a text of up to {MOST_TEXT:,} characters, not {str(value)[:60]!r}")
    elif metadata["choices"] and value not in metadata["choices"]:
        raise UsageError(f"{name} is one of {', '.join(metadata['choices'])}, not {value[:60]!r}")
    elif name == "time_zone":
        _refuse_unknown_zone(value)
    return replace(before, **{name: value})


def _checked_keys(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(part, str) and part for pair in value.items() for part in pair):
        raise UsageError("keys is a list of ids with keys: home.delete: x")
    return dict(value)


def _refuse_unknown_zone(name: str) -> None:
    if name in ("local", "UTC"):
        return
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise UsageError(f"time_zone: this machine knows no zone {name[:60]!r}; Europe/Berlin is one, UTC and local are others") from None


def use_time_zone(name: str) -> None:
    """Show times of this process in the zone called `name`; local: that of the machine, or of TZ as it was."""
    if name == "local" and not _MACHINE:
        return
    machine = _MACHINE.setdefault("TZ", os.environ.get("TZ"))
    wanted = machine if name == "local" else name
    if wanted is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = wanted
    time.tzset()


_MACHINE: dict[str, str | None] = {}
"""TZ before a setting has changed it; empty until one has."""


def text_of(value: Any) -> str:
    """A setting's value as it is typed and shown."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {keys}" for name, keys in sorted(value.items()))
    return str(value)


def as_text(settings: Preferences) -> str:
    """The file: every key below what it does; those that have their default are comments."""
    lines = ["# Settings of ser-tui. `ser-tui settings set KEY VALUE` and the app's screen write this file anew: comments are not kept."]
    for name, key in TABLE.items():
        value, default = getattr(settings, name), _default(name)
        lines += ["", *(f"# {line}" for line in _wrapped(key.metadata["help"]))]
        if name == MAP:
            lines += ["keys:", *(f"  {_quoted(one)}: {_quoted(keys)}" for one, keys in sorted(value.items()))] if value else ["# keys: {}"]
        else:
            lines.append(f"{'# ' if value == default else ''}{name}: {_quoted(value)}")
    return "\n".join(lines) + "\n"


def _quoted(value: Any) -> str:
    """As YAML reads it back: a text of JSON is one."""
    return json.dumps(value, ensure_ascii=True)


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 110)
