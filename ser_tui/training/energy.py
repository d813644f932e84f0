"""The energy that the processor took, where the machine tells it (RAPL: Intel's and AMD's running average power limit), and an estimate
where it does not, which never goes by the name of what is measured."""

from __future__ import annotations

import time
from pathlib import Path

ZONES = Path("/sys/class/powercap")
"""Linux's folder of counters, which most systems let the administrator alone read."""
WATTS = 5.0
"""Of a busy core, for the estimate: what a server's processor is made to get rid of, by core (an EPYC 7763: 280 W for 64). Memory, disks
and cooling come on top. Between trials of one machine only the seconds differ, so that their order does not depend on it."""


class ProcessorEnergy:
    """What all processor packages took within the `with`, in `joules` once that is left, whatever else ran; None where it cannot be
    read. Then `estimated` is the processor time that this process had, with `WATTS` for each second."""

    joules: float | None = None
    estimated: float | None = None

    def __init__(self, zones: Path = ZONES) -> None:
        self._zones = zones

    def __enter__(self) -> ProcessorEnergy:
        self._before, self._begun = self._counters(), time.process_time()
        return self

    def __exit__(self, *failure: object) -> None:
        after = self._counters()
        if not self._before or after.keys() != self._before.keys():
            self.estimated = WATTS * (time.process_time() - self._begun)
            return
        # A counter goes round at its range.
        taken = [(now - before) % (span + 1) for (now, span), (before, _) in ((after[zone], self._before[zone]) for zone in after)]
        self.joules = sum(taken) / 1e6

    def _counters(self) -> dict[str, tuple[int, int]]:
        """Microjoules and range of every package; empty where one cannot be read."""
        found: dict[str, tuple[int, int]] = {}
        try:
            # Packages are intel-rapl:0, :1 ...; what has a second number is a part of one.
            for zone in sorted(self._zones.glob("intel-rapl:*")):
                if zone.name.count(":") == 1:
                    found[zone.name] = (_number(zone / "energy_uj"), _number(zone / "max_energy_range_uj"))
        except (OSError, ValueError):
            return {}
        return found


def is_told(zones: Path = ZONES) -> bool:
    """Whether this machine tells what its processor takes: trials have `energy` then, else `energy_estimate`, and never both."""
    with ProcessorEnergy(zones) as energy:
        pass
    return energy.joules is not None


def _number(path: Path) -> int:
    return int(path.read_text(encoding="ascii"))
