"""What is asked of a worker reaches it as it was, whatever labels and names hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_tui.study.errors import UserError
from ser_tui.worker.requests import EvaluationRequest, FoldsRequest, decode, encode

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
    with pytest.raises(UserError, match="loso, kfold or loco"):
        encode(FoldsRequest("random"))
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
