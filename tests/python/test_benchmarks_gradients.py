"""The experiment of docs/gradients.md runs, in small, and its page has what it writes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.gradients import NORMS, Plan, clipping, exploding, plain, task, vanishing
from lstm_native.diagnostics import gradient_flow

PAGE = Path(__file__).resolve().parents[2] / "docs" / "gradients.md"
SMALL = Plan(
    timesteps=6, lag_to_explode=5, hidden=3, samples=32, epochs=1, epochs_to_explode=1, seeds=2
)


def test_the_task_asks_for_the_first_value():
    x, y = task(5000, 4, seed=3)
    np.testing.assert_array_equal(x[..., 1], [[1, 0, 0, 0]] * 5000)
    np.testing.assert_allclose(y[:, 0], np.sqrt(3) * x[:, 0, 0], rtol=1e-6)
    assert float(y.var()) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("norm", [0.5, 2.0])
def test_a_plain_networks_recurrent_weights_have_the_norm_that_is_asked_for(norm):
    x, y = task(4, 5, seed=0)
    (layer,) = gradient_flow(plain(8, norm, seed=0), x, y).layers
    assert layer.spectral_norm["h"] == pytest.approx(norm, rel=1e-5)
    assert layer.spectral_radius["h"] == pytest.approx(norm, rel=1e-5)


def test_tables_repeat_and_figures_are_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    first = vanishing(SMALL, tmp_path)
    assert first == vanishing(SMALL, None)
    assert len(first) == 2 + 5
    assert len(exploding(SMALL, tmp_path)) == 2 + len(NORMS)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("start.png", "trained.png", "exploding.png")
    }


def test_each_norm_is_trained_with_and_without_clipping():
    rows = [line.split(" | ")[:2] for line in clipping(SMALL)[2:]]
    assert rows == [[f"| {norm:g}", clip] for norm in NORMS for clip in ("-", "1")]


def test_the_page_has_tables_and_figures():
    text = PAGE.read_text(encoding="utf-8")
    for mark, rows in [("vanishing", 5), ("exploding", len(NORMS)), ("clipping", 2 * len(NORMS))]:
        inside = re.search(rf"<!-- {mark} -->\n(.*?)<!-- end of {mark} -->", text, re.DOTALL)
        assert inside is not None
        assert len(inside[1].splitlines()) == 2 + rows
    for name in re.findall(r"\]\((gradients/\w+\.png)\)", text):
        assert (PAGE.parent / name).is_file()
