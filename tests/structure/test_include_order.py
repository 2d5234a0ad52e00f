"""The order of the floors: each includes only what lies below it, and nothing goes in circles.

lstm_native -> csrc/bindings -> csrc/core -> csrc/kernels -> csrc/include -> Eigen
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CSRC = ROOT / "csrc"
PACKAGE = ROOT / "lstm_native"

# From the top down. A file may include its own floor and those after it.
FLOORS = ["bindings", "core", "kernels", "lstm_native"]
FOLDERS = {floor: CSRC / floor for floor in FLOORS[:-1]} | {
    "lstm_native": CSRC / "include" / "lstm_native"
}
SOURCES = [
    path
    for folder in FOLDERS.values()
    for path in sorted(folder.rglob("*"))
    if path.suffix in {".hpp", ".cpp"}
]
# The folders of csrc/core, from the top down. Those in one line do not see each other.
CORE_FOLDERS = [
    {"files"},
    {"training", "decoding"},
    {"network"},
    {"attention"},
    {"recurrent", "conv_lstm"},
    {"layers"},
    {"numeric", "specs"},
    {"runtime"},
    {"base"},
]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)
EIGEN = re.compile(r"(unsupported/)?Eigen/")
PYTHON = re.compile(r"(pybind11/.*|Python\.h|numpy/.*)")
SIMD = re.compile(r"(.*intrin\.h|arm_\w+\.h)")


def includes(path: Path) -> list[tuple[str, str]]:
    """(quote, name) of every #include."""
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


def floor_of(path: Path) -> str:
    """The floor a C++ file stands on."""
    return next(floor for floor, folder in FOLDERS.items() if folder in path.parents)


def name_of(path: Path) -> str:
    """The file as an #include names it: "core/layers/layer.hpp"."""
    return f"{floor_of(path)}/{path.relative_to(FOLDERS[floor_of(path)])}"


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of more than one node that reach each other, and nodes that reach themselves."""
    reach = {node: set(graph[node]) & set(graph) for node in graph}
    for middle in graph:
        for node in graph:
            if middle in reach[node]:
                reach[node] |= reach[middle]
    on_circle = [node for node in graph if node in reach[node]]
    groups = {
        tuple(sorted({n for n in on_circle if n in reach[node] and node in reach[n]}))
        for node in on_circle
    }
    return [list(group) for group in sorted(groups)]


def test_there_are_sources_on_every_floor():
    assert {floor_of(path) for path in SOURCES} == set(FLOORS)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_includes_point_down(path):
    own = FLOORS.index(floor_of(path))
    for quote, name in includes(path):
        floor = name.split("/")[0]
        if quote == '"':
            assert floor in FLOORS, f'{name}: write "floor/file.hpp", floors: {FLOORS}'
            assert (FOLDERS[floor] / name.partition("/")[2]).is_file(), f"{name} does not exist"
            assert FLOORS.index(floor) >= own, f"{name_of(path)} includes {name}, a floor above"
            continue
        assert floor not in FLOORS, f'{name} is ours: write "{name}"'
        if EIGEN.match(name):
            assert floor_of(path) in {"core", "kernels"}, f"{name} above or below its floor"
        if PYTHON.fullmatch(name):
            assert floor_of(path) == "bindings", f"only csrc/bindings may know Python, not {name}"
        if SIMD.fullmatch(name):
            assert floor_of(path) == "kernels", f"only csrc/kernels may use {name}"
        if name.startswith("nlohmann/"):
            assert floor_of(path) in {"core", "bindings"}, f"{name} below csrc/core"


def core_floor(folder: str) -> int:
    """How far from the top a folder of csrc/core stands."""
    return next(i for i, floor in enumerate(CORE_FOLDERS) if folder in floor)


def test_every_folder_of_the_core_has_its_floor():
    folders = {path.name for path in FOLDERS["core"].iterdir()}
    assert folders == set().union(*CORE_FOLDERS), "a folder, and no file beside the folders"


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if floor_of(path) == "core"], ids=name_of
)
def test_core_folders_include_only_folders_below(path):
    own = path.relative_to(FOLDERS["core"]).parts[0]
    for quote, name in includes(path):
        if quote != '"' or not name.startswith("core/"):
            continue
        other = name.split("/")[1]
        below = core_floor(other) > core_floor(own)
        assert other == own or below, f"{name_of(path)} includes {name}, which is not below it"


def test_cpp_files_do_not_include_each_other_in_circles():
    graph = {
        name_of(path): {name for quote, name in includes(path) if quote == '"'} for path in SOURCES
    }
    assert circles(graph) == []


@pytest.mark.parametrize("path", sorted(FOLDERS["lstm_native"].glob("*.hpp")), ids=name_of)
def test_public_headers_have_no_build_macros(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    directives = {line.strip() for line in lines if line.lstrip().startswith("#")}
    odd = {d for d in directives if not d.startswith(("#include", "#pragma once"))}
    assert not odd, f"only #include and #pragma once belong in a public header, not {odd}"


def test_no_code_is_for_systems_that_nothing_builds():
    """pyproject.toml names Linux and macOS."""
    for path in [*SOURCES, *sorted((ROOT / "tests" / "native").glob("*.?pp"))]:
        found = re.search(r"_WIN32|_MSC_VER|<windows\.h>", path.read_text(encoding="utf-8"))
        assert not found, f"{path}: {found[0]}"


# Python ------------------------------------------------------------------------------------------

CORE = "lstm_native._core"  # the floor below
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
# The parts of the package, from the top down: packages, and modules beside them. Those in one line
# do not see each other. "": the face, `import lstm_native`, which loads its names on demand.
PYTHON_FLOORS = [
    {"__main__"},
    {"cli"},
    {"forecast"},
    {""},
    {"autograd", "diagnostics", "onnx_ops", "callbacks", "files"},
    {"graph", "model", "_recorders", "_averages"},
    {"training", "_monitor"},
    {"metrics", "optimizers", "history", "progress"},
    {"losses", "_optimizer", "_schedules", "data"},
    {"_updates"},
    {"network", "_scaling", "runtime"},
    {"layers", "decoding"},
    {"_base"},
]


def imported(module: str) -> set[str]:
    """Modules of the package that `module` imports: at once, inside functions, or for types."""
    path = MODULES[module]
    is_package = path.name == "__init__.py"
    found = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = module.split(".")
            if node.level:
                base = base[: len(base) - node.level + is_package]
                prefix = ".".join([*base, node.module] if node.module else base)
            else:
                prefix = node.module or ""
            names = [f"{prefix}.{alias.name}" for alias in node.names]
            found.update(name if name in MODULES or name == CORE else prefix for name in names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    found.discard(module)
    return {name for name in found if name in MODULES}


def part_of(module: str) -> str:
    """The package inside lstm_native, or the module beside the packages."""
    return (module.split(".") + [""])[1]


def python_floor(module: str) -> int:
    """How far from the top a module stands."""
    return next(i for i, floor in enumerate(PYTHON_FLOORS) if part_of(module) in floor)


def test_every_part_of_the_package_has_its_floor():
    assert {part_of(module) for module in MODULES} == set().union(*PYTHON_FLOORS)


@pytest.mark.parametrize("module", MODULES)
def test_python_imports_point_down(module):
    """Lazy imports too, and those for types alone."""
    for other in imported(module):
        inside = part_of(other) == part_of(module)
        below = python_floor(other) > python_floor(module)
        assert inside or below, f"{module} imports {other}, which is not below it"


def test_no_module_of_a_package_imports_its_face():
    """It would ask for what is not loaded yet."""
    for module in MODULES:
        own = {module.rpartition(".")[0], f"lstm_native.{part_of(module)}"}
        assert not own & imported(module) - {"lstm_native"}, module


def test_python_modules_do_not_import_each_other_in_circles():
    assert circles({module: imported(module) for module in MODULES}) == []


def test_only_the_main_entry_points_import_the_forecast_job():
    """`import lstm_native` must stay light: the job and the command line load on demand."""
    reached, todo = set(), ["lstm_native"]
    while todo:
        module = todo.pop()
        if module not in reached:
            reached.add(module)
            todo.extend(imported(module))
    heavy = {m for m in reached if re.match(r"lstm_native\.(forecast|cli|__main__)\b", m)}
    assert not heavy, f"import lstm_native also imports {sorted(heavy)}"


def test_the_reference_imports_nothing_of_the_product():
    for path in sorted((ROOT / "tests" / "reference").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(import|from)\s+lstm_native", text, re.MULTILINE), path


def test_a_circle_would_be_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]
