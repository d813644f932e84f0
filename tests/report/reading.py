"""What a report says, read back from its HTML as a program would."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Read(HTMLParser):
    """`figures`: (path, exact value as text, what is shown; empty for a mark of a plot), with the run that they stand under."""

    figures: list[tuple[str, str, str, str]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    run: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._open: tuple[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.attributes += list(found.items())
        self.run = found.get("data-run", self.run)
        if tag == "data":
            self._open = (found["data-of"], found["value"])
        elif "data-of" in found:
            self.figures.append((self.run, found["data-of"], found["data-value"], ""))

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self._open is not None:
            self.figures.append((self.run, *self._open, data))
            self._open = None


def read(page: str) -> Read:
    found = Read()
    found.feed(page)
    return found
