"""Memory-mapped arrays larger than memory: a batch at a time, with the numbers of plain arrays."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import tracemalloc
from pathlib import Path

import numpy as np
import product as p
import pytest
from fit_helpers import data, fit, make_model

import lstm_native as ln


def mapped(array: np.ndarray, path: Path) -> np.memmap:
    file = np.memmap(path, dtype=array.dtype, mode="w+", shape=array.shape)
    file[:] = array
    file.flush()
    return np.memmap(path, dtype=array.dtype, mode="r", shape=array.shape)


@pytest.mark.parametrize("stored", ["float32", "float64"])
@pytest.mark.parametrize("shuffle", [True, False])
def test_the_numbers_are_those_of_arrays(dtype, stored, shuffle, tmp_path, monkeypatch):
    from lstm_native.training import _mapped

    monkeypatch.setattr(_mapped, "_PIECE", 40)  # more than one piece
    x, y = (array.astype(stored) for array in data())
    plain, files = make_model(dtype=dtype.name), make_model(dtype=dtype.name)
    options = {"shuffle": shuffle, "metrics": ["mae"], "validation_split": 0.25}
    wanted = fit(plain, x, y, **options)
    a, b = mapped(x, tmp_path / "x"), mapped(y, tmp_path / "y")
    found = fit(files, a, b, **options)
    p.assert_same_weights(files.state_dict(), plain.state_dict())
    assert found.history == wanted.history
    p.assert_same_bits(files.predict(a, batch_size=3), plain.predict(x))
    assert files.evaluate(a, b, metrics=["mae"]) == plain.evaluate(x, y, metrics=["mae"])
    # A view is one too, and y may be in memory.
    fit(files, a[2:], y[2:], **options)
    fit(plain, x[2:], y[2:], **options)
    p.assert_same_weights(files.state_dict(), plain.state_dict())


def test_with_lengths_masks_weights_and_classes(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20, 5, 3))
    y = rng.integers(0, 3, (20, 5))
    a, b = mapped(x, tmp_path / "x"), mapped(y, tmp_path / "y")
    mask = rng.random((20, 5)) < 0.8
    mask[:, 0] = True
    for more in (
        {"lengths": rng.integers(1, 6, 20)},
        {"mask": mask},
        {"sample_weight": rng.integers(0, 3, 20).astype(float)},
        {"class_weight": {1: 3.0}, "sample_weight": rng.random((20, 5))},
    ):
        plain, files = (make_model(3, return_sequences=True) for _ in range(2))
        options = {"loss": "categorical_crossentropy", "optimizer": ln.SGD(0.1), **more}
        fit(plain, x, y, **options)
        fit(files, a, b, **options)
        for name, value in plain.state_dict().items():
            np.testing.assert_allclose(files.state_dict()[name], value, rtol=1e-12, atol=1e-14)
        given = {name: value for name, value in more.items() if name in ("lengths", "mask")}
        p.assert_same_bits(files.predict(a, batch_size=4, **given), files.predict(x, **given))


def test_what_does_not_fit_is_told_before_anything_is_learned(tmp_path, monkeypatch):
    from lstm_native.training import _mapped

    monkeypatch.setattr(_mapped, "_PIECE", 60)
    x, y = data()
    x[13, 2, 1] = np.nan
    model = make_model()
    model.predict(x[:1])
    before = model.state_dict()
    a = mapped(x, tmp_path / "x")
    with pytest.raises(ValueError, match="samples 12 to 15: x must be finite"):
        fit(model, a, y)
    with pytest.raises(ValueError, match="samples 12 to 13: x must be finite"):
        model.predict(a, batch_size=2)
    with pytest.raises(ValueError, match="x has 20 samples but y has 19"):
        fit(model, a, y[1:])
    with pytest.raises(ValueError, match="lengths: expected one for each of the 20 samples"):
        fit(model, a, y, lengths=np.ones(3, int))
    with pytest.raises(TypeError, match="int64"):
        fit(model, mapped(np.zeros(x.shape, "int64"), tmp_path / "i"), y)
    p.assert_same_weights(model.state_dict(), before)


def test_only_a_batch_is_in_memory(tmp_path):
    """Python's own allocations: 256 MiB of float64 for a model of float32."""
    samples, steps, features = 2**15, 32, 32
    with open(tmp_path / "x", "wb") as file:  # sparse: no disk is used
        file.truncate(samples * steps * features * 8)
    x = np.memmap(tmp_path / "x", dtype="float64", mode="r", shape=(samples, steps, features))
    y = np.zeros((samples, 1), dtype="float32")
    model = ln.Sequential([ln.LSTM(1, return_sequences=False), ln.Dense(1)], seed=0)
    model.predict(np.zeros((1, steps, features), dtype="float32"))
    tracemalloc.start()
    model.fit(x, y, batch_size=512, verbose=False, seed=0)
    model.predict(x, batch_size=512)
    model.evaluate(x, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 48 * 2**20


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the address space")
def test_a_file_larger_than_the_memory_allowed(tmp_path):
    """Anonymous memory is limited to less than the file has; it is what a copy would need."""
    program = """
        import resource, sys
        import numpy as np
        import lstm_native as ln
        shape = (2**14, 64, 64)  # 512 MiB
        with open(sys.argv[1], "wb") as file:
            file.truncate(8 * np.prod(shape))
        ln.set_num_threads(1)
        model = ln.Sequential([ln.LSTM(1, return_sequences=False), ln.Dense(1)], seed=0)
        model.predict(np.zeros((1, *shape[1:]), dtype="float32"))
        y = np.zeros((shape[0], 1), dtype="float32")
        model.fit(np.zeros((4, *shape[1:]), dtype="float32"), y[:4], verbose=False)
        now = next(int(line.split()[1]) for line in open("/proc/self/status") if "VmData" in line)
        resource.setrlimit(resource.RLIMIT_DATA, ((now + 128 * 1024) * 1024,) * 2)
        x = np.memmap(sys.argv[1], dtype="float64", mode="r", shape=shape)
        model.fit(x, y, batch_size=256, verbose=False, seed=0)
        print(model.predict(x, batch_size=256).shape)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path / "x")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,  # not the source folder, which has no compiled core
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "(16384, 1)"
