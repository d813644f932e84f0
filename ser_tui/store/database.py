"""The file of the run index, as TinyDB writes it: imported where something is stored, which a list of runs seldom does.

TinyDB alone rewrites its file in place and knows no other process, so it gets a Storage that replaces the file atomically.
Hold the index's lock meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tinydb import TinyDB
from tinydb.middlewares import CachingMiddleware
from tinydb.storages import Storage
from tinydb.table import Document, Table

from ser_tui.store.checksummed_json import read_sealed, seal, sealed
from ser_tui.store.files import write_atomically
from ser_tui.store.index_preview import newest_file, newest_of


class _AtomicStorage(Storage):
    """A sealed JSON file that is replaced as a whole. One that is not as it was written counts as empty, and is rebuilt."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, dict[str, Any]] | None:
        return read_sealed(self._path)

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        whole = sealed(data)
        write_atomically(self._path, whole)
        write_atomically(newest_file(self._path), newest_of(data.get("runs", {}), seal(whole)))


class _RunTable(Table):
    document_id_class = str  # type: ignore[assignment]  # run ids; TinyDB allows it, its stubs do not


class _Database(TinyDB):
    table_class = _RunTable


_cached: Any = CachingMiddleware  # untyped in TinyDB; one write when the database closes, not one a document


def store(path: Path, fresh: Mapping[str, dict[str, Any]], gone: set[str]) -> None:
    """Put the summaries `fresh` (by run id) into the index at `path`, and take those of `gone` out. Raises OSError."""
    with _table(path) as table:
        known = [run_id for run_id in (*gone, *fresh) if table.contains(doc_id=run_id)]  # type: ignore[arg-type]
        if known:
            table.remove(doc_ids=known)  # type: ignore[arg-type]
        if fresh:  # all at once: each call goes through the whole table
            table.insert_multiple(Document(summary, doc_id=run_id) for run_id, summary in fresh.items())  # type: ignore[arg-type]


@contextmanager
def _table(path: Path) -> Iterator[Table]:
    with _Database(path, storage=_cached(_AtomicStorage)) as database:
        yield database.table("runs")
