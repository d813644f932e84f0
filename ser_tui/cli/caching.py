"""The verbs of `ser-tui cache`."""

from __future__ import annotations

from ser_tui.cli.output import print_json, say
from ser_tui.study.formatting import counted


def show_cache(*, as_json: bool) -> None:
    """Print how much room cached features take."""
    from ser_tui.training.cache import usage

    found = usage()
    if as_json:
        print_json({"folder": str(found.folder), "bytes": found.size, "limit": found.limit, "files": found.shards})
        return
    say(
        f"{found.folder}: {found.size / 1e6:.1f} MB in {counted(found.shards, 'file')}, at most {found.limit / 1e6:.0f} MB "
        "(SER_TUI_CACHE_GB changes that)"
    )


def clear_cache() -> None:
    """Remove cached features."""
    from ser_tui.training.cache import clear

    say(f"removed {clear() / 1e6:.1f} MB of cached features")
