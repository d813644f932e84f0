"""The interface process reads corpora: nothing heavy may come with them."""

from __future__ import annotations

import subprocess
import sys


def test_corpora_import_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "import importlib, pkgutil, ser_tui.corpora\n"
        "found = [one.name for one in pkgutil.walk_packages(ser_tui.corpora.__path__, 'ser_tui.corpora.')]\n"
        "assert 'ser_tui.corpora.splitting.protocols' in found and 'ser_tui.corpora.fetching.archives' in found\n"
        "[importlib.import_module(name) for name in found]\n"
        "heavy = {'torch', 'torchaudio', 'speechbrain', 'transformers', 'skopt', 'hyperopt', 'sklearn', 'scipy', 'pandas'}\n"
        "sys.exit(repr(sorted(heavy & set(sys.modules))) if heavy & set(sys.modules) else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
