"""The loss of several outputs: the sum of theirs, whatever the batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import lstm_native as ln

N, T, F = 30, 6, 3
FACTORS = {"each": 2.0, "whole": 0.5}


def steps_and_whole(penalty: bool = False) -> ln.Model:
    """An output at each step, and one of the whole."""
    x = ln.Input(features=F)
    y, _ = ln.LSTM(4)(x)
    if penalty:
        y = ln.ActivityRegularization(activity=0.1)(y)
    each, whole = ln.Dense(1, name="each")(y), ln.Dense(1, name="whole")(ln.Last()(y))
    return ln.Model(x, [each, whole], seed=0, dtype="float64")


def data() -> dict[str, Any]:
    """Errors that grow with the step: sequences of other lengths have other losses."""
    rng = np.random.default_rng(1)
    each = rng.normal(size=(N, T, 1)) * np.arange(1, T + 1)[:, np.newaxis]
    return {
        "x": rng.normal(size=(N, T, F)),
        "y": [each, rng.normal(size=(N, 1))],
        "lengths": rng.integers(1, T + 1, N),
        "sample_weight": {"each": rng.random((N, T)) ** 8, "whole": rng.random(N)},
    }


def in_numpy(model: ln.Model, weighted: bool) -> float:
    """The sum over all rows that count."""
    given = data()
    each, whole = model.predict(given["x"], lengths=given["lengths"])
    counts = (np.arange(T) < given["lengths"][:, np.newaxis]).astype(float)
    weights = given["sample_weight"] if weighted else {"each": counts, "whole": np.ones(N)}
    first = np.average((each - given["y"][0])[..., 0] ** 2, weights=counts * weights["each"])
    second = np.average((whole - given["y"][1])[:, 0] ** 2, weights=weights["whole"])
    return float(FACTORS["each"] * first + FACTORS["whole"] * second)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("batch_size", [1, 7, N])
def test_the_loss_of_evaluate_does_not_depend_on_the_batches(
    batch_size: int, weighted: bool
) -> None:
    model, given = steps_and_whole(), data()
    model.fit(**given, loss="mse", loss_weights=FACTORS, verbose=0, seed=0)
    if not weighted:
        del given["sample_weight"]
    found = model.evaluate(**given, batch_size=batch_size)["loss"]
    assert found == pytest.approx(in_numpy(model, weighted), rel=1e-12)


def batches() -> Iterator[dict[str, Any]]:
    """The same in batches."""
    given = data()
    for start in range(0, N, 7):
        part = slice(start, start + 7)
        lengths = given["lengths"][part]
        yield {"x": given["x"][part], "y": [y[part] for y in given["y"]], "lengths": lengths}


@pytest.mark.parametrize("as_batches", [False, True])
def test_the_losses_of_fit_are_the_sums_of_those_of_the_outputs(as_batches: bool) -> None:
    given = data()
    told: dict[str, Any] = {"x": batches, "validation_data": batches}
    if not as_batches:
        told = {
            **{name: given[name] for name in ("x", "y", "lengths")},
            "validation_data": (given["x"], given["y"]),
            "validation_lengths": given["lengths"],
            "batch_size": 4,
        }
    model = steps_and_whole()
    history = model.fit(
        **told, loss="mse", loss_weights=FACTORS, epochs=2, verbose=0, seed=0
    ).history
    for before in ("", "val_"):
        sums = sum(
            factor * np.array(history[f"{before}{name}_loss"]) for name, factor in FACTORS.items()
        )
        np.testing.assert_allclose(history[f"{before}loss"], sums, rtol=1e-12)
    assert history["val_loss"][-1] == pytest.approx(in_numpy(model, False), rel=1e-12)


@pytest.mark.parametrize("losses", [["mse", "mse"], ["mse", None]])
def test_what_layers_add_is_in_the_loss_alone(losses: list[Any]) -> None:
    given, model = data(), steps_and_whole(penalty=True)
    y = [one if loss else None for one, loss in zip(given["y"], losses, strict=True)]
    before = model.evaluate(given["x"], y, loss=losses)
    history = model.fit(given["x"], y, loss=losses, batch_size=N, verbose=0, seed=0).history
    parts = sum(history[name][0] for name in ("each_loss", "whole_loss") if name in history)
    assert history["each_loss"][0] == pytest.approx(before["each_loss"], rel=1e-12)
    assert history["loss"][0] > parts + 1e-4


def test_an_output_none_of_whose_rows_count_adds_nothing() -> None:
    """Its own loss is a mean of nothing."""
    given, model = data(), steps_and_whole()
    nothing = {"x": given["x"][:2], "y": [y[:2] for y in given["y"]]}
    nothing["sample_weight"] = [np.ones(2), np.zeros(2)]
    found = model.evaluate(lambda: iter([nothing]), loss="mse")
    assert np.isnan(found["whole_loss"])
    assert found["loss"] == found["each_loss"]
