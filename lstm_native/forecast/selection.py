"""Which method, or mean of several, is to be believed: `model="auto"`.

Every method, and the plain means of the best few, forecast from the same held-out origins. Their
errors decide, drawn towards what is known beforehand while they are few: a series' own errors
towards those of all series, and these towards what such methods did on other data. Many series that
say little each have one choice together. Where the back-test shows that the seasonal naive
forecast errs less than a choice, the choice is dropped. How far errors are drawn was chosen on the
training parts of the M3 competition, whose last rows were held out.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.backtest import errors_by_series
from lstm_native.forecast.origins import Origins, together_worth

Array = NDArray[np.float64]

GUARD = "seasonal-naive"
_CHOSEN = "\0chosen"  # no method is called so

# What the methods' errors are beforehand, relative to each other: of published results, where
# Theta, exponential smoothing and global networks lie within some percent of each other and the
# naive ones a fifth above them (M3, M4).
# The tuned network may take what was alike in all series at one time for a rule.
_BEFOREHAND = {"naive": 1.25, "seasonal-naive": 1.25, "linear": 1.1, "tuned": 1.02}
_OTHERS = 1.0
_NEARLY_EXACT = 1e-6  # relative to the other methods' errors
_MEAN_GAINS = 0.03  # what a mean of several is better by than its parts (Bates & Granger 1969)
_PRIOR = 3.0  # independent forecasts that weigh as much as what is known beforehand
_SHARED = 40.0  # ... as much as what all series show, for one series
_AVERAGED = 4  # methods, the best ones, of which means are tried
_FOLDS = 5
_MANY = 10  # from so many series on, one part of the series judges a choice by the others
_PLENTY = 10.0  # independent forecasts from which on a choice must hold against every method
_GUARDED = 5.0  # independent forecasts from which on a series' own errors rule a choice out


@dataclass(frozen=True)
class Choice:
    """What each series is forecast by.

    Attributes
    ----------
    methods : tuple of str
        All that were compared.
    weights : ndarray, (series, methods)
        Each row sums to 1.
    """

    methods: tuple[str, ...]
    weights: Array

    @property
    def used(self) -> tuple[str, ...]:
        """The methods of which some series' forecast is made."""
        return tuple(
            name for place, name in enumerate(self.methods) if self.weights[:, place].any()
        )

    @property
    def name(self) -> str:
        """The one method's name, "mean of a and b", or "auto" where series differ."""
        if (self.weights != self.weights[0]).any():
            return "auto"
        used = self.used
        return used[0] if len(used) == 1 else f"mean of {', '.join(used[:-1])} and {used[-1]}"

    def combine(self, points: Mapping[str, Array], owner: NDArray[np.intp] | None = None) -> Array:
        """Return the weighted mean of the methods' forecasts.

        Parameters
        ----------
        points : dict of str to ndarray, (rows, horizon)
            Of each method that is used.
        owner : ndarray of int, (rows,), optional
            The series of each row; by default row i is of series i.
        """
        total: Array | None = None
        for place, name in enumerate(self.methods):
            weight = self.weights[:, place]
            if weight.any():
                part = (weight if owner is None else weight[owner])[:, np.newaxis] * points[name]
                total = part if total is None else total + part
        if total is None:
            raise ValueError("a choice without any weight")
        return total


def always(name: str, series: int) -> Choice:
    """Return the choice of one method for all series."""
    return Choice((name,), np.ones((series, 1)))


def always_first(methods: tuple[str, ...], series: int) -> Choice:
    """Return the choice of the first of several methods for all series."""
    return Choice(methods, np.repeat(np.eye(1, len(methods)), series, axis=0))


def choose(points: Mapping[str, Array], origins: Origins) -> tuple[Choice, Array]:
    """Choose by the errors at held-out origins.

    Parameters
    ----------
    points : dict of str to ndarray, (cuts, horizon)
        What each method forecast.

    Returns
    -------
    choice : Choice
        Made by all origins.
    forecast : ndarray, (cuts, horizon)
        What choices made in the same way, but without a look at what they are judged by, forecast:
        with many series by those of other series, with few by other origins. Where there is only
        one origin it is the choice's own forecast.
    """
    methods = tuple(points)
    everything = np.ones(origins.count, dtype=bool)
    choice = _chosen(points, origins, everything, methods)
    folds = folds_of(origins)
    forecast = choice.combine(points, origins.owner)
    if folds.max(initial=0) > 0:
        for fold in range(int(folds.max()) + 1):
            here = folds == fold
            made = _chosen(points, origins, ~here, methods)
            forecast[here] = made.combine(points, origins.owner)[here]
    if not origins.count:
        return choice, forecast
    errors = relative_errors({_CHOSEN: forecast, **points}, origins)
    best = min(points, key=lambda name: errors[name])
    if errors[_CHOSEN] > errors[best] and origins.evidence().sum() >= _PLENTY:
        return always(best, len(origins.names)), points[best].copy()
    if GUARD in points and errors[_CHOSEN] > errors[GUARD]:
        return always(GUARD, len(origins.names)), points[GUARD].copy()
    return choice, forecast


def folds_of(origins: Origins) -> NDArray[np.intp]:
    """Return which part of the back-test each cut belongs to, from 0; all 0 where it has one."""
    if _together(origins):
        return np.asarray(origins.owner % _FOLDS, dtype=np.intp)
    folds = np.zeros(origins.count, dtype=np.intp)
    for index in np.unique(origins.owner):
        mine = np.flatnonzero(origins.owner == index)
        blocks = min(_FOLDS, len(mine))
        folds[mine] = np.arange(len(mine)) * blocks // len(mine)
    return folds


def _together(origins: Origins) -> bool:
    """Whether one choice is made for all series: many of them, of which none says much alone."""
    many = len(origins.names) >= _MANY
    return many and bool(np.median(origins.evidence()) < _GUARDED)


def _chosen(
    points: Mapping[str, Array],
    origins: Origins,
    seen: NDArray[np.bool_],
    methods: tuple[str, ...],
) -> Choice:
    """Choose by the cuts that may be seen."""
    series = len(origins.names)
    singles = np.stack([_errors(points[name], origins, seen) for name in methods])
    unit = np.where(np.isfinite(singles), singles, 0.0).mean(axis=0)
    if not unit.any():  # nothing was compared, or all are right: then the first will do
        return always_first(methods, series)
    unit = np.where(unit > 0.0, unit, 1.0)
    kept = np.bincount(origins.owner, weights=seen, minlength=series)
    share = kept / np.maximum(np.bincount(origins.owner, minlength=series), 1)
    evidence = origins.evidence() * share
    weight = together_worth(evidence)
    prior = _beforehand(methods)
    together = _together(origins)

    def drawn(errors: Array, known: float) -> tuple[Array, float]:
        """Return each series' relative error, and that of all, drawn towards what is known."""
        relative = np.where(np.isfinite(errors), errors, 0.0) / unit
        shown = float((evidence * relative).sum() / max(float(evidence.sum()), 1e-9))
        # As logarithms: an error that is a hundredth of the others' needs few forecasts to be seen.
        logs = weight * np.log(max(shown, _NEARLY_EXACT)) + _PRIOR * np.log(known)
        overall = float(np.exp(logs / (weight + _PRIOR)))
        if together:
            return np.full(series, overall), overall
        return (evidence * relative + _SHARED * overall) / (evidence + _SHARED), overall

    found = [drawn(singles[place], prior[place]) for place in range(len(methods))]
    order = sorted(range(len(methods)), key=lambda place: found[place][1])[:_AVERAGED]
    weights = [np.eye(len(methods))[place] for place in range(len(methods))]
    shrunk = [one[0] for one in found]
    own = list(singles)
    for size in range(2, len(order) + 1):
        for members in itertools.combinations(order, size):
            mixed = np.mean([points[methods[place]] for place in members], axis=0)
            errors = _errors(mixed, origins, seen)
            known = float(np.mean([prior[place] for place in members])) - _MEAN_GAINS
            weights.append(np.isin(np.arange(len(methods)), members) / size)
            shrunk.append(drawn(errors, known)[0])
            own.append(errors)
    table = np.stack(shrunk)
    if GUARD in points and not together:
        worse = np.stack(own) > singles[methods.index(GUARD)] * (1.0 + 1e-12)
        table = np.where(worse & (evidence >= _GUARDED), np.inf, table)
    return Choice(methods, np.stack(weights)[table.argmin(axis=0)])


def _errors(forecast: Array, origins: Origins, seen: NDArray[np.bool_]) -> Array:
    return errors_by_series(np.where(seen[:, np.newaxis], forecast, np.nan), origins)


def _beforehand(methods: tuple[str, ...]) -> Array:
    known = np.array([_BEFOREHAND.get(name, _OTHERS) for name in methods])
    return np.asarray(known / known.mean())


def relative_errors(forecasts: Mapping[str, Array], origins: Origins) -> dict[str, float]:
    """Return each one's error as a mean over series, relative to the mean of all: 1 is usual.

    Series of different units count alike.
    """
    errors = {name: errors_by_series(one, origins) for name, one in forecasts.items()}
    unit = np.mean(list(errors.values()), axis=0)
    unit = np.where(unit > 0.0, unit, 1.0)
    return {name: float(np.nanmean(one / unit)) for name, one in errors.items()}
