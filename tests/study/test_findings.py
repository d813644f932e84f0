"""What must be said about a split or a score is data: kinds and counts are asked for, sentences are shown."""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

import ser_tui
from ser_tui.study.events import RunStarted
from ser_tui.study.findings import Finding, few_recordings, findings_of, plain, said, shares_speakers, transductive
from ser_tui.study.log_codec import DamagedLine, decode, encode
from ser_tui.study.reducer import reduce_all
from ser_tui.study.run_summary import to_json
from ser_tui.study.summary import summarize

SHARED = Finding(kind="sentences", sentence="Three of four are heard twice.", part="validation", count=3, of=4)
UNLABELLED = Finding(kind="unlabelled", sentence="Some speakers have no name.", count=1, of=9)


def started(**fields: Any) -> RunStarted:
    return RunStarted(seq=0, time="2026-11-22T14:30:15.000Z", study={}, classes=("a", "b"), utterances={}, **fields)


def test_findings_come_out_of_a_log_as_they_went_in() -> None:
    event = decode(encode(started(findings=plain([SHARED, UNLABELLED]))))
    assert isinstance(event, RunStarted)
    assert findings_of(event) == (SHARED, UNLABELLED)
    summary = summarize("", reduce_all([event]))
    assert summary.warnings == said([SHARED, UNLABELLED])
    assert to_json(summary)["findings"][0] == {
        "kind": "sentences", "part": "validation", "count": 3, "of": 4, "sentence": "Three of four are heard twice."
    }  # fmt: skip


@pytest.mark.parametrize("wrong", [{"kind": 1}, {"sentence": None}, {"count": "3"}, {"of": 0.5}, {"part": ()}])
def test_a_finding_that_is_none_is_not_believed(wrong: dict[str, Any]) -> None:
    with pytest.raises(DamagedLine):
        decode(encode(started(findings=({**plain([SHARED])[0], **wrong},))))


def test_of_a_newer_version_s_finding_the_sentence_is_kept() -> None:
    event = started(findings=({**plain([SHARED])[0], "kind": "weather"},))
    assert findings_of(event) == (dataclasses.replace(SHARED, kind="told"),)


def test_sentences_of_old_logs_are_findings_too() -> None:
    sentences = (
        "Sessions are shared: the validation part has recordings of 1 session (Ses01) of which other recordings are trained on.",
        "Duplicates across parts: 1 recording is byte for byte in two parts, for example a (training) and b (test).",
        "All training utterances are of one speaker (a).",
    )
    found = findings_of(started(warnings=sentences))
    assert [one.kind for one in found] == ["sessions", "duplicates", "told"] and said(found) == sentences


@pytest.mark.parametrize(
    ("findings", "fields", "wanted"),
    [
        ((), {}, False), ((SHARED,), {}, False), ((UNLABELLED,), {}, None), ((UNLABELLED,), {"shares_speakers": True}, True),
        ((dataclasses.replace(SHARED, kind="speakers"),), {}, True), ((), {"unlabelled_speakers": True}, None),
    ],
)  # fmt: skip
def test_whether_speakers_are_shared_follows_from_what_was_found(findings: Any, fields: Any, wanted: bool | None) -> None:
    assert shares_speakers(started(findings=plain(findings), **fields)) is wanted
    assert shares_speakers(None) is False


def test_nothing_is_read_out_of_a_sentence() -> None:
    """Nor are the two fields of events read by themselves, one of which is always empty."""
    root = Path(ser_tui.__file__).parent
    guessing = re.compile(r"(warning|finding|sentence|said)\w*(\[\w+\])?\.(startswith|endswith|removeprefix|partition|split|find|index)\(")
    for path in root.rglob("*.py"):
        text, name = path.read_text(), str(path.relative_to(root))
        if name != "study/findings.py":
            assert not (found := guessing.search(text)), f"{name}: {found and found[0]} reads a fact out of words; ask the finding's kind"
            read = {node.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)} & {"warnings"}
            assert not read or name in ("corpora/check.py", "cli/corpora.py", "tui/data/knowledge.py"), f"{name}: use findings_of(event)"


def test_speakers_of_few_recordings_are_named_where_their_own_statistics_are_used() -> None:
    speakers = ["a"] * 10 + ["b"] * 9 + ["c", "d"]
    (found,) = few_recordings(True, speakers, "test")
    assert (found.kind, found.part, found.count, found.of) == ("few_recordings", "test", 3, 4)
    assert "3 of the 4 speakers in the test part" in found.sentence and "2 of them have one alone" in found.sentence
    assert few_recordings(False, speakers) == few_recordings(True, speakers[:10]) == few_recordings(True, []) == ()
    assert "alone" not in few_recordings(True, speakers[:19])[0].sentence


def test_of_what_a_speaker_s_statistics_are_is_said() -> None:
    assert "(without labels; 7 recordings more than are scored)" in transductive(True, 7)[0].sentence
    assert "but for recordings of emotions that the study leaves out" in transductive(True, selected=True)[0].sentence
    assert "(without labels)" in transductive(True)[0].sentence and transductive(False, 7, selected=True) == ()
