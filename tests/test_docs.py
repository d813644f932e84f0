"""What docs and docstrings name in backticks is there: files, modules, functions, classes and keys of a study."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

from pydantic import BaseModel

import ser_tui
from ser_tui.study import document
from ser_tui.study.hyperparameters import HYPERPARAMETERS

PACKAGE = Path(ser_tui.__file__).parent
ROOT = PACKAGE.parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])

QUOTED = re.compile(r"`+([^`\n]+)`+")
FILE = re.compile(r"(?<![\w/.~*{}-])((?:[\w-]+/)*\w+)\.py\b(?::(\w+))?")
DOTTED = re.compile(r"(?<![\w/.-])[a-z]\w*(?:\.\w+)+(?![\w/]|\.\w)")
IDENTIFIER = re.compile(r"[A-Za-z]\w*_\w+(?:\(\))?")
SECTIONS = {
    name: field.annotation.model_fields
    for name, field in document.Study.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
}
"""Keys of a study by their section."""


@cache
def modules() -> dict[str, list[Path]]:
    """Every module by each ending of its dotted name: ser_tui.study.load, study.load and load."""
    found: dict[str, list[Path]] = {}
    for path in [*SOURCES, *(folder for folder in PACKAGE.rglob("*") if (folder / "__init__.py").is_file()), PACKAGE]:
        names = path.relative_to(ROOT).with_suffix("").parts
        for start in range(len(names)):
            found.setdefault(".".join(names[start:]), []).append(path)
    return found


@cache
def defined(path: Path) -> frozenset[str]:
    """What a module defines: name, and Class.name. Of a package: its modules too."""
    if path.is_dir():
        own = defined(path / "__init__.py")
        return own | {child.stem for child in path.iterdir() if child.suffix in (".py", "") and child.name != "__init__.py"}
    names: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        names |= _names(node)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{name}" for inner in node.body for name in _names(inner)}
    return frozenset(names)


def _names(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Assign():
            return {target.id for target in node.targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
        case ast.ImportFrom() | ast.Import():
            return {alias.asname or alias.name for alias in node.names}
    return set()


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of every string that stands as a statement: docstrings, and those below a field or a constant."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value


@cache
def quoted() -> tuple[tuple[Path, str, str], ...]:
    """(file, where, what stands in backticks)"""
    return tuple(_quoted())


def _quoted() -> Iterator[tuple[Path, str, str]]:
    for page in PAGES:
        yield from ((page, f"{page.relative_to(ROOT)}", span) for span in QUOTED.findall(page.read_text()))
    for source in SOURCES:
        for line, text in docstrings(source):
            yield from ((source, f"{source.relative_to(ROOT)}:{line}", span) for span in QUOTED.findall(text))


def _file(name: str, beside: Path) -> list[Path]:
    """Files of that name: a path from the root, from the package or from where it is named; a name alone: anywhere."""
    there = [base / f"{name}.py" for base in (ROOT, PACKAGE, beside.parent) if (base / f"{name}.py").is_file()]
    if there or "/" in name:
        return there
    return [path for place in ("ser_tui", "tests", "benchmarks") for path in (ROOT / place).rglob(f"{name}.py")]


def test_files_and_what_is_named_in_them_are_there() -> None:
    wrong = []
    for path, where, span in quoted():
        for name, inner in FILE.findall(span):
            found = _file(name, path)
            if not found or (inner and not any(inner in defined(one) for one in found)):
                wrong.append(f"{where}: {name}.py{f':{inner}' if inner else ''}")
    assert not wrong, "\n".join(wrong)


def test_modules_and_what_is_named_in_them_are_there() -> None:
    wrong = []
    for path, where, span in quoted():
        for dotted in DOTTED.findall(span):
            if not _known(dotted, path):
                wrong.append(f"{where}: {dotted}")
    assert not wrong, "\n".join(wrong)


def _known(dotted: str, path: Path) -> bool:
    """Whether it is a module or is in one, or a key of a study; what begins like no module is no name of ours."""
    section, _, key = dotted.partition(".")
    if section in SECTIONS and key in SECTIONS[section]:
        return True
    parts = dotted.split(".")
    if parts[0] == "ser_tui" and parts[1] in ser_tui.__all__:
        return True
    if section in sys.stdlib_module_names or (section in document.Study.model_fields and key.split(".")[0] in HYPERPARAMETERS):
        return True
    if parts[0] != "ser_tui" and (path.suffix == ".md" or parts[0] not in modules()):
        return True
    if dotted in modules() or (parts[0] in sys.stdlib_module_names and hasattr(import_module(parts[0]), parts[1])):
        return True
    for end in range(len(parts) - 1, 0, -1):
        if homes := modules().get(".".join(parts[:end])):
            return any(".".join(parts[end:][:2]) in defined(home) for home in homes)
    return False


def test_names_in_docstrings_are_names_in_the_code() -> None:
    """A name that stands in backticks only is one that was renamed or removed."""
    code = "\n".join(QUOTED.sub("", path.read_text()) for path in SOURCES)
    there = set(re.findall(r"\w+", code))
    wrong = [
        f"{where}: {span}"
        for path, where, span in quoted()
        if path.suffix == ".py" and IDENTIFIER.fullmatch(span) and span.removesuffix("()") not in there
    ]
    assert not wrong, "\n".join(wrong)
