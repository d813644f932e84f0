"""What ser_tui knows of a corpus before it has seen a file of it: each corpus's module fills in one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ser_tui.corpora.labels import Labeller


@dataclass(frozen=True)
class Archive:
    """One file to download. `size` in bytes and `checksum` ("md5:..." or "sha256:...") as far as they are published."""

    url: str
    file_name: str
    size: int | None = None
    checksum: str | None = None


@dataclass(frozen=True)
class FileSet:
    """Files that are published one by one, and downloaded into one folder."""

    addresses: tuple[str, ...]
    """Where the same files lie, each ending in a slash: the first is asked, and the next where one does not have them."""
    folder: str
    names: tuple[str, ...]
    size: int
    """Bytes of all files together."""
    group: Callable[[str], str]
    """The group that a name belongs to: what is damaged is fetched again by groups."""
    digests: Mapping[str, str]
    """By group: the first 32 hexadecimal digits of the SHA-256 of its table, a line "name TAB SHA-256 TAB bytes" a file, sorted."""


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
    utterances: int | None
    """As documented, before known defects are left out; None where releases differ."""
    archives: tuple[Archive, ...] = ()
    files: FileSet | None = None
    """Instead of archives. With neither it cannot be downloaded automatically, see `obtain`."""
    needs_registration: bool = False
    obtain: str = ""
    """How people get it, where ser_tui cannot."""
    notes: tuple[str, ...] = ()
    """Known defects and how they are handled."""
    synthetic: bool = False
    same_place_as: str = ""
    """The corpus whose folder this one reads in another way."""
    first_edition: str = ""
    """The corpus of which this one has the recordings, and perhaps more: speakers and sentences bear the same names."""
    knows: Callable[[str], object] | None = None
    """Truthy for a path whose file is named as only this corpus names its files: by it a copy is recognised under any name. None
    where names tell nothing."""
    speakers: tuple[str, ...] = ()
    """Everybody who is documented to speak in it, where that is known."""

    @property
    def downloadable(self) -> bool:
        """Whether `ser-tui corpora get` can fetch it."""
        return bool(self.archives or self.files)

    @property
    def size(self) -> int | None:
        """Bytes to download, if published."""
        if self.files is not None:
            return self.files.size
        sizes = [archive.size for archive in self.archives]
        return sum(size for size in sizes if size is not None) if sizes and None not in sizes else None

    @property
    def urls(self) -> tuple[str, ...]:
        """What is downloaded, or where its files lie."""
        return self.files.addresses[:1] if self.files is not None else tuple(archive.url for archive in self.archives)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The servers that the download asks, the first one first."""
        asked = self.files.addresses if self.files is not None else self.urls
        return tuple(dict.fromkeys(urlsplit(url).hostname or url for url in asked))
