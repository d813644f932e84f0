"""The verbs of settings: list, get, set, path, and the keys that can be changed."""

from __future__ import annotations

from dataclasses import asdict

from ser_tui.cli.output import print_json, print_table, say
from ser_tui.store.settings import MAP, TABLE, changed_settings, no_setting, read_settings, settings_file, text_of
from ser_tui.study.errors import UsageError
from ser_tui.study.wrong_values import nearest


def list_settings(*, as_json: bool) -> None:
    """Print every setting with its value and what it does."""
    settings, problems = read_settings()
    if as_json:
        print_json({"path": str(settings_file()), "settings": asdict(settings), "problems": problems})
        return
    for name, key in TABLE.items():
        value, usual = getattr(settings, name), getattr(type(settings)(), name)
        say(f"{name} = {text_of(value) or '-'}" + ("" if value == usual else f"   (usual: {text_of(usual) or '-'})"))
        say(f"    {key.metadata['help']}")
    say(f"kept in {settings_file()}")
    _complain(problems)


def get_setting(name: str) -> None:
    """Print the value of one setting, alone on its line."""
    settings, problems = read_settings()
    key, _, inner = name.partition(".")
    if key not in TABLE or (inner and key != MAP):
        raise no_setting(name)
    say(settings.keys.get(inner, "") if inner else text_of(getattr(settings, key)))
    _complain(problems)


def set_setting(name: str, value: str) -> None:
    """Write one setting; an empty value brings the usual one back."""
    key, _, inner = name.partition(".")
    if key == MAP and inner and value:
        _refuse_unknown_binding(inner)
    if key == "theme" and value:
        _refuse_unknown_theme(value)
    changed_settings({name: value})
    say(f"kept in {settings_file()}; an app that is open shows it when it is opened again")


def print_path() -> None:
    """Print where the settings are kept."""
    say(str(settings_file()))


def list_keys() -> None:
    """Print every key of the app that can be changed, by its id."""
    from ser_tui.tui.app import bindings
    from ser_tui.tui.widgets.keybar import key_of

    own = read_settings()[0].keys
    rows = [(id_, own.get(id_, ""), key_of(one), one.tooltip or one.description) for id_, one in sorted(bindings().items())]
    print_table(("ID", "YOURS", "KEY", "WHAT IT DOES"), rows)


def _refuse_unknown_binding(wanted: str) -> None:
    from ser_tui.tui.app import bindings

    known = bindings()
    if wanted not in known:
        raise UsageError(f"no key has the id {wanted!r}{nearest(wanted, known, '`ser-tui settings keys` lists them')}")


def _refuse_unknown_theme(wanted: str) -> None:
    from ser_tui.tui.theme import themes

    known = themes()
    if wanted not in known:
        raise UsageError(f"there is no theme {wanted!r}{nearest(wanted, known)}")


def _complain(problems: list[str]) -> None:
    for problem in problems:
        say(f"warning: {problem}", error=True)
