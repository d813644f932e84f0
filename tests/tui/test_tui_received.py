"""However a terminal's bytes are cut and delayed, keys are the keys that were pressed, and nothing else is one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual import events
from textual.message import Message

from ser_tui.tui.terminal.driver import Messages
from ser_tui.tui.terminal.received import CUT_SECONDS, PASTE_MOST, QUIET_SECONDS, Received

REPORTS = (
    b"\x1b[?64;1;2;22c", b"\x1b[>41;354;0c", b"\x1b[0n", b"\x1b[3;7R", b"\x1b]11;rgb:0000/nnnn/dddd\x1b\\", b"\x1b]52;c;bm9u\x07",
    b"\x1bP>|tmux dy 3.4\x1b\\", b"\x1b_Gi=31;dy\x1b\\", b"\x1b[?12;2$y", b"\x1b[I", b"\x1b[O", b"\x1b[8;24;80t", b"\x1b[<35;10;7M",
    b"\x1b[<0;99999999999999;3M", b"\x1b[999999999999;1u", b"\x1b[97;1:9u", b"\x1b[M !!", b"\x1b[201~",
)  # fmt: skip
KEYS = {b"d": "d", b"y": "y", b"\x1b[A": "up", b"\x1bOB": "down", b"\x11": "ctrl+q", b"\xc3\xa9": "é", b"\x1b[5~": "pageup",
        b"\x1b[24~": "f12", b"\x1b[1;5C": "ctrl+right", b"\x1b[Z": "shift+tab", b"\r": "enter", b"\x1b[[A": "f1"}  # fmt: skip


def keys(messages: list[Message]) -> list[str]:
    return [message.key for message in messages if isinstance(message, events.Key)]


def typed(*parts: tuple[float, bytes], after: float = 10.0) -> list[Message]:
    """The messages from `parts`, each so many seconds after the one before it; the app looks twenty times a second."""
    received, messages, now = Received(), Messages(), 100.0
    found: list[Message] = []
    for pause, data in [*parts, (after, b"")]:
        for _ in range(round(pause / 0.05)):
            now += 0.05
            found += messages.of(received.wait(now))
        now += pause % 0.05
        if data:
            found += messages.of(received.take(data, now))
    return found


@settings(max_examples=25)
@given(st.lists(st.sampled_from([*REPORTS, *KEYS]), max_size=8), st.data())
def test_pieces_come_whole_however_they_are_cut(sent: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(sent)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=6)))
    parts = [stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    # Less than what makes an escape the key; longer pauses between the other bytes are tried below.
    found = typed(*((0.05, part) for part in parts))
    assert keys(found) == [KEYS[piece] for piece in sent if piece in KEYS]


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("pause", [0.5, CUT_SECONDS + 1])
def test_a_report_of_which_the_rest_comes_late_is_no_key(report: bytes, pause: float) -> None:
    for cut in range(2, len(report)):
        rest = report[cut:]
        if pause > CUT_SECONDS and len(rest) == 1 and not report.startswith(b"\x1b[<"):
            continue  # a single letter so late is what a person types
        if pause > CUT_SECONDS and (report.startswith(b"\x1b[M") or cut == 2):
            continue
        assert keys(typed((0.0, report[:cut]), (pause, rest))) == [], (report[:cut], rest)


def test_an_escape_that_comes_alone_is_the_key_and_its_late_rest_is_none() -> None:
    assert keys(typed((0.0, b"\x1b"))) == ["escape"]
    assert keys(typed((0.0, b"\x1b"), (0.4, b"[<0;10;20m"))) == ["escape"]
    assert keys(typed((0.0, b"\x1b"), (0.4, b"n"))) == ["escape", "n"]
    assert keys(typed((0.0, b"\x1b\x1b[A"))) == ["escape", "up"]


@settings(max_examples=25)
@given(st.lists(st.binary(min_size=1, max_size=12), max_size=12))
def test_any_bytes_at_all_raise_nothing_and_leave_the_keys_alive(parts: list[bytes]) -> None:
    noise = [(0.3, part) for part in parts]
    found = typed(*noise, (QUIET_SECONDS + CUT_SECONDS + 8, b"?"), after=1.0)
    assert keys(found)[-1:] == ["question_mark"]


@settings(max_examples=25)
@given(st.lists(st.integers(0x80, 0xFF), min_size=1, max_size=3).map(bytes))
def test_fragments_of_utf_8_and_8_bit_controls_are_no_keys(fragment: bytes) -> None:
    found = [message for message in typed((0.0, fragment), (20.0, b"d")) if isinstance(message, events.Key)]
    assert found[-1].key == "d" and not any(key.character is None or key.character < "\xa0" for key in found[:-1])


def test_a_paste_is_a_paste_and_one_without_an_end_is_over_after_a_while() -> None:
    whole = typed((0.0, b"\x1b[200~dy\x1b[A"), (0.8, b"\r\x1b[20"), (0.8, b"1~q"))
    assert [message.text for message in whole if isinstance(message, events.Paste)] == ["dy\x1b[A\r"]
    assert keys(whole) == ["q"]
    lost = typed((0.0, b"\x1b[200~dy"), (QUIET_SECONDS + 1, b"?"))
    assert [message.text for message in lost if isinstance(message, events.Paste)] == ["dy"]
    assert keys(lost) == ["question_mark"]
    # Somebody who types against a dead screen does not keep it dead.
    beating = [(0.4, b"?")] * 20
    assert "question_mark" in keys(typed((0.0, b"\x1b[200~"), *beating))
    assert keys(typed((0.0, b"\x1b[200~dy"), (QUIET_SECONDS + 1, b"\x1b[201~"))) == []


def test_a_paste_too_long_for_any_field_is_dropped_as_a_whole() -> None:
    pieces = [(0.01, b"d" * 4096)] * (PASTE_MOST // 4096 + 2)
    found = typed((0.0, b"\x1b[200~"), *pieces, (0.0, b"\x1b[201~q"))
    assert keys(found) == ["q"] and not any(isinstance(message, events.Paste) for message in found)


def test_a_locale_of_single_bytes_is_read_as_such() -> None:
    received, messages = Received("iso-8859-1"), Messages()
    assert keys(messages.of(received.take(b"\xe9\x1b[A", 1.0))) == ["é", "up"]
