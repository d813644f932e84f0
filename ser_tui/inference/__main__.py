"""`python -m ser_tui.inference USE < REQUEST`: what is asked of a model. Started by `ser_tui.client.using`, not by people.

The request is the first line of standard input. Where that ends later, whoever asked is gone, and this process ends too.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress

from ser_tui.store.answers import lines_text
from ser_tui.study.charset import tolerate
from ser_tui.study.errors import UserError, told
from ser_tui.study.formatting import printable
from ser_tui.study.requests import decoded
from ser_tui.study.uses import USES, ExportRequest, PredictRequest


def main() -> int:
    """The exit code: 0 done, 1 failed or not all could be read, 2 wrong use, 130 stopped."""
    for stream in (sys.stdout, sys.stderr):
        tolerate(stream)
    word = sys.argv[1] if len(sys.argv) == 2 else ""
    as_json = False
    try:
        if word not in USES:
            raise UserError(f"{word!r:.20}: one of {', '.join(USES)}")
        request = decoded(USES[word], word, sys.stdin.buffer.readline())
        as_json = isinstance(request, PredictRequest) and request.form == "json" and not request.output
        threading.Thread(target=_end_with_caller, daemon=True).start()
        from ser_tui.training import torch_settings  # with it torch, after a request that can be done

        torch_settings.apply()
        if isinstance(request, PredictRequest):
            from ser_tui.inference.answering import answer

            return answer(request)
        if isinstance(request, ExportRequest):
            from ser_tui.inference.exporting import export

            return export(request)
        from ser_tui.inference.embedding import embed

        return embed(request)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (UserError, OSError, MemoryError) as error:
        if os.environ.get("SER_TUI_TRACEBACK"):
            raise
        shown = told(error) if isinstance(error, OSError) else error if isinstance(error, UserError) else UserError("memory ran out")
        print(f"ser-tui: {printable(str(shown))}", file=sys.stderr)
        if as_json:
            with suppress(OSError):
                sys.stdout.write(lines_text({"error": str(shown), "exit_code": shown.exit_code}))
        return shown.exit_code


def _end_with_caller() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    code = main()
    with suppress(OSError):
        sys.stdout.flush()
    os._exit(code)  # the thread that waits on standard input cannot be joined
