"""The house: its arrows, drawn in docs/architecture.md, are those of the code, and none of them is part of a circle."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import grimp
import pytest

import ser_tui

PACKAGE = Path(ser_tui.__file__).parent
MAP = PACKAGE.parent / "docs" / "architecture.md"


@cache
def imports() -> Mapping[str, frozenset[str]]:
    """Module -> the modules of ser_tui that it imports: at its head, in a function, for type checking only.

    Not of the package's own face, whose names bring what they need when they are first used: each module that asks it for the
    version would lead everywhere.
    """
    graph = grimp.build_graph("ser_tui", cache_dir=None)
    return {
        module: frozenset(graph.find_modules_directly_imported_by(module)) if module != "ser_tui" else frozenset()
        for module in graph.modules
    }


def circles(graph: Mapping[str, frozenset[str]]) -> list[list[str]]:
    """Modules that reach each other, by Tarjan's algorithm (SIAM J. Comput. 1, 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            cut = stack.index(node)
            found.append(sorted(stack[cut:]))
            del stack[cut:]

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return [circle for circle in found if len(circle) > 1]


def test_a_circle_would_be_found() -> None:
    graph = {"a": frozenset("b"), "b": frozenset("cd"), "c": frozenset("a"), "d": frozenset()}
    assert circles(graph) == [["a", "b", "c"]]


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert circles(imports()) == []


def opened() -> Iterator[tuple[str, ast.Call]]:
    """Every call of `open` on the app in the interface, with the file that makes it."""
    for path in sorted((PACKAGE / "tui").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "open":
                of = ast.unparse(node.func.value)
                if of.split(".")[-1] == "ser" or (path.name == "app.py" and of == "self"):
                    yield path.name, node


def test_every_screen_that_is_opened_is_there_and_gets_what_it_shows() -> None:
    from ser_tui.tui.screens.table import maker

    screens = {path.stem.replace("_", " ") for path in (PACKAGE / "tui" / "screens").glob("[!_]*.py")} - {"table"}
    names = set()
    for file, call in opened():
        name = ast.literal_eval(call.args[0])
        assert name in screens, f"{file} opens {name!r}"
        inspect.signature(maker(name)).bind(*call.args[1:])
        names.add(name)
    assert names == screens - {"home"}


def test_files_are_replaced_in_one_place() -> None:
    own = PACKAGE / "store" / "files.py"
    found = [path for path in PACKAGE.rglob("*.py") if path != own and re.search(r"mkstemp|NamedTemporaryFile", path.read_text())]
    assert found == []


def picture(name: str) -> dict[str, set[str]]:
    """The fenced block called `name` of the map: room -> the rooms that it imports."""
    block = re.search(rf"^```{name}\n(.*?)^```$", MAP.read_text(), re.MULTILINE | re.DOTALL)
    assert block is not None, f"{MAP} has no block {name}"
    drawn = [line.partition(":") for line in block[1].splitlines()]
    return {room: set(rooms.split()) for room, _, rooms in drawn}


def rooms(parent: str) -> dict[str, set[str]]:
    """Room of `parent` -> the rooms of it that it imports."""
    found: dict[str, set[str]] = {}
    for module, others in imports().items():
        if not module.startswith(f"{parent}."):
            continue
        room = module.removeprefix(f"{parent}.").partition(".")[0]
        inside = (other.removeprefix(f"{parent}.").partition(".")[0] for other in others if other.startswith(f"{parent}."))
        found.setdefault(room, set()).update(set(inside) - {room})
    return found


@pytest.mark.parametrize(("name", "parent"), [("house", "ser_tui"), ("tui", "ser_tui.tui")])
def test_the_map_draws_the_arrows_that_there_are_and_none_runs_up(name: str, parent: str) -> None:
    drawn = picture(name)
    assert drawn == rooms(parent)
    order = list(drawn)
    assert [(room, other) for room in order for other in drawn[room] if order.index(other) < order.index(room)] == []


def documents() -> Iterator[Path]:
    """What names files and names of the code: docstrings and comments, and the documentation."""
    yield from sorted(PACKAGE.rglob("*.py"))
    yield from (MAP.parent.parent / "README.md", MAP.parent.parent / "CONTRIBUTING.md", *sorted(MAP.parent.rglob("*.md")))


@cache
def defined(module: str) -> frozenset[str]:
    """What a module defines, or imports from elsewhere, at any depth."""
    path = PACKAGE.parent.joinpath(*module.split("."))
    tree = ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
    return frozenset(names)


def is_there(dotted: str) -> bool:
    """Whether `ser_tui.a.b.Name` names a module, or something in one."""
    module, inside = dotted, ""
    while module not in imports():
        module, _, inside = module.rpartition(".")
    return not inside or inside in defined(module)


def test_modules_and_names_that_are_mentioned_are_there() -> None:
    wrong = []
    for path in documents():
        for dotted in re.findall(r"`(ser_tui(?:\.\w+)+)", path.read_text()):
            if dotted != "ser_tui.strategies" and not is_there(dotted):
                wrong.append(f"{path.name}: {dotted}")
    assert wrong == []


def test_files_that_are_mentioned_are_there() -> None:
    root = PACKAGE.parent
    wrong = []
    for path in documents():
        for name in re.findall(r"(?<![\w./-])((?:\w+/)+\w+\.(?:py|md))\b", path.read_text()):
            if not any((base / name).exists() for base in (root, PACKAGE, root / "docs")):
                wrong.append(f"{path.name}: {name}")
    assert wrong == []


SPELLED: Mapping[str, str] = {
    "study/scores.py": "defines the name",
    "study/score_keys.py": "defines the keys of JSON documents and columns",
    "study/events.py": "defines the fields that logs have",
    "study/event_scores.py": "makes those fields of scores",
    "study/event_rules.py": "says what must hold of those fields",
    "study/log_codec.py": "reads the line of an epoch by its letters",
}
"""The files that may spell a field called bca, and why. All others get it by a name: `scores[BCA]`, `Key`, `**of_part(score)`."""
_BCA = re.compile(r"(?:^|[._])bca(?:[._]|$)")
_WORD = re.compile(r"[\w.]*")


def fields_spelled(tree: ast.AST) -> Iterator[str]:
    """Attributes, arguments, members of classes and keys in `tree` that are called bca, or something_bca.

    A key is a text without a blank or a sign, also within an f-string: bca, .bca, best.bca. What people read (bca>.9, a docstring) holds
    more than that, but for what stands for an option's value in the help. Names within a function are its own.
    """
    words = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "metavar"}
    for node in ast.walk(tree):
        named: list[str | None] = []
        if isinstance(node, ast.Attribute):
            named = [node.attr]
        elif isinstance(node, ast.keyword | ast.arg):
            named = [node.arg]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            named = [node.name]
        elif isinstance(node, ast.ClassDef):
            named = [name.id for one in node.body if isinstance(one, ast.Assign | ast.AnnAssign) for name in ast.walk(one)
                     if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)]  # fmt: skip
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in words and _WORD.fullmatch(node.value):
            named = [node.value]
        yield from (name for name in named if name is not None and _BCA.search(name))


def test_a_spelled_field_would_be_found() -> None:
    every = 'a.bca; f(bca=1); d["bca"]; d[f"{p}.bca"]; d["best_epoch_bca"]\nclass A:\n    bca: float\ndef f(rival_bca): ...'
    assert len(list(fields_spelled(ast.parse(every)))) == 7
    words = '"""The bca."""; bca = score.value; f(f"bca>.9 {bca}", metavar="bca"); found[BCA]; is_bca = "BCA"'
    assert list(fields_spelled(ast.parse(words))) == []


def test_the_name_of_a_score_is_spelled_where_it_is_defined_alone() -> None:
    found = {
        path.relative_to(PACKAGE).as_posix(): spelled
        for path in sorted(PACKAGE.rglob("*.py"))
        if (spelled := sorted(set(fields_spelled(ast.parse(path.read_text())))))
    }
    assert {name: spelled for name, spelled in found.items() if name not in SPELLED} == {}
    assert set(SPELLED) == set(found), "a file that spells it no more"
