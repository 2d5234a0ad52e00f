"""What all tests share: the installed package under test, and no silent skips in CI."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# The package in the working tree has no compiled module: the installed one is tested.
sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != ROOT]

# A shell starts background jobs with Ctrl-C ignored, and so would be the programs that tests start
# and then interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

REQUIRE_ALL = os.environ.get("LSTM_NATIVE_REQUIRE_ALL", "0") == "1"


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository or of the unpacked sdist."""
    return ROOT


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a build of the library: `pytest` leaves it to `pytest -m long`."""
    for item in items:
        if "build_folder" in getattr(item, "fixturenames", ()):
            item.add_marker("long")


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """With LSTM_NATIVE_REQUIRE_ALL=1 a missing tool or package is a failure, not a skip."""
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"LSTM_NATIVE_REQUIRE_ALL=1 allows no such skip: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Skips inside tests and fixtures; the mark skipif is for what no install could change."""
    report = yield
    if not any(item.iter_markers("skipif")):
        _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Skips of whole files (pytest.importorskip)."""
    report = yield
    _fail_if_skipped(report)
    return report


class CMake:
    """Runs cmake and the programs it builds; a failure shows what they printed."""

    def __init__(self) -> None:
        for program in ("cmake", "ninja", "c++"):
            if shutil.which(program) is None:
                pytest.skip(f"{program} is not installed")

    def build(self, source: Path, build: Path, *targets: str, **definitions: object) -> Path:
        """Configures `source` and builds the targets (default: all) in `build`."""
        options = [f"-D{name}={value}" for name, value in definitions.items()]
        self.run("cmake", "-S", source, "-B", build, "-G", "Ninja", *options)
        self.run("cmake", "--build", build, *(["--target", *targets] if targets else []))
        return build

    def run(self, *command: object, cwd: Path = ROOT / "tests", **environment: str) -> str:
        """What the command prints. Fails the test when it ends in anything but 0.

        It does not run in the root, where Python would take `lstm_native` for the sources.
        """
        words = [str(word) for word in command]
        result = subprocess.run(
            words, cwd=cwd, env=os.environ | environment, capture_output=True, text=True
        )
        if result.returncode:
            pytest.fail(
                f"{' '.join(words)}\nended in {result.returncode}\n"
                f"{result.stdout[-6000:]}\n{result.stderr[-6000:]}",
                pytrace=False,
            )
        return result.stdout


@pytest.fixture(scope="session")
def cmake() -> CMake:
    """A way to run cmake, or a skip where it is missing."""
    return CMake()


@pytest.fixture(scope="session")
def build_folder() -> Path:
    """Where the library is built without Python: kept between runs, so later ones are quick."""
    return Path(os.environ.get("LSTM_NATIVE_BUILD_DIR", ROOT / "build" / "pytest")).resolve()


@pytest.fixture(scope="session")
def native_build(cmake: CMake, build_folder: Path) -> Path:
    """The library as a plain CMake build; LSTM_NATIVE_BUILD_DIR names one to use instead."""
    return cmake.build(
        ROOT,
        build_folder,
        "lstm_native",
        CMAKE_BUILD_TYPE="Release",
        Python_EXECUTABLE=sys.executable,
    )


@pytest.fixture(scope="session")
def native_program(cmake: CMake, native_build: Path) -> Callable[[str], Path]:
    """Builds a program of tests/native beside the library and says where it is."""
    if not any(
        (Path(folder) / "include/doctest/doctest.h").is_file() for folder in ("/usr", "/usr/local")
    ):
        pytest.skip("the C++ tests need doctest (Debian: doctest-dev)")

    def build(target: str) -> Path:
        definitions = {"LSTM_NATIVE_TESTS": "ON", "Python_EXECUTABLE": sys.executable}
        return cmake.build(ROOT, native_build, target, **definitions) / "tests" / "native" / target

    return build


@pytest.fixture(scope="session")
def subproject_build(cmake: CMake, build_folder: Path) -> Path:
    """tests/consumer/subproject: no build type, a static library, this processor's set alone."""
    core = pytest.importorskip("lstm_native._core")
    return cmake.build(
        ROOT / "tests" / "consumer" / "subproject",
        build_folder.parent / "subproject",
        LSTM_NATIVE_SOURCE_DIR=ROOT,
        LSTM_NATIVE_ISAS=core.build_info()["isa"],
        LSTM_NATIVE_INSTALL="ON",
        CMAKE_EXPORT_COMPILE_COMMANDS="ON",
        Python_EXECUTABLE=sys.executable,
    )


@pytest.fixture(
    scope="session",
    params=[
        pytest.param("cmake --install", marks=pytest.mark.long),
        "wheel",
        pytest.param("static", marks=pytest.mark.long),
    ],
)
def installed_library(request: pytest.FixtureRequest, cmake: CMake) -> Path:
    """The CMake package folder of each kind of install."""
    if request.param == "wheel":
        return Path(cmake.run(sys.executable, "-m", "lstm_native", "--cmake-dir").strip())
    build = request.getfixturevalue(
        "subproject_build" if request.param == "static" else "native_build"
    )
    prefix = request.getfixturevalue("tmp_path_factory").mktemp("prefix")
    cmake.run("cmake", "--install", build, "--prefix", prefix)
    return next(prefix.rglob("lstm_nativeConfig.cmake")).parent
