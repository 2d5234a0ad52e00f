"""Instruction sets and threads: chosen by name, refused by name, and told by build_info."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import product as p
import pytest

import lstm_native as ln
from lstm_native import _core

KNOWN = ("avx512", "avx2", "neon", "generic")
INFO = ln.build_info()


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        timeout=60,
        **p.fresh_process(**environment),
    )


TELL = "import lstm_native as ln; print(ln.build_info()['isa'])"


def test_build_info_tells_what_this_build_is():
    assert set(INFO) >= {
        "version",
        "compiler",
        "eigen",
        "build_type",
        "isas_compiled",
        "isas_available",
        "isa",
        "threads",
    }
    assert INFO["version"] == ln.__version__
    assert INFO["eigen"].count(".") == 2
    assert INFO["isa"] in INFO["isas_available"]
    assert INFO["threads"] == ln.get_num_threads() >= 1


def test_sets_are_listed_fastest_first_and_generic_is_always_there():
    for names in (INFO["isas_compiled"], INFO["isas_available"]):
        assert "generic" in names or "neon" in names
        assert names == [name for name in KNOWN if name in names]
    assert set(INFO["isas_available"]) <= set(INFO["isas_compiled"])


@pytest.mark.skipif(not os.path.exists("/proc/cpuinfo"), reason="reads Linux's /proc/cpuinfo")
def test_sets_available_are_those_of_the_processor():
    with open("/proc/cpuinfo") as file:
        flags = next((line for line in file if line.startswith("flags")), "").split()
    available = set(INFO["isas_available"])
    compiled = set(INFO["isas_compiled"])
    assert ("avx2" in available) == ("avx2" in compiled and {"avx2", "fma"} <= set(flags))
    needed = {"avx512f", "avx512dq", "avx512vl", "avx512bw"}
    assert ("avx512" in available) == ("avx512" in compiled and needed <= set(flags))


def test_without_a_wish_the_fastest_set_is_used():
    done = run_python(TELL)
    assert done.stdout.strip() == INFO["isas_available"][0], done.stderr


@pytest.mark.parametrize("name", INFO["isas_available"])
def test_the_environment_forces_a_set(name):
    done = run_python(TELL, LSTM_NATIVE_ISA=name)
    assert done.stdout.strip() == name, done.stderr


def test_auto_is_the_fastest_set(isa):
    _core.set_isa("auto")
    assert ln.build_info()["isa"] == INFO["isas_available"][0]


@pytest.mark.parametrize(
    "name", ["sse9", "AVX2 ", "", *(n for n in KNOWN if n not in INFO["isas_available"])]
)
def test_an_unknown_or_unsupported_set_is_refused_and_the_old_one_stays(isa, name):
    with pytest.raises(ValueError, match=f"'{name}'") as raised:
        _core.set_isa(name)
    for available in INFO["isas_available"]:
        assert available in str(raised.value)
    assert ln.build_info()["isa"] == isa


def test_an_unknown_set_in_the_environment_is_an_error_that_lists_the_others():
    code = "import lstm_native as ln; ln.Dense(2, input_size=2)([[1.0, 2.0]])"
    done = run_python(code, LSTM_NATIVE_ISA="sse9")
    assert done.returncode != 0
    for word in ("ValueError", "sse9", *INFO["isas_available"]):
        assert word in done.stderr


def test_changing_the_set_between_calls_keeps_the_weights():
    """Weights packed for one set's vectors are packed again for the next."""
    before = ln.build_info()["isa"]
    layer = ln.LSTM(37, input_size=5, num_layers=2, dtype="float64", seed=1)
    weights = layer.state_dict()
    x = np.random.default_rng(0).standard_normal((3, 7, 5))
    try:
        outputs = []
        for isa in 2 * INFO["isas_available"]:
            _core.set_isa(isa)
            outputs.append(layer(x)[0])
    finally:
        _core.set_isa(before)
    for output in outputs:
        np.testing.assert_allclose(output, outputs[0], rtol=0, atol=1e-13)
    half = len(outputs) // 2
    for first, again in zip(outputs[:half], outputs[half:], strict=True):
        p.assert_same_bits(again, first)
    p.assert_same_weights(layer.state_dict(), weights)


class TestThreads:
    def test_the_environment_sets_their_number(self):
        code = "import lstm_native as ln; print(ln.get_num_threads())"
        done = run_python(code, LSTM_NATIVE_NUM_THREADS="3")
        assert done.stdout.strip() == "3", done.stderr

    @pytest.mark.parametrize("value", ["0", "-2", "two", "1.5", ""])
    def test_a_number_that_is_none_is_refused(self, value):
        code = "import lstm_native as ln; ln.Dense(2, input_size=2)([[1.0, 2.0]])"
        code += "; print(ln.get_num_threads())"
        done = run_python(code, LSTM_NATIVE_NUM_THREADS=value)
        if value == "":  # an empty variable is an unset one
            assert int(done.stdout) >= 1
            return
        assert done.returncode != 0
        for word in ("ValueError", "LSTM_NATIVE_NUM_THREADS", value):
            assert word in done.stderr

    @pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="Linux only")
    def test_without_a_wish_it_is_the_processors_this_process_may_use(self):
        code = (
            "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]);"
            "import lstm_native as ln; print(ln.get_num_threads())"
        )
        assert run_python(code).stdout.strip() == "1"

    def test_more_threads_than_processors_work(self, dtype):
        before = ln.get_num_threads()
        layer = ln.LSTM(40, input_size=8, dtype=dtype.name, seed=1)
        x = p.normal(np.random.default_rng(0), (64, 10, 8), dtype)
        expected = layer(x)[0]
        try:
            ln.set_num_threads(16)
            assert ln.get_num_threads() == 16
            p.assert_same_bits(layer(x)[0], expected)
        finally:
            ln.set_num_threads(before)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX only")
    def test_a_forked_process_can_work(self):
        """Threads do not survive a fork; the child must not wait for them."""
        code = """
import os, signal, numpy as np, lstm_native as ln
ln.set_num_threads(2)
layer = ln.LSTM(64, input_size=16, seed=1)
x = np.random.default_rng(0).standard_normal((64, 20, 16)).astype("float32")
expected = layer(x)[0]
child = os.fork()
if child == 0:
    signal.alarm(20)
    os._exit(0 if (layer(x)[0] == expected).all() else 1)
print(os.waitpid(child, 0)[1])
"""
        done = run_python(code)
        assert done.stdout.strip() == "0", done.stderr

    def test_models_of_several_threads_train_side_by_side(self):
        """Two trainings at once: each as if it were alone."""
        x = np.random.default_rng(0).standard_normal((40, 6, 3)).astype(np.float32)
        y = x.mean(axis=(1, 2))[:, None]

        def train(seed: int) -> p.Tensors:
            model = ln.Sequential([ln.LSTM(16, return_sequences=False), ln.Dense(1)], seed=seed)
            model.fit(x, y, epochs=5, batch_size=8, seed=seed, verbose=False)
            return model.state_dict()

        expected = [train(seed) for seed in range(4)]
        with ThreadPoolExecutor(4) as pool:
            for found, alone in zip(pool.map(train, range(4)), expected, strict=True):
                p.assert_same_weights(found, alone)
