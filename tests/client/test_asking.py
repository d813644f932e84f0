"""What a process of its own is asked for, and what is said where it has no answer."""

from __future__ import annotations

import pytest

from ser_tui.client.asking import answer
from ser_tui.study.errors import UserError

ONCE = ("-n1", "-r1")


def test_the_answer_is_the_line_of_json_that_comes_last() -> None:
    assert answer("json.tool", '{"語": 1}', "it", 60, options=["--compact", "--no-ensure-ascii"]) == {"語": 1}
    assert answer("json.tool", "{}", "it", 60, options=["--compact"], environment={"HOME": "/"}, patient=True) == {}


@pytest.mark.parametrize(
    ("options", "seconds", "why"),
    [
        ([*ONCE, "raise ValueError('no such corpus')"], 60, "it could not be found out: ValueError: no such corpus"),
        ([*ONCE, "import os; os.kill(os.getpid(), 9)"], 60, "it could not be found out: the process was killed, .*memory"),
        ([*ONCE, "import os; ours = os.pipe(); os.read(ours[0], 1)"], 0.3, "it was not known within 0 s; try again"),
    ],
)
def test_what_is_not_known_is_said_with_its_reason(options: list[str], seconds: float, why: str) -> None:
    with pytest.raises(UserError, match=why) as told:
        answer("timeit", "", "it", seconds, options=options)
    assert "\n" not in str(told.value)
