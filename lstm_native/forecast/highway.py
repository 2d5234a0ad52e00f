"""The method "lstm": a network of its own for one long series without missing values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import lstm_native as ln
from lstm_native.forecast import linear, network
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.network import Settings
from lstm_native.forecast.panel import Panel
from lstm_native.forecast.transform import Transform, choose_kind

Array = NDArray[np.float64]

#: From so many rows on, the method is tried without being asked for.
LONG = 400

_TIMESTEPS = 96  # chosen on the part of the bundled series before its tail
_SAMPLES = 48_000  # seen by each member in all, unless the epochs are given
_EPOCHS = (2, 20)
_HELD_OUT = 5  # one in so many rows, the newest, is held out
_MIN_ORIGINS = 8  # forecast origins in the part held out


@dataclass(frozen=True)
class Plan:
    """What is settled before any network is trained, from the rows before the held-out part.

    Attributes
    ----------
    settings : Settings
    kind : str
        Of the transform.
    ridge : float
    """

    settings: Settings
    kind: str
    ridge: float


@dataclass(frozen=True)
class Highway:
    """A trained network on the scale of its transform.

    Attributes
    ----------
    network : Sequential
        (N, timesteps, 1) -> (N, horizon), both scaled.
    transform : Transform
    timesteps, horizon : int
    """

    network: ln.Sequential
    transform: Transform
    timesteps: int
    horizon: int

    def predict(self, panel: Panel, horizon: int) -> Array:
        """Return what follows each series: (series, horizon).

        Raises
        ------
        DataError
            The horizon is longer than the network's, a series is shorter than its window or has
            missing values there, or negative ones where it works on square roots.
        """
        if horizon > self.horizon:
            raise DataError(
                f"the network was trained for a horizon of {self.horizon}, not {horizon}: fit "
                "again, or choose another method"
            )
        inputs = np.stack([self._window(one.values, panel.source) for one in panel.series])
        scaled = network.predict(self.network, self.transform.apply(inputs))
        return self.transform.invert(scaled)[:, :horizon]

    def _window(self, values: Array, source: str) -> Array:
        if len(values) < self.timesteps:
            raise DataError(
                f"{source} has {len(values)} rows, but the model looks back {self.timesteps}"
            )
        known = values[-self.timesteps :]
        if not np.isfinite(known).all():
            raise DataError(
                f"{source} has missing values in its last {self.timesteps} rows, which the method "
                "lstm does not take: fill them, or choose another method"
            )
        if self.transform.kind == "sqrt" and known.min() < 0.0:
            raise DataError(
                f"{source} has negative values ({known.min():g}), but the model works on a "
                "square-root scale: it was trained on a series without any"
            )
        return known


def refusal(panel: Panel, horizon: int) -> str:
    """Return why the method cannot take the panel, as a sentence for the user; "" if it can."""
    if len(panel.series) > 1:
        return (
            f"the method lstm takes one series, but {panel.source} has {len(panel.series)}: "
            "choose one, or another method"
        )
    if panel.past_names or panel.future_names or panel.static_names:
        return "the method lstm takes no covariates: leave them out, or choose another method"
    values = panel.series[0].values
    missing = int((~np.isfinite(values)).sum())
    if missing:
        return (
            f"the method lstm takes no missing values, but {panel.source} has {missing}: fill "
            "them, or choose another method"
        )
    needed = _HELD_OUT * (horizon + _MIN_ORIGINS - 1)
    if len(values) < needed:
        return (
            f"{panel.source} has {len(values)} rows; a horizon of {horizon} needs at least "
            f"{needed} for the method lstm, since the last fifth is held out and must fit "
            f"{_MIN_ORIGINS} forecast origins"
        )
    return ""


def make_plan(
    training: Array,
    horizon: int,
    *,
    timesteps: int | None = None,
    epochs: int | None = None,
    seed: int = 0,
    source: str = "the data",
) -> Plan:
    """Settle everything that is not trained.

    Parameters
    ----------
    training : ndarray, (rows,)
        The rows before the held-out part, none missing.
    timesteps, epochs : int, optional
        By default the window is 96 rows, or a fifth of the training part where that is less; each
        member sees about 48,000 windows, in no fewer than 2 and no more than 20 epochs.

    Raises
    ------
    DataError
        The window leaves no more training windows than it has rows, too few for a linear fit.
    """
    rows = len(training)
    window = timesteps or max(1, min(_TIMESTEPS, rows // 5))
    samples = rows - window - horizon + 1
    if samples <= window:
        longest = (rows - horizon) // 2
        raise DataError(
            f"{source}: {window} timesteps leave {max(samples, 0)} training windows, but more "
            f"than {window} are needed; at most {longest} timesteps fit {rows} training rows and "
            f"a horizon of {horizon}"
        )
    settings = Settings(
        timesteps=window,
        horizon=horizon,
        epochs=epochs or int(np.clip(round(_SAMPLES / samples), *_EPOCHS)),
        seed=seed,
    )
    kind = choose_kind(training)
    transform = Transform.fit(training, kind=kind)
    x, y = _samples(training, transform, settings)
    return Plan(settings, kind, linear.choose_ridge(x, y, transform, horizon=horizon))


def train(values: Array, plan: Plan, *, title: str = "", show: bool = False) -> Highway:
    """Return the network trained on the given rows."""
    settings = plan.settings
    transform = Transform.fit(values, kind=plan.kind)
    x, y = _samples(values, transform, settings)
    start = linear.fit_linear(x, y, ridge=plan.ridge)
    trained = network.train(x, y, start, settings, title=title, show=show)
    return Highway(trained, transform, settings.timesteps, settings.horizon)


def _samples(values: Array, transform: Transform, settings: Settings) -> tuple[Array, Array]:
    x, y = ln.windows(transform.apply(values), settings.timesteps, settings.horizon)
    return x[..., 0], y
