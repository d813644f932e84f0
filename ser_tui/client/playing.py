"""Playing an utterance, where there is a sound device."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from ser_tui.corpora.hearing.picture import Sound
from ser_tui.store.held_folders import held_folder

PLAYERS = ("paplay", "pw-play", "aplay", "afplay")
"""In this order: the first that is there is asked."""
MOST_SECONDS = 60


def play(sound: Sound) -> str:
    """Play `sound` to its end, at most MOST_SECONDS of it; why that cannot be, or an empty text."""
    import soundfile

    player = next((path for name in PLAYERS if (path := shutil.which(name))), None)
    if player is None:
        return f"there is no sound player here ({', '.join(PLAYERS)})"
    with held_folder() as folder:
        place = folder / "utterance.wav"
        try:
            soundfile.write(place, sound.samples[: MOST_SECONDS * sound.rate], sound.rate, subtype="PCM_16")
            done = subprocess.run(
                [player, str(place)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
                timeout=2 * MOST_SECONDS,
            )  # fmt: skip
        except (OSError, soundfile.SoundFileError) as error:
            return f"{Path(player).name} could not play it ({error})"
        except subprocess.TimeoutExpired:
            return f"{Path(player).name} did not come to an end"
    if done.returncode == 0:
        return ""
    told = " ".join(done.stderr.decode(sys.getfilesystemencoding(), "replace").split())
    return f"{Path(player).name} could not play it{f' ({told[:120]})' if told else ''}"
