"""What is asked of a worker reaches it as it was, whatever labels and names hold."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_tui.client.launch import _as_input
from ser_tui.store.runs import RunFolder
from ser_tui.study.errors import UserError
from ser_tui.study.requests import EvaluationRequest, FoldsRequest, decode, encode

# Of lone surrogates those alone that a file name or an argument can hold: bytes that are no UTF-8.
NAMES = st.text(st.characters() | st.sampled_from([chr(0xDC80 + byte) for byte in range(128)]), min_size=1) | st.sampled_from(
    ["-1", "0", "--on", "a=b", "=", "\\", "a,b", "\udcff"]
)


@given(st.lists(NAMES, min_size=1), st.dictionaries(NAMES, NAMES | st.just("")), st.lists(NAMES), st.booleans())
def test_every_name_arrives(corpora: list[str], mapping: dict[str, str], speakers: list[str], masked: bool) -> None:
    asked = EvaluationRequest(tuple(corpora), mapping, masked, "paper", tuple(speakers), tuple(corpora))
    data = encode(asked)
    assert data.isascii() and decode("evaluate", data) == asked


def test_folds_are_asked_for_by_a_protocol_that_there_is() -> None:
    assert decode("folds", encode(FoldsRequest("loso"))) == FoldsRequest("loso")
    for protocol in ("none", "random", "official"):  # the last two have no folds
        with pytest.raises(UserError, match=rf"protocol '{protocol}': kfold, loso"):
            encode(FoldsRequest(protocol))
    assert encode(None) == b"" and decode("search", b"") is None


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{}", b"\xff", b'{"corpora": "emodb"}', b'{"corpora": []}', b'{"corpora": ["emodb"], "masked": 1}',
        b'{"corpora": ["emodb"], "preset": "own"}', b'{"corpora": ["emodb"], "mapping": {"calm": 1}}',
        b'{"corpora": ["emodb"], "sudo": true}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_anything_else_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(UserError) as raised:
        decode("evaluate", data)
    assert "request for evaluate" in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize("speakers", [("01", "-1"), tuple(f"speaker {number:05}" for number in range(20_000))])
def test_requests_of_any_size_reach_a_process_that_is_yet_to_start(speakers: tuple[str, ...], tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.lock.parent.mkdir()
    asked = EvaluationRequest(("emodb",), speakers=speakers)
    with _as_input(folder, encode(asked)) as stream:
        read = subprocess.run(["cat"], stdin=stream, capture_output=True, check=True).stdout
    assert decode("evaluate", read) == asked
    assert list(folder.lock.parent.iterdir()) == [], "nothing is left behind"
