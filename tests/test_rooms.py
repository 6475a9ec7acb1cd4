"""The architecture as a test: who imports whom, who prints, who names Flax layers, and how long things are."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "cnncli"
FILES = sorted(ROOT.rglob("*.py"))

# Libraries that take long to import: only what computes on arrays may, at module level.
HEAVY = {
    *("jax", "jaxlib", "flax", "optax", "orbax", "grain", "tensorflow", "tensorflow_datasets", "sklearn"),
    "matplotlib",
}
LIGHT = ["networks/", "sizing/", "console/", "commands/", "errors.py", "data/facts.py", "runs/folder.py"]
# Neither of these rooms knows anything but the standard library.
BARE = ["networks/", "sizing/", "errors.py"]

# For each room the rooms below it, whose nouns it may use.
BASE = {"errors", "networks"}
MODELS = BASE | {"sizing"}
READERS = MODELS | {"models", "data", "runs"}
PICTURES = {"drawing", "diagrams"}
WORKERS = {"runtime", "evaluation", "training", "visualize", "weights"}
ALLOWED = {
    "errors": set(),
    "runtime": {"errors"},
    "networks": {"errors"},
    "sizing": BASE,
    "data": MODELS | {"runtime"},
    "runs": MODELS,
    "models": MODELS | {"runtime"},
    "evaluation": READERS | {"runtime"},
    "training": READERS | {"runtime", "evaluation"},
    "drawing": {"errors"},
    "diagrams": MODELS | {"drawing"},
    "visualize": READERS | PICTURES | {"runtime", "evaluation"},
    "weights": READERS | {"runtime"},
    "console": READERS | WORKERS,
    "commands": READERS | PICTURES | WORKERS | {"console"},
    "__main__": READERS | PICTURES | WORKERS | {"console", "commands"},
    "__init__": set(),
}


@cache
def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def name(path):
    return path.relative_to(ROOT).as_posix()


def room(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def within(places):
    return [path for path in FILES if any(name(path).startswith(place) for place in places)]


def at_module_level(tree):
    """Every node that runs on import: not the bodies of functions, nor what is only for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        yield from at_module_level(node)


def imported(nodes):
    """The full names of all that is imported."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"a relative import of {node.module}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported(path):
    """The rooms of cnncli that a file imports anywhere, its own left out."""
    parts = [full.split(".") for full in imported(ast.walk(parsed(path)))]
    known = {room(each) for each in FILES}
    return {part[1] for part in parts if part[0] == "cnncli" and part[1:] and part[1] in known} - {room(path)}


def offences(files, pattern):
    return [f"{name(path)}: {found}" for path in files for found in re.findall(pattern, path.read_text("utf-8"))]


def test_there_are_files_to_look_at():
    assert {"networks/layers.py", "sizing/size.py", "errors.py"} <= {name(path) for path in FILES}


@pytest.mark.parametrize("path", within(LIGHT), ids=name)
def test_light_rooms_import_nothing_heavy_at_module_level(path):
    assert not {full.split(".")[0] for full in imported(at_module_level(parsed(path)))} & HEAVY


@pytest.mark.parametrize("path", within(BARE), ids=name)
def test_networks_and_sizing_import_the_standard_library_alone(path):
    tops = {full.split(".")[0] for full in imported(ast.walk(parsed(path)))}
    assert tops <= set(sys.stdlib_module_names) | {"cnncli"}


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports_go_down(path):
    assert room(path) in ALLOWED, f"a room without a place in the house: {room(path)}"
    assert rooms_imported(path) <= ALLOWED[room(path)]


def test_rooms_import_each_other_in_no_circle():
    below = {one: set().union(*(rooms_imported(path) for path in FILES if room(path) == one)) for one in ALLOWED}
    while leaves := {one for one, others in below.items() if not others}:
        below = {one: others - leaves for one, others in below.items() if one not in leaves}
    assert below == {}


def test_only_models_name_flax_layers():
    others = [path for path in FILES if room(path) != "models"]
    assert offences(others, r"\bnnx\.(?:Conv|Linear|BatchNorm|Dropout)\b") == []


def test_only_console_and_commands_print():
    silent = [path for path in FILES if room(path) not in ("console", "commands")]
    calls = [(path, node) for path in silent for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)]
    assert [f"{name(path)}:{node.lineno}" for path, node in calls if ast.unparse(node.func) == "print"] == []


def test_no_file_is_a_drawer():
    assert [name(path) for path in FILES if path.name in ("utils.py", "helpers.py", "common.py")] == []


def test_files_fit_a_head():
    long = {name(path): len(path.read_text("utf-8").splitlines()) for path in FILES}
    assert {path: lines for path, lines in long.items() if lines > 400} == {}


def test_functions_fit_a_screen():
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    found = [(path, node) for path in FILES for node in ast.walk(parsed(path)) if isinstance(node, functions)]
    lengths = {f"{name(path)}:{node.name}": node.end_lineno - node.lineno + 1 for path, node in found}
    assert {function: lines for function, lines in lengths.items() if lines > 60} == {}


def test_networks_are_sized_without_jax():
    code = (
        "import cnncli.networks.catalogue, cnncli.sizing.size, cnncli.sizing.calculator, sys; "
        "assert not {'jax', 'numpy', 'rich'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT.parent, timeout=60)
