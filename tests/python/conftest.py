"""Fixtures that run a test for every number type, instruction set and thread count.

Every numeric test takes `isa`, so that each set this machine can run is tested by name. The test
examples of hypothesis are the same in every run; HYPOTHESIS_PROFILE=explore looks for new ones.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

# The reference multiplies small matrices, where a second BLAS thread costs more than it does.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from lstm_native import _core

# `reference` lives beside this folder, the helper module `product` in it.
for folder in (Path(__file__).parent.parent, Path(__file__).parent):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

# The benchmark is no part of the package: it lies in the repository, whose folder it takes off the
# path again.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
importlib.import_module("benchmarks")

# The fixtures here hold no state that one example could leave for the next.
_CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
settings.register_profile(
    "repeatable",
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=_CHECKS,
)
settings.register_profile("explore", max_examples=300, deadline=None, suppress_health_check=_CHECKS)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> np.dtype:
    """Either number type."""
    return np.dtype(request.param)


@pytest.fixture(params=_core.build_info()["isas_available"])
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every instruction set that this machine can run, forced, and checked to be in use."""
    before = _core.build_info()["isa"]
    _core.set_isa(request.param)
    assert _core.build_info()["isa"] == request.param
    yield request.param
    _core.set_isa(before)


@pytest.fixture(params=[1, 2], ids=["1thread", "2threads"])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """One thread and two."""
    before = _core.get_num_threads()
    _core.set_num_threads(request.param)
    assert _core.get_num_threads() == request.param
    yield request.param
    _core.set_num_threads(before)


@pytest.fixture(scope="module", autouse=True)
def one_torch_thread() -> Iterator[None]:
    """One thread of PyTorch's own in the files that use it."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    """The file of a trained model."""
    from model_file_helpers import METADATA, trained_model

    path = tmp_path / "model.safetensors"
    trained_model().save(path, metadata=METADATA)
    return path


@pytest.fixture
def quick_tuning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train the global forecasting network a fifth as long: what is learnt well is not asked."""
    import dataclasses

    from lstm_native.forecast import tuning

    monkeypatch.setattr(tuning, "_WINDOWS", 4_000)
    for name in ("SHORT", "LONG", "WITH_COVARIATES"):
        course = dataclasses.replace(getattr(tuning, name), seen=12_000, epochs=(3, 12))
        monkeypatch.setattr(tuning, name, course)
