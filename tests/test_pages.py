"""No page says what the program does not do: links, options, keys of a study, variables, exit codes, targets of make; nor does a hook."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pydantic import BaseModel
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ser_tui.cli.app import app
from ser_tui.places import VARIABLES
from ser_tui.strategies import registry
from ser_tui.study import document
from ser_tui.study.hyperparameters import HYPERPARAMETERS
from ser_tui.study.notices import VARIABLES as TO_COMMANDS

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
EXIT_CODES = {"0", "1", "2", "130"}
"""Those of `ser_tui.cli.main`."""

OF_OTHERS = {"--nthreads", "--nworkers", "--hostname", "--init", "--read-only", "--shm-size", "--user"}
"""Options of `dask worker` and of `docker run`."""

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
CODE = re.compile(r"```.*?```", re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def _lines(page: Path) -> Iterator[str]:
    """What a page gives as to be typed: code within sentences, lines of blocks."""
    text = page.read_text(encoding="utf-8")
    yield from SPAN.findall(CODE.sub("", text))
    yield from re.findall(r"^ {4}(\S.*)$", text, re.MULTILINE)
    for block in CODE.findall(text):
        yield from block.splitlines()[1:-1]


@cache
def _anchors(page: Path) -> frozenset[str]:
    """The names of a page's headings in links, as mkdocs makes them."""
    found: list[str] = []
    for heading in HEADING.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())
        found.append(f"{name}_{found.count(name)}" if name in found else name)
    return frozenset(found)


@cache
def _options() -> frozenset[str]:
    """Every option of every command."""

    def of(command: Any) -> Iterator[str]:
        yield "--help"
        for one in command.params:
            yield from (*one.opts, *one.secondary_opts)
        for inner in getattr(command, "commands", {}).values():
            yield from of(inner)

    return frozenset(of(typer.main.get_command(app)))


@cache
def _others() -> str:
    """What options of our scripts are declared in."""
    return "\n".join(path.read_text() for name in ("benchmarks", "examples", "tests") for path in (ROOT / name).rglob("*.py"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    wrong = []
    for link in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            wrong.append(link)
    assert not wrong, f"{page.relative_to(ROOT)}: {wrong}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_options_are_options(page: Path) -> None:
    """Those of `ser-tui` commands are parsed by test_reference.py; here are those that stand alone, and our own scripts'."""
    wrong = []
    for line in _lines(page):
        first = (line.split() or [""])[0]
        for option in OPTION.findall(line):
            ours = first.startswith("-") or first == "ser-tui"
            if ours and option not in _options() | OF_OTHERS and f'"{option}"' not in _others():
                wrong.append(line)
            if "benchmarks/" in line and first != "ser-tui" and f'"{option}"' not in _others():
                wrong.append(line)
    assert not wrong, f"{page.relative_to(ROOT)}: {wrong}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_variables_exit_codes_and_targets_are_the_programs(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    asked = {name for name in re.findall(r"\bSER_TUI_[A-Z_]+", text) if not name.startswith("SER_TUI_TEST_")}
    assert asked <= {*VARIABLES, *TO_COMMANDS}, page
    for told in re.findall(r"exit codes?:? (?:is |of )?(\d+(?: [\w ]+)?(?:, \d+ [\w ]+)*)", text, re.IGNORECASE):
        assert set(re.findall(r"\b\d+\b", told)) <= EXIT_CODES, f"{page}: {told}"
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in _lines(page):
        if line.startswith("make "):
            assert line.split()[1] in targets, f"{page}: {line}"


def _keys(page: Path) -> Iterator[tuple[str, str]]:
    """(key with dots, where it stands) of studies and of `--set`."""
    for line in _lines(page):
        words = line.split() if line.startswith(("ser-tui", "--set")) else []
        try:
            words = shlex.split(line, comments=True) if words else []
        except ValueError:
            words = []
        for word, after in pairwise(words):
            if word == "--set" and after.lower() != "key=value" and not after.isupper():
                yield after.partition("=")[0], line
    text = page.read_text(encoding="utf-8")
    told = [*re.findall(r"```yaml\n(.*?)```", text, re.DOTALL), *(span for span in SPAN.findall(text) if re.match(r"\w+: \S", span))]
    for piece in told:
        try:
            read = YAML(typ="safe", pure=True).load(piece)
        except YAMLError:
            continue
        if isinstance(read, dict) and set(read) & set(document.Study.model_fields):
            yield from ((key, piece) for key in _dotted(read))


def _dotted(read: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for key, value in read.items():
        yield f"{before}{key}"
        if isinstance(value, dict) and not before:
            yield from _dotted(value, f"{key}.")


def _known(dotted: str) -> bool:
    section, _, rest = dotted.partition(".")
    if section in HYPERPARAMETERS and not rest:
        return True  # --set learning_rate=1e-4: short for search.learning_rate
    if section not in document.Study.model_fields:
        return False
    key = rest.partition(".")[0]
    if not key:
        return True
    if section == "search":
        return key in HYPERPARAMETERS
    hint = document.Study.model_fields[section].annotation
    if not (isinstance(hint, type) and issubclass(hint, BaseModel)):
        return True
    of_strategies = {name for record in registry.records().values() if record.settings for name in record.settings.model_fields}
    return key in hint.model_fields or (section == "strategy" and key in of_strategies)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_keys_of_studies_are_keys(page: Path) -> None:
    wrong = {f"{key}: {where}" for key, where in _keys(page) if not _known(key)}
    for span in SPAN.findall(page.read_text(encoding="utf-8")):
        section, dot, _ = span.partition(".")
        if dot and re.fullmatch(r"\w+(\.\w+)+", span) and section in document.Study.model_fields and not _known(span):
            wrong.add(span)
    assert not wrong, f"{page.relative_to(ROOT)}: {sorted(wrong)}"


def test_another_index_gives_the_versions_that_are_allowed() -> None:
    """A newer torch from there would be replaced by PyPI's, with its CUDA libraries, in the next step."""
    allowed = [one for one in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"] if one.startswith("torch")]
    told = subprocess.run(["make", "-nB", "demo", "TORCH_INDEX=there"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    [line] = [line for line in told.splitlines() if "--index-url there" in line]
    assert shlex.split(line)[-2:] == allowed and len(allowed) == 2


def test_pre_commit_runs_what_make_check_runs() -> None:
    recipe = re.search(r"^check:.*\n((?:\t.+\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe is not None
    checks = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe[1].splitlines()]
    hooks = YAML(typ="safe", pure=True).load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [one["repo"] for one in hooks] == ["local"], "nothing is fetched but from the package index"
    entries = [hook["entry"] for hook in hooks[0]["hooks"]]
    # ruff is given the files that changed, where make names the folders.
    assert [re.sub(r"(ruff check|ruff format --check).*", r"\1", check) for check in checks] == entries
