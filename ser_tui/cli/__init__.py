"""The command line: the same engine without the app. One module a group of verbs, imported when a verb of it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress


def main() -> None:
    """The command `ser-tui`. Exit codes: 0 done, 1 failed, 2 wrong use, 130 stopped."""
    if os.getpid() == 1:  # of a container
        from ser_tui.cli.first_process import stand_before

        stand_before()
    try:
        code = _guarded()
    except KeyboardInterrupt:  # while libraries are loaded as well, which takes a second on a busy machine
        code = 130
    sys.exit(code)


def _guarded() -> int:
    """What `main` does, but for Ctrl+C."""
    _occupy_streams()
    if sys.argv[1:] == ["--version"]:  # what scripts ask first: it takes no longer than Python itself
        from ser_tui import __version__

        print(f"ser-tui {__version__}")
        return 0
    from ser_tui.study.charset import tolerate
    from ser_tui.study.errors import UserError, told
    from ser_tui.study.formatting import printable

    for stream in (sys.stdout, sys.stderr):
        tolerate(stream)
    try:
        if len(sys.argv) == 1 and "_SER_TUI_COMPLETE" not in os.environ:  # which is how a shell asks what to offer
            # Without a verb the app opens: it shall not wait for the command line's libraries.
            from ser_tui.cli.screen import open_app

            code = open_app()
        elif sys.argv[1:] in (["runs"], ["runs", "--json"]):
            # Nor shall a list of runs, which scripts ask for again and again: these take longer than a list of hundreds.
            from ser_tui.cli.listing import list_runs

            list_runs(as_json=len(sys.argv) > 2)
            code = 0
        else:
            code = _with_pipes(_verb)
    except BrokenPipeError:
        # The reader of our output is gone (`| head`): nothing is wrong, and Python shall not try to flush again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except (UserError, OSError) as error:
        if os.environ.get("SER_TUI_TRACEBACK"):
            raise
        shown = told(error) if isinstance(error, OSError) else error
        print(f"ser-tui: {printable(str(shown))}", file=sys.stderr)
        code = shown.exit_code
        if "--json" in sys.argv[1:]:
            from ser_tui.cli.output import print_json

            with suppress(OSError):  # it may be the output that has no room
                print_json({"error": str(shown), "exit_code": code})
    except Exception as error:
        if os.environ.get("SER_TUI_TRACEBACK"):
            raise
        text = printable(" ".join(f"{type(error).__name__}: {error}".split()))
        print(f"ser-tui: unexpected {text}; SER_TUI_TRACEBACK=1 shows where, please report it", file=sys.stderr)
        code = 1
    return code


def _occupy_streams() -> None:
    """Let nothing take the place of a standard stream that whoever started us has closed (`>&-`, some schedulers): Python then has none,
    and the next file that is opened would get what a child process prints."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDONLY if name == "stdin" else os.O_WRONLY)
            if opened == number:
                os.set_inheritable(number, True)  # a child process that is given no other would have it closed again
            setattr(sys, name, os.fdopen(opened, "r" if name == "stdin" else "w", encoding="utf-8", closefd=opened != number))


def _with_pipes(verb: Callable[[], int]) -> int:
    """What `verb` returns. Raises BrokenPipeError where the reader of its output is gone, which Typer makes an exit with code 1."""
    try:
        return verb()
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):
            raise ended.__context__ from None
        raise


def _verb() -> int:
    """Run the verb of the command line. With --json wrong use is told as a document too."""
    from ser_tui.cli.app import app
    from ser_tui.store.settings import read_settings, use_time_zone

    use_time_zone(read_settings()[0].time_zone)
    if "--json" not in sys.argv[1:]:
        return app(prog_name="ser-tui", standalone_mode=True) or 0
    try:
        return app(prog_name="ser-tui", standalone_mode=False) or 0
    except Exception as error:
        if not (isinstance(code := getattr(error, "exit_code", None), int) and hasattr(error, "format_message")):
            raise  # not Click's, of which Typer brings a copy of its own
        error.show()  # type: ignore[attr-defined]
        from ser_tui.cli.output import print_json

        print_json({"error": error.format_message(), "exit_code": code})
        return code
