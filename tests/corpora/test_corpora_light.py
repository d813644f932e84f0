"""The interface process reads corpora: nothing heavy may come with them."""

from __future__ import annotations

import subprocess
import sys


def test_corpora_import_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from ser_tui.corpora import archives, catalogue, check, demo, download, registry, splits, transfer\n"
        "heavy = {'torch', 'torchaudio', 'speechbrain', 'transformers', 'skopt', 'hyperopt', 'sklearn', 'scipy', 'pandas'}\n"
        "sys.exit(repr(sorted(heavy & set(sys.modules))) if heavy & set(sys.modules) else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
