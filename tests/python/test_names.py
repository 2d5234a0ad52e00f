"""The package's names: loaded when first used, and all of them there."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import product as p
import pytest

import lstm_native as ln


def printed(code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, **p.fresh_process()
    )
    return result.stdout.strip()


def test_every_public_name_is_there_and_type_checkers_see_the_same():
    tree = ast.parse(Path(ln.__file__).read_text(encoding="utf-8"))
    typed = next(node for node in tree.body if isinstance(node, ast.If)).body
    told = {
        alias.name: node.module
        for node in typed
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert sorted(told) == sorted(ln.__all__)
    for name, module in told.items():
        assert f"lstm_native.{ln._MODULE_OF[name]}" == module
        assert getattr(ln, name) is getattr(sys.modules[module], name)
    assert set(ln.__all__) <= set(dir(ln))


@pytest.mark.parametrize("name", ["losses", "optimizers", "callbacks", "metrics", "data"])
def test_modules_are_found_without_an_import_of_their_own(name):
    assert printed(f"import lstm_native as ln; print(ln.{name}.__name__)") == f"lstm_native.{name}"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'lstm_native' has no attribute 'GPU'"):
        ln.GPU  # noqa: B018
    assert not hasattr(ln, "cli2")


def test_what_is_said_of_names_that_are_missing_is_loaded_when_one_is():
    code = (
        "import sys, lstm_native as ln\n"
        "print('lstm_native._base.names_elsewhere' in sys.modules, hasattr(ln, 'nn'), "
        "'lstm_native._base.names_elsewhere' in sys.modules)"
    )
    assert printed(code) == "False False True"


def test_star_import():
    assert printed("from lstm_native import *; print(LSTM.__name__, Adam.__name__)") == "LSTM Adam"


def test_running_a_model_does_not_load_what_trains_one():
    code = (
        "import sys, numpy, lstm_native as ln\n"
        "before = {m for m in sys.modules if m.startswith('lstm_native.')}\n"
        "x = numpy.zeros((1, 3, 2), 'float32')\n"
        "ln.Sequential([ln.LSTM(2), ln.Dense(1)]).predict(x)\n"
        "print(*sorted(before), *sorted(m for m in sys.modules if m in "
        "('lstm_native.training._loop', 'lstm_native.optimizers', 'lstm_native.callbacks', 'csv')))"
    )
    assert printed(code) == "lstm_native._core"


def test_a_layer_shows_what_is_not_as_by_default():
    """Errors name the layer: one that has thirty options must not bury what is wrong."""
    assert repr(ln.LSTM(8)) == "LSTM(hidden_size=8)"
    layer = ln.LSTM(8, input_size=3, cell_activation=("leaky_relu", 0.1), dtype="float64")
    assert repr(layer) == (
        "LSTM(hidden_size=8, input_size=3, cell_activation=('leaky_relu', 0.1), dtype='float64')"
    )
    assert repr(ln.Residual([ln.Dense(2)])) == "Residual(layers=[Dense(units=2)])"
    with pytest.raises(ValueError, match=r"^LSTM\(hidden_size=8, input_size=3\): expected 3 input"):
        ln.LSTM(8, input_size=3)(np.zeros((1, 2, 4), dtype="float32"))
