"""With --json wrong use is a document too: a program reads standard output only."""

from __future__ import annotations

from pathlib import Path

import pytest
from calling import document


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(("show", "--nope"), "No such option: --nope"), (("show", "nope"), "no runs in"), (("runs", "--filter", "bca>x"), "bca>x")],
)
def test_wrong_use_is_a_document_with_its_exit_code(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    found = document(*arguments, runs=tmp_path, code=2)
    assert told in found["error"] and found["exit_code"] == 2
