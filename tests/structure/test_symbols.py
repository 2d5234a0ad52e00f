"""No symbol of one instruction set's object can be merged with another's; no call runs upwards.

Two objects that define the same weak symbol under different flags leave the choice to the linker,
which may then put AVX-512 code where an old processor runs it. `nm` shows what they define.
"""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from test_include_order import core_floor

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "csrc" / "core"
# AddressSanitizer's marker of a global, one byte that is never code.
HARMLESS = ("__odr_asan",)


def defined_symbols(path: Path) -> set[str]:
    """Names that the linker sees: global, weak, unique, common."""
    output = subprocess.run(
        ["nm", "--defined-only", str(path)], check=True, capture_output=True, text=True
    ).stdout
    fields = [line.split() for line in output.splitlines() if line.strip()]
    return {
        name
        for *_, kind, name in fields
        if (kind.isupper() or kind in "uvw") and not name.startswith(HARMLESS)
    }


def builds() -> list[dict[str, list[Path]]]:
    """Of each build folder, the kernel objects by instruction set."""
    found: dict[Path, dict[str, list[Path]]] = {}
    for path in ROOT.glob("build/*/csrc/CMakeFiles/ln_kernels_*.dir/**/*.o"):
        build = ROOT / "build" / path.relative_to(ROOT / "build").parts[0]
        isa = next(p.name for p in path.parents if p.name.startswith("ln_kernels_"))
        isa = isa.removeprefix("ln_kernels_").removesuffix(".dir")
        found.setdefault(build, {}).setdefault(isa, []).append(path)
    return [{"": [build], **objects} for build, objects in sorted(found.items())]


@pytest.fixture(params=builds() or [None], ids=lambda b: b[""][0].name if b else "none")
def objects(request: pytest.FixtureRequest) -> dict[str, set[str]]:
    """Symbols by instruction set, of every build that lies in build/."""
    if request.param is None:
        pytest.skip("no kernel objects under build/: run 'pip install .' in this folder first")
    if shutil.which("nm") is None:
        pytest.skip("nm (binutils) is not installed")
    return {
        isa: set().union(*(defined_symbols(path) for path in paths))
        for isa, paths in request.param.items()
        if isa
    }


def test_sets_share_no_symbol(objects):
    for (isa, symbols), (other, others) in itertools.combinations(objects.items(), 2):
        shared = sorted(symbols & others)
        assert not shared, f"{isa} and {other} both define {len(shared)} symbols: {shared[:20]}"


def test_every_symbol_carries_the_name_of_its_set(objects):
    """So a clash with the core, with Eigen in a user's program or with std is impossible too."""
    for isa, symbols in objects.items():
        assert symbols, f"the {isa} object defines nothing"
        strange = sorted(name for name in symbols if isa not in name)
        assert not strange, f"the {isa} object defines {strange[:20]}"


def core_objects() -> list[Path]:
    """The folders that hold the core's objects, one for each build that lies in build/."""
    return sorted(ROOT.glob("build/*/csrc/CMakeFiles/lstm_native.dir/core"))


def symbols_of(path: Path) -> tuple[set[str], set[str]]:
    """Names of ours that an object defines, and those that it needs from others."""
    output = subprocess.run(["nm", str(path)], check=True, capture_output=True, text=True).stdout
    fields = [line.split()[-2:] for line in output.splitlines() if "11lstm_native" in line]
    defined = {name for kind, name in fields if (kind.isupper() and kind != "U") or kind in "uvw"}
    return defined, {name for kind, name in fields if kind == "U"}


@pytest.mark.parametrize(
    "core", core_objects() or [None], ids=lambda path: path.parents[3].name if path else "none"
)
def test_core_folders_call_only_folders_below(core):
    """What no include shows: declared in a folder below, defined in one above.

    Calls of virtual functions do not show here, and are the way to reach upwards. A template may be
    instantiated in several folders: one that may be reached is enough.
    """
    if core is None:
        pytest.skip("no objects of the core under build/: run 'pip install .' in this folder first")
    if shutil.which("nm") is None:
        pytest.skip("nm (binutils) is not installed")
    needed: dict[Path, set[str]] = {}
    folders: dict[str, set[str]] = {}  # that define a name
    for path in sorted(core.rglob("*.o")):
        source = CORE / path.relative_to(core).with_suffix("")
        if not source.is_file():
            continue  # left over in the build folder
        defined, needed[source.relative_to(CORE)] = symbols_of(path)
        for name in defined:
            folders.setdefault(name, set()).add(source.relative_to(CORE).parts[0])
    assert needed, f"{core} holds no objects"
    upward = [
        f"{source} calls {name}, which stands in {sorted(folders[name])}"
        for source, names in needed.items()
        for name in sorted(names & set(folders))
        if not any(may_call(source.parts[0], folder) for folder in folders[name])
    ]
    assert not upward, "\n".join(upward)


def may_call(folder: str, other: str) -> bool:
    return folder == other or core_floor(other) > core_floor(folder)


def test_a_call_upwards_would_be_found():
    assert may_call("network", "layers")
    assert not may_call("layers", "network")
    assert not may_call("recurrent", "conv_lstm")


# The mangled beginnings of what cmake/exports.map.in lists, kept apart from it.
TEMPLATES = ("Network", "NetworkStates", "Stream", "Trainer", "WeightAverage", "BasicModel")
PUBLIC_CLASSES = (*(f"{len(name)}{name}I" for name in TEMPLATES), "12GraphBuilder")
HEADERS = ROOT / "csrc/include/lstm_native"
EXCEPTIONS = re.findall(r"^class (\w+)", (HEADERS / "error.hpp").read_text(), re.MULTILINE)


def mangled(name: str) -> str:
    return f"{len(name)}{name}"


def public_functions() -> set[str]:
    """Names of the free functions that public headers declare and do not define."""
    lines = (line for path in HEADERS.glob("*.hpp") for line in path.read_text().splitlines())
    found = (
        re.match(r"(?!using|typedef|return)(?:[\w:<>]+[ *&]+)+(\w+)\([^{]*\);$", n) for n in lines
    )
    return {match[1] for match in found if match}


def public_templates() -> set[str]:
    """The same of functions that are templates."""
    begin = re.compile(r"^template <class T>\n(?!class|struct)[\w:<> ]+ (\w+)\(", re.MULTILINE)
    return {name for path in HEADERS.glob("*.hpp") for name in begin.findall(path.read_text())}


def is_public(name: str) -> bool:
    """Whether a mangled name belongs to what the public headers show."""
    begin = re.match(r"_Z(N|NK|T[ISV]N)11lstm_native", name)
    if not begin:
        return False
    rest = name[begin.end() :]
    if begin[1].startswith("T"):
        return rest in {f"{mangled(e)}E" for e in EXCEPTIONS}
    functions = tuple(f"{mangled(name)}E" for name in public_functions())
    functions += tuple(f"{mangled(name)}I" for name in public_templates())
    return rest.startswith(PUBLIC_CLASSES + functions)


def exported(library: Path) -> dict[str, set[str]]:
    """What a shared library exports, by the version it has."""
    if library.suffix == ".dylib" or shutil.which("nm") is None:
        pytest.skip("reads ELF with nm")
    output = subprocess.run(
        ["nm", "-D", "--defined-only", "--with-symbol-versions", str(library)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    versions: dict[str, set[str]] = {}
    for line in output.splitlines():
        name, _, version = line.split()[-1].partition("@@")
        if version:  # not the names of the versions themselves
            versions.setdefault(version, set()).add(name)
    return versions


def test_only_the_public_interface_is_exported(native_build):
    library = next((native_build / "csrc").glob("liblstm_native.*"))
    (version, names), *others = exported(library).items()
    assert re.fullmatch(r"LSTM_NATIVE_\d+\.\d+", version)
    assert not others
    assert not {name for name in names if not is_public(name)}
    assert len(names) >= 150
    for function in public_functions() | public_templates():
        assert any(mangled(function) in name for name in names), (
            f"{function} stands in a public header, but not in cmake/exports.map.in"
        )
    for exception in EXCEPTIONS:  # so that a program can catch what the library throws
        assert f"_ZTIN11lstm_native{mangled(exception)}E" in names, (
            f"{exception} stands in error.hpp, but not in cmake/exports.map.in"
        )


def test_what_python_needs_beyond_has_a_version_of_its_own(native_build):
    """In the wheel; what it shows under the public version is what any build shows."""
    module = pytest.importorskip("lstm_native._core")
    wheel = exported(next(Path(module.__file__).parent.glob("lib/liblstm_native.*")))
    private = wheel.pop("LSTM_NATIVE_PRIVATE")
    assert wheel == exported(next((native_build / "csrc").glob("liblstm_native.*")))
    assert not {name for name in private if "11lstm_native" not in name[:20]}
    for isa in ("avx512", "avx2", "generic", "neon"):
        assert not {name for name in private if f"11lstm_native{len(isa)}{isa}" in name}
