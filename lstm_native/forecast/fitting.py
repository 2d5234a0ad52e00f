"""From a panel to everything that its forecast is made of: back-test, choice, intervals."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast import conformal, intervals, methods, origins, selection, verdict
from lstm_native.forecast.backtest import BackTest, judge
from lstm_native.forecast.conformal import Calibration
from lstm_native.forecast.intervals import Limits
from lstm_native.forecast.methods import Request, Trained
from lstm_native.forecast.origins import Origins
from lstm_native.forecast.panel import Panel
from lstm_native.forecast.report.wording import labels
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
        # Some methods are fitted for a horizon: fewer steps are the first ones of the usual number.
        known = min((len(s.future) - len(s) for s in panel.series), default=0)
        steps = max(horizon, min(self.horizon, known) if panel.future_names else self.horizon)
        points = {
            name: methods.forecast(name, self.trained, panel, steps)[:, :horizon]
            for name in choice.used
        }
        limits = Limits.of(panel)
        middle = limits.above_zero(choice.combine(points))
        levels = self.calibration.levels
        away = intervals.distances(self.trained, self.spread, panel, middle, levels)
        return middle, limits.bounds(middle, away, self.calibration)


def fit(panel: Panel, request: Request, wanted: tuple[float, ...]) -> Fitted:
    """Back-test the methods, choose, calibrate the intervals, and train on everything.

    Parameters
    ----------
    wanted : tuple of float
        Quantiles that will be asked for; those of `conformal.GRID` are added.

    Raises
    ------
    DataError
        The method that was asked for cannot take the panel.
    """
    began = time.perf_counter()
    percents = tuple(p for p in range(1, 100) if set(conformal.ends(p)) <= set(wanted))
    levels = tuple(sorted({*wanted, *conformal.GRID} - {0.5}))
    held = origins.find(panel, request.horizon)
    names = methods.candidates(panel, held.training, request)
    plan = methods.make_plan(held.training, request) if "lstm" in names else None
    trained = methods.train(names, held.training, request, plan, "back-test")
    limits = Limits.of(held.cuts)
    points = {
        name: limits.above_zero(methods.forecast(name, trained, held.cuts, held.horizon))
        for name in (names if held.count else ())
    }
    series = len(panel.series)
    if not held.count:
        only = "pretrained" if request.model == "auto" else request.model
        choice, seen = selection.always(only, series), np.empty((0, request.horizon))
    elif request.model == "auto":
        choice, seen = selection.choose(points, held)
    else:
        choice = selection.always(request.model, series)
        seen = points[request.model]
    # Training on few series makes a network too sure; but only the tuned one knows covariates.
    sure = "pretrained" in choice.used and not methods.covariates(panel)
    spread = "tuned" if "tuned" in choice.used and not sure else "pretrained"
    away = intervals.distances(trained, spread, held.cuts, seen, levels)
    calibration = intervals.calibrate(held, limits, seen, away, levels)
    bounds = intervals.honest_bounds(held, limits, seen, away, levels)
    inside = conformal.coverage_bounds(bounds, levels, percents)
    asked = request.model != "auto"
    backtest = _backtest(panel, held, points, choice, seen, inside, "tuned" in names, asked)
    tested = time.perf_counter()
    used = (*choice.used, spread)
    final = methods.train(used, panel, request, plan, "final")
    return Fitted(
        names=held.names,
        choice=choice,
        trained={name: network for name, network in final.items() if name in used},
        spread=spread,
        calibration=calibration,
        correlation=correlation_of(held.actual - seen, intervals.deviation(away, levels)),
        horizon=request.horizon,
        backtest=backtest,
        seconds={"backtest": tested - began, "final_training": time.perf_counter() - tested},
        network={**asdict(plan.settings), "transform": plan.kind, "ridge": plan.ridge}
        if plan
        else {},
    )


def _backtest(
    panel: Panel,
    held: Origins,
    points: dict[str, Array],
    choice: Choice,
    seen: Array,
    inside: Mapping[int, tuple[Array, Array]],
    tuned: bool,
    asked: bool,
) -> BackTest:
    said = ""
    if methods.covariates(panel) and "tuned" not in choice.used:
        said = verdict.WITHOUT_COVARIATES if tuned else verdict.UNLEARNT_COVARIATES
    if not held.count:
        return BackTest((), choice.name, {}, held.horizon, verdict.NOTHING_HELD_OUT + said)
    forecasts = {choice.name: seen, **{n: p for n, p in points.items() if n != choice.name}}
    results = tuple(
        judge(name, forecast, held, inside if name == choice.name else None)
        for name, forecast in forecasts.items()
    )
    errors = selection.relative_errors(forecasts, held)
    best = min(errors, key=lambda name: errors[name])
    stamps = {}
    for index in np.unique(held.owner).tolist():
        series = panel.series[index]
        first = series.stamps[held.at[held.owner == index]]
        stamps[series.name] = tuple(labels(first, panel.frequency))
    text = verdict.sentence(
        results, best, choice.name, errors, held.count, held.horizon, GUARD, asked=asked
    )
    return BackTest(results, best, stamps, held.horizon, text + said)
