"""What a trial failed for: what the system refused it is none of its parameters' doing."""

from __future__ import annotations

import errno
import os

import pytest

from ser_tui.experiment.failures import failure
from ser_tui.store.files import DiskError
from ser_tui.study.status import FailureKind


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EMFILE, errno.EROFS, errno.EDQUOT])
def test_a_trial_whose_file_the_system_refused_is_made_again_and_not_failed(number: int) -> None:
    error = OSError(number, os.strerror(number), "/cluster/trial")
    with pytest.raises(DiskError, match=rf"training trial 3 \(/cluster/trial: {os.strerror(number)}\); .*then `ser-tui resume`"):
        failure(error, 3)


def test_want_of_memory_stays_a_failure_of_the_trial() -> None:
    assert failure(OSError(errno.ENOMEM, "Cannot allocate memory"), 3)[0] == FailureKind.MEMORY
