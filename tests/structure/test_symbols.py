"""No symbol of one instruction set's object can be merged with another's.

Two objects that define the same weak symbol under different flags leave the choice to the linker,
which may then put AVX-512 code where an old processor runs it. `nm` shows what they define.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
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


def test_only_the_product_is_exported(root):
    """The shared library shows namespace lstm_native, and of that no kernel."""
    package = pytest.importorskip("lstm_native")
    library = next(Path(package.__file__).parent.glob("lib/liblstm_native.*"))
    if library.suffix != ".so" or shutil.which("nm") is None:
        pytest.skip("reads ELF with nm")
    output = subprocess.run(
        ["nm", "-D", "--defined-only", str(library)], check=True, capture_output=True, text=True
    ).stdout
    names = {line.split()[-1].split("@")[0] for line in output.splitlines()}
    assert names
    assert not {name for name in names if "11lstm_native" not in name[:20]}
    for isa in ("avx512", "avx2", "generic", "neon"):
        assert not {name for name in names if f"11lstm_native{len(isa)}{isa}" in name}
