"""From a panel to everything that its forecast is made of: back-test, choice, intervals."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast import conformal, methods, origins, selection, verdict
from lstm_native.forecast.backtest import BackTest, judge
from lstm_native.forecast.conformal import Calibration
from lstm_native.forecast.methods import Request, Trained
from lstm_native.forecast.origins import Origins
from lstm_native.forecast.panel import Panel
from lstm_native.forecast.rows import floor_of, never_negative
from lstm_native.forecast.sampling import correlation_of
from lstm_native.forecast.selection import GUARD, Choice

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a forecast is made of, besides the rows that it follows.

    Attributes
    ----------
    names : tuple of str
        The series, in the order of the choice's rows.
    choice : Choice
    trained : dict of str to a network
        Of the methods that are used, and of the one that gives the spread.
    spread : str
        The method whose quantiles say how far the bounds lie: "pretrained" or "tuned".
    calibration : Calibration
    correlation : ndarray, (horizon, horizon)
        Of the errors of different steps.
    horizon : int
    backtest : BackTest
    seconds : dict of str to float
        What back-test and training took; empty after loading.
    network : dict of str to Any
        Settings of the method lstm, where it was tried; empty after loading.
    """

    names: tuple[str, ...]
    choice: Choice
    trained: Trained
    spread: str
    calibration: Calibration
    correlation: Array
    horizon: int
    backtest: BackTest
    seconds: dict[str, float] = field(default_factory=dict)
    network: dict[str, Any] = field(default_factory=dict)

    def forecast(self, panel: Panel, horizon: int) -> tuple[Array, Array]:
        """Return middle (series, horizon) and quantiles (series, horizon, levels).

        A series that was not there when the choice was made is forecast by the mean of what the
        others are forecast by.
        """
        rows = dict(zip(self.names, self.choice.weights, strict=True))
        usual = self.choice.weights.mean(axis=0)
        weights = np.stack([rows.get(series.name, usual) for series in panel.series])
        choice = Choice(self.choice.methods, weights)
        points = {
            name: methods.forecast(name, self.trained, panel, horizon) for name in choice.used
        }
        middle = choice.combine(points)
        distances = self._distances(panel, horizon)
        return _bounded(panel, middle, distances, self.calibration)

    def _distances(self, panel: Panel, horizon: int) -> Array:
        return _distances(self.trained, self.spread, panel, horizon, self.calibration.levels)


def fit(panel: Panel, request: Request, levels: tuple[float, ...]) -> Fitted:
    """Back-test the methods, choose, calibrate the intervals, and train on everything.

    Parameters
    ----------
    levels : tuple of float
        Quantiles that will be asked for; those of `conformal.GRID` are added.

    Raises
    ------
    DataError
        The method that was asked for cannot take the panel.
    """
    began = time.perf_counter()
    levels = tuple(sorted({*levels, *conformal.GRID} - {0.5}))
    names = methods.candidates(panel, request)
    held = origins.find(panel, request.horizon)
    plan = methods.make_plan(held.training, request) if "lstm" in names else None
    trained = methods.train(names, held.training, request, plan, "back-test")
    points = {name: _points(name, trained, held) for name in (names if held.count else ())}
    series = len(panel.series)
    if not held.count:
        wanted = "pretrained" if request.model == "auto" else request.model
        choice, seen = selection.always(wanted, series), np.empty((0, request.horizon))
    elif request.model == "auto":
        choice, seen = selection.choose(points, held)
    else:
        choice = selection.always(request.model, series)
        seen = points[request.model]
    spread = "tuned" if "tuned" in choice.used else "pretrained"
    distances = _distances(trained, spread, held.cuts, request.horizon, levels)
    calibration = _calibrate(held, seen, distances, levels)
    bounds = _honest_bounds(held, seen, distances, levels)
    backtest = _backtest(panel, held, points, choice, seen, bounds, levels)
    tested = time.perf_counter()
    used = (*choice.used, spread)
    final = methods.train(used, panel, request, plan, "final")
    return Fitted(
        names=held.names,
        choice=choice,
        trained={name: network for name, network in final.items() if name in used},
        spread=spread,
        calibration=calibration,
        correlation=correlation_of(held.actual - seen, _deviation(distances, levels)),
        horizon=request.horizon,
        backtest=backtest,
        seconds={"backtest": tested - began, "final_training": time.perf_counter() - tested},
        network={**asdict(plan.settings), "transform": plan.kind, "ridge": plan.ridge}
        if plan
        else {},
    )


def _points(name: str, trained: Trained, held: Origins) -> Array:
    found = methods.forecast(name, trained, held.cuts, held.horizon)
    return _above_zero(held.cuts, found)


def _above_zero(panel: Panel, middle: Array) -> Array:
    """Lift forecasts to 0 where a series' rows say that it cannot be negative."""
    floor = np.array([never_negative(series.values) for series in panel.series], dtype=bool)
    return np.where(floor[:, np.newaxis], np.maximum(middle, 0.0), middle)


def _bounded(
    panel: Panel, middle: Array, distances: Array, calibration: Calibration
) -> tuple[Array, Array]:
    middle = _above_zero(panel, middle)
    floor = np.array([floor_of(series.values) for series in panel.series])
    bounds = calibration.bounds(middle, distances, floor)
    counts = np.array([never_negative(series.values) for series in panel.series], dtype=bool)
    # A forecast of 0 keeps its lower bound below it: it must not lie on the edge of its interval.
    lift = counts[:, np.newaxis] & (middle > 0.0)
    return middle, np.where(lift[..., np.newaxis], np.maximum(bounds, 0.0), bounds)


def _distances(
    trained: Trained, spread: str, panel: Panel, horizon: int, levels: tuple[float, ...]
) -> Array:
    model = trained[spread]
    assert isinstance(model, methods.GlobalModel)
    found = methods.quantiles(model, panel, horizon)
    return conformal.distances(found, model.quantiles, levels)


def _spread(held: Origins, distances: Array) -> Array:
    """Return distances that are nowhere 0."""
    floor = np.array([floor_of(series.values) for series in held.cuts.series])
    return distances + floor[:, np.newaxis, np.newaxis]


def _deviation(distances: Array, levels: tuple[float, ...]) -> Array:
    low, high = levels.index(0.1), levels.index(0.9)
    return (distances[..., low] + distances[..., high]) / (2.0 * 1.2815515655446004)


def _calibrate(
    held: Origins, seen: Array, distances: Array, levels: tuple[float, ...]
) -> Calibration:
    return conformal.calibrate(
        levels,
        seen,
        _spread(held, distances),
        held.actual,
        evidence=float(held.evidence().sum()),
    )


def _honest_bounds(
    held: Origins, seen: Array, distances: Array, levels: tuple[float, ...]
) -> Array:
    """Return bounds for each cut whose factors come from other cuts; the model's where none are."""
    folds = selection.folds_of(held)
    bounds = np.empty(distances.shape)
    for fold in range(int(folds.max(initial=-1)) + 1):
        here = folds == fold
        if here.all():
            calibration = conformal.identity(levels, held.horizon)
        else:
            rest = held.only(~here)
            calibration = _calibrate(rest, seen[~here], distances[~here], levels)
        mine = held.only(here)
        bounds[here] = _bounded(mine.cuts, seen[here], distances[here], calibration)[1]
    return bounds


def _backtest(
    panel: Panel,
    held: Origins,
    points: dict[str, Array],
    choice: Choice,
    seen: Array,
    bounds: Array,
    levels: tuple[float, ...],
) -> BackTest:
    percents = tuple(
        percent for percent in range(1, 100) if set(conformal.ends(percent)) <= set(levels)
    )
    inside = conformal.coverage_bounds(bounds, levels, percents)
    forecasts = {choice.name: seen, **{n: p for n, p in points.items() if n != choice.name}}
    if not held.count:
        return BackTest((), choice.name, {}, held.horizon, verdict.NOTHING_HELD_OUT)
    results = tuple(
        judge(name, forecast, held, inside if name == choice.name else None)
        for name, forecast in forecasts.items()
    )
    errors = selection.relative_errors(forecasts, held)
    best = min(errors, key=lambda name: errors[name])
    stamps: dict[str, tuple[str, ...]] = {}
    for index, place in zip(held.owner.tolist(), held.at.tolist(), strict=True):
        one = panel.series[index]
        stamps[one.name] = (*stamps.get(one.name, ()), verdict.stamp(one.stamps[place]))
    text = verdict.sentence(results, best, choice.name, errors, held.count, held.horizon, GUARD)
    return BackTest(results, best, stamps, held.horizon, text)
