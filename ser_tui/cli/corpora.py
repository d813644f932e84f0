"""The verbs of `ser-tui corpora`."""

from __future__ import annotations

import sys
from pathlib import Path

from ser_tui.cli.output import agreed, print_json, print_table, say
from ser_tui.corpora import locations, registry
from ser_tui.corpora.catalogue import PLUG_INS, entries, require
from ser_tui.corpora.check import CheckReport, check, problem_lines, report
from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.locations import Source
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import counted


def list_corpora(*, as_json: bool) -> None:
    """Print the known corpora and where they lie."""
    for problem in PLUG_INS.problems():
        say(f"warning: {problem}", error=True)
    known = {entry.name: entry for entry in entries()}
    found = [(name, known.get(name), locations.locate(name)) for name in registry.names()]
    if as_json:
        print_json([
            {"name": name, "title": entry.title if entry else name, "language": entry.language if entry else None,
             "licence": entry.licence if entry else None, "source": entry.source if entry else None,
             "utterances": entry.utterances if entry else None, "synthetic": bool(entry and entry.synthetic),
             "downloadable": bool(entry and entry.downloadable), "bytes": entry.size if entry else None,
             "path": str(path) if path else None} for name, entry, path in found
        ])  # fmt: skip
        return
    print_table(
        ("CORPUS", "LANGUAGE", "LICENCE", "WHERE"),
        [
            (name, entry.language if entry else "-", entry.licence if entry else "yours", str(path) if path else _remedy(name, entry))
            for name, entry, path in found
        ],
    )


def _remedy(name: str, entry: CorpusEntry | None) -> str:
    """What to do about a corpus that is not here."""
    if entry is not None and entry.synthetic:
        return "made when first used"
    verb = f"get {name}" if entry is not None and entry.downloadable else f"add {name} PATH"
    return f"not here; ser-tui corpora {verb}"


def _progress(done: int, total: int) -> None:
    """On a terminal, how many files were read."""
    if sys.stderr.isatty():
        print(f"\r{done}/{counted(total, 'file')}", end="\n" if done == total else "", file=sys.stderr, flush=True)


def add_corpus(name: str, path: Path, reading: Source) -> None:
    """Look at what lies there, remember it if it is a corpus, and say what was found and how it was read."""
    for line in report(registry.add(name, path, reading, _progress)).first_lines():
        say(line)


def forget_corpus(name: str) -> None:
    """Forget a location."""
    known = locations.forget(name)
    if not known:
        require(name)
    say(f"forgot where {name} is; its files are untouched" if known else f"{name} has no remembered location: nothing to forget")


def check_corpus(name: str, *, as_json: bool) -> int:
    """Read every file of a corpus and report; 1 where nothing can be used."""
    found = check(name, _progress)
    if as_json:
        print_json(found.to_plain())
    else:
        _print_report(found)
    return 0 if found.utterances else 1


def _print_report(report: CheckReport) -> None:
    say(f"{report.title} in {report.root}")
    documented = f" (documented: {report.documented})" if report.documented is not None else ""
    rates = ", ".join(f"{rate} Hz: {count}" for rate, count in report.sample_rates.items())
    channels = ", ".join(f"{channels} channels: {count}" for channels, count in report.channels.items() if channels > 1)
    utterances, speakers = counted(report.utterances, "utterance"), counted(len(report.speakers), "speaker")
    say(f"{utterances}{documented}, {speakers}, {report.minutes:.1f} min; {rates}")
    if channels:
        say(channels)
    emotions = list(report.emotions)
    rows = [
        (speaker, *(str(counts.get(emotion, 0)) for emotion in emotions), str(sum(counts.values())))
        for speaker, counts in report.by_speaker.items()
    ]
    total = ("all", *(str(report.emotions[emotion]) for emotion in emotions), str(report.utterances))
    print_table(("SPEAKER", *emotions, "ALL"), [*rows, total], (*emotions, "ALL"))
    for line in [*([] if report.speakers else [f"speakers: {report.nobody}"]), *report.told()]:
        say(line)
    for warning in report.warnings:
        say(f"warning: {warning}")
    for note in report.notes:
        say(f"note: {note}")
    for line in problem_lines(report.problems):
        say(f"not used: {line}")


def get_corpus(name: str, *, accept_licence: bool) -> None:
    """Fetch a corpus after its licence was accepted."""
    from ser_tui.corpora.fetching import download

    entry = require(name)
    place = require(entry.same_place_as) if entry.same_place_as else entry
    if not (place.downloadable or place.synthetic):
        raise UserError(download.how_to_obtain(place))
    say(f"{entry.title}: licence {entry.licence}; source {entry.source}")
    if place.downloadable:
        size = f"{place.size / 1e6:,.0f} MB" if place.size else "a size that is not published"
        say(f"downloads {size} from {' or '.join(place.hosts)}")
    unasked = "there is no terminal to ask on; add --accept-licence once you have read the licence"
    if not (accept_licence or agreed("accept this licence and fetch?", unasked, "nothing fetched")):
        return

    def progress(done: int, total: int | None) -> None:
        if sys.stderr.isatty():
            of = f" of {total / 1e6:.1f}" if total else ""
            print(f"\r{done / 1e6:.1f}{of} MB", end="", file=sys.stderr, flush=True)

    path = download.get(name, progress, accept_licence=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    say(f"{name} is in {path}")
