"""What is installed: the right files, nothing else, small, light to import."""

from __future__ import annotations

import importlib.metadata
import io
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def files() -> dict[str, Path]:
    """Installed files by their place in the wheel."""
    listed = importlib.metadata.distribution("lstm-native").files
    return {
        str(path): Path(path.locate())
        for path in listed
        if path.suffix != ".pyc" and ".." not in path.parts
    }


def test_a_wheel_is_installed_and_not_a_link_to_the_working_tree():
    package = pytest.importorskip("lstm_native")
    # An environment may lie in the working tree, whatever its name.
    assert Path(package.__file__).resolve().parent != ROOT / "lstm_native"


def test_files_belong_to_the_package(files):
    for name in files:
        assert re.match(r"lstm_native(/|-[0-9.]+\.dist-info/)", name), f"{name} is out of place"
        assert Path(name).suffix not in {".cpp", ".o", ".a", ".in"}, f"{name} is not for users"
        assert "third_party" not in name
        assert "/Eigen/" not in name


@pytest.mark.parametrize(
    "pattern",
    [
        r"lstm_native/_core\.[^/]+",
        r"lstm_native/_core\.pyi",
        r"lstm_native/py\.typed",
        r"lstm_native/lib/liblstm_native\.\w+",
        r"lstm_native/lib/cmake/lstm_native/lstm_nativeConfig\.cmake",
        r"lstm_native/lib/cmake/lstm_native/lstm_nativeConfigVersion\.cmake",
        r"lstm_native/lib/pkgconfig/lstm_native\.pc",
        r"lstm_native/include/lstm_native/lstm_native\.hpp",
        r"lstm_native/licenses/eigen/COPYING\.MPL2",
        r"lstm_native/licenses/nlohmann_json/LICENSE.*",
        r"lstm_native-[0-9.]+\.dist-info/licenses/LICENSE",
    ],
)
def test_file_is_there(files, pattern):
    assert any(re.fullmatch(pattern, name) for name in files), f"no {pattern}"


def test_every_public_header_is_there(files):
    for header in (ROOT / "csrc/include/lstm_native").glob("*.hpp"):
        assert f"lstm_native/include/lstm_native/{header.name}" in files


def test_wheel_has_at_most_3_megabytes_and_half_a_one_for_the_pretrained_network(files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files.items():
            archive.write(path, name)
    assert packed.tell() <= 3.5 * MEGABYTE


def test_binaries_are_stripped(files):
    if shutil.which("nm") is None:
        pytest.skip("nm (binutils) is not installed")
    for name, path in files.items():
        if path.suffix == ".so":
            symbols = subprocess.run(
                ["nm", str(path)], check=True, capture_output=True, text=True
            ).stdout
            assert not symbols.strip(), f"{name} still has its symbol table"


def test_only_numpy_and_tqdm_are_required():
    required = importlib.metadata.requires("lstm-native")
    always = {re.match(r"[\w-]+", line)[0] for line in required if "extra ==" not in line}
    assert always == {"numpy", "tqdm"}


def test_version_is_the_same_everywhere(root):
    package = pytest.importorskip("lstm_native")
    version = importlib.metadata.version("lstm-native")
    assert f'version = "{version}"' in (root / "pyproject.toml").read_text(encoding="utf-8")
    assert package.__version__ == version
    assert package.build_info()["version"] == version


def in_fresh_python(code: str) -> str:
    command = [sys.executable, "-c", code]
    # Not in the root, where `lstm_native` would be the folder of sources.
    result = subprocess.run(command, cwd=ROOT / "tests", check=True, capture_output=True, text=True)
    return result.stdout


def test_import_loads_nothing_but_numpy():
    loaded = in_fresh_python(
        "import numpy, sys; before = set(sys.modules); import lstm_native;"
        "print(*(set(sys.modules) - before))"
    )
    top = {name.partition(".")[0] for name in loaded.split()}
    assert top <= {"lstm_native", "numpy"} | set(sys.stdlib_module_names), "loaded without need"


def test_import_takes_at_most_30_ms_beyond_numpy():
    code = (
        "import numpy, time; start = time.perf_counter(); import lstm_native;"
        "print(time.perf_counter() - start)"
    )
    assert min(float(in_fresh_python(code)) for _ in range(7)) <= 0.030


def test_repository_holds_no_third_party_source(root):
    if shutil.which("git") is None or not (root / ".git").exists():
        pytest.skip("not a git checkout")
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=root, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    foreign = re.compile(r"(^|/)(third_party|Eigen|eigen|nlohmann|pybind11|doctest)(/|\.h)")
    assert not [name for name in tracked if foreign.search(name)]
    assert not [name for name in tracked if Path(name).suffix in {".so", ".a", ".o", ".whl"}]
