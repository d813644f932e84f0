"""What ser_tui knows of a corpus before it has seen a file of it: each corpus's module fills in one."""

from __future__ import annotations

from dataclasses import dataclass

from ser_tui.corpora.labels import Labeller


@dataclass(frozen=True)
class Archive:
    """One file to download. `size` in bytes and `checksum` ("md5:..." or "sha256:...") as far as they are published."""

    url: str
    file_name: str
    size: int | None = None
    checksum: str | None = None


@dataclass(frozen=True)
class CorpusEntry:
    """A corpus with a parser of its own."""

    name: str
    title: str
    language: str
    licence: str
    source: str
    """The official page, or how the corpus is made."""
    labeller: Labeller
    utterances: int
    """As documented, before known defects are left out."""
    archives: tuple[Archive, ...] = ()
    """Empty: it cannot be downloaded automatically, see `obtain`."""
    needs_registration: bool = False
    obtain: str = ""
    """How people get it, where ser_tui cannot."""
    notes: tuple[str, ...] = ()
    """Known defects and how they are handled."""
    synthetic: bool = False
    same_place_as: str = ""
    """The corpus whose folder this one reads in another way."""

    @property
    def size(self) -> int | None:
        """Bytes to download, if published."""
        sizes = [archive.size for archive in self.archives]
        return sum(size for size in sizes if size is not None) if sizes and None not in sizes else None
