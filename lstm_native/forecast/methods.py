"""Methods by name: which of them a panel allows, and how they are trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast import highway, tuning
from lstm_native.forecast.baselines import BASELINES, usable
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.global_model import GlobalModel
from lstm_native.forecast.highway import Highway
from lstm_native.forecast.panel import Panel

if TYPE_CHECKING:
    from lstm_native.forecast.highway import Plan

Array = NDArray[np.float64]
Trained = Mapping[str, GlobalModel | Highway]

__all__ = ["NAMES", "GlobalModel", "Request", "Trained", "candidates", "covariates"]
__all__ += ["forecast", "make_plan", "quantiles", "train"]

#: What `model=` takes besides "auto".
NAMES = ("pretrained", "tuned", "lstm", *BASELINES)

# Where the methods that are fitted series by series are tried without being asked for: at most so
# many series, none longer than so many rows.
_THETA_SERIES, _ETS_SERIES, _STATISTICAL_ROWS = 5000, 50, 2000
_TOO_SHORT = (
    "{}: the rows before the held-out part are too few to train on further: choose pretrained, or "
    "another method"
)
_UNTUNED = (
    "{}: without tuning (tune=False) nothing learns what the covariates ({}) say: leave them out, "
    "or tune"
)
_TUNED_ROWS = 3000  # of several series together from which on tuning is tried
_TUNED_ALONE = 1000  # of one series that the method lstm does not take


@dataclass(frozen=True)
class Request:
    """What was asked for; None where the data decide.

    Attributes
    ----------
    horizon : int
    model : str
        "auto" or one of NAMES.
    timesteps, epochs : int or None
        Of the method lstm.
    tune : bool or None
        Whether "auto" tries the tuned global model.
    seed : int
    show : bool
        Whether progress is shown, on stderr.
    """

    horizon: int
    model: str = "auto"
    timesteps: int | None = None
    epochs: int | None = None
    tune: bool | None = None
    seed: int = 0
    show: bool = False


def candidates(panel: Panel, training: Panel, request: Request) -> tuple[str, ...]:
    """Return the methods to compare, the one that was asked for first.

    Parameters
    ----------
    training : Panel
        The rows before the held-out part.

    Raises
    ------
    DataError
        The method that was asked for cannot take the panel.
    """
    horizon = request.horizon
    simple = [
        name for name in ("naive", "seasonal-naive", "linear") if usable(name, panel, horizon)
    ]
    asked = request.model
    wants_network = request.timesteps is not None or request.epochs is not None
    if wants_network and asked not in ("auto", "lstm"):
        raise DataError(f"timesteps and epochs are settings of the method lstm, not of {asked}")
    if asked != "auto":
        _refuse(asked, panel, training, request)
        return tuple(dict.fromkeys([asked, "pretrained", *simple]))
    found = ["pretrained"]
    refused = highway.refusal(panel, horizon)
    rows = [len(series) for series in panel.series]
    if wants_network and refused:
        raise DataError(f"timesteps and epochs cannot be had: {refused}")
    network = not refused and (wants_network or rows[0] >= highway.LONG)
    if network:
        found.append("lstm")
    if request.tune is True and not tuning.can_learn_from(training, horizon):
        raise DataError(_TOO_SHORT.format(panel.source))
    if request.tune or (request.tune is None and _worth_tuning(panel, training, horizon, network)):
        found.append("tuned")
    if covariates(panel) and request.tune is False:
        raise DataError(_UNTUNED.format(panel.source, ", ".join(covariates(panel))))
    found += simple
    if max(rows) <= _STATISTICAL_ROWS:
        for name, most in (("theta", _THETA_SERIES), ("ets", _ETS_SERIES)):
            if len(rows) <= most and usable(name, panel, horizon):
                found.append(name)
    return tuple(found)


def _worth_tuning(panel: Panel, training: Panel, horizon: int, network: bool) -> bool:
    rows = [len(series) for series in panel.series]
    if not tuning.can_learn_from(training, horizon):
        return False
    if covariates(panel):
        return True
    if len(rows) == 1:
        return not network and rows[0] >= _TUNED_ALONE
    return sum(rows) >= _TUNED_ROWS


def covariates(panel: Panel) -> tuple[str, ...]:
    """Return the names of all covariates."""
    return (*panel.past_names, *panel.future_names, *panel.static_names)


def _refuse(asked: str, panel: Panel, training: Panel, request: Request) -> None:
    if asked not in NAMES:
        raise DataError(f"unknown model '{asked}': choose auto, {', '.join(NAMES)}")
    if asked == "lstm" and (reason := highway.refusal(panel, request.horizon)):
        raise DataError(reason)
    if asked == "tuned" and not tuning.can_learn_from(training, request.horizon):
        raise DataError(_TOO_SHORT.format(panel.source))
    if covariates(panel) and asked != "tuned":
        raise DataError(
            f"the method {asked} takes no covariates ({', '.join(covariates(panel))}): leave them "
            "out, or choose auto or tuned"
        )
    if asked == "seasonal-naive" and not usable(asked, panel, request.horizon):
        seasons = panel.frequency.seasons
        why = f"no series is as long as the season, {seasons[0]} rows" if seasons else "give one"
        raise DataError(f"{panel.source}: the method seasonal-naive needs a season: {why}")
    if asked == "linear" and not usable(asked, panel, request.horizon):
        raise DataError(
            f"{panel.source}: too few rows for a linear regression over a horizon of "
            f"{request.horizon}: choose a shorter horizon, or another method"
        )
    # theta and ets refuse by themselves where statsforecast is missing.


def make_plan(training: Panel, request: Request) -> Plan:
    """Settle the method lstm by the rows before the held-out part; errors as `highway`."""
    return highway.make_plan(
        training.series[0].values,
        request.horizon,
        timesteps=request.timesteps,
        epochs=request.epochs,
        seed=request.seed,
        source=training.source,
    )


def train(
    names: tuple[str, ...], panel: Panel, request: Request, plan: Plan | None, title: str
) -> dict[str, GlobalModel | Highway]:
    """Return what the methods need besides the panel they forecast: their networks."""
    found: dict[str, GlobalModel | Highway] = {}
    if "pretrained" in names or "tuned" in names:
        found["pretrained"] = GlobalModel.pretrained()
    if "tuned" in names:
        start = GlobalModel.pretrained()
        found["tuned"] = start.tuned(panel, request.horizon, seed=request.seed, show=request.show)
    if "lstm" in names and plan is not None:
        values = panel.series[0].values
        found["lstm"] = highway.train(values, plan, title=title, show=request.show)
    return found


def forecast(name: str, trained: Trained, panel: Panel, horizon: int) -> Array:
    """Return a method's forecast of each series: (series, horizon)."""
    if name in BASELINES:
        return BASELINES[name](panel, horizon)
    network = trained[name]
    if isinstance(network, Highway):
        return network.predict(panel, horizon)
    return quantiles(network, panel, horizon)[..., network.quantiles.index(0.5)]


def quantiles(model: GlobalModel, panel: Panel, horizon: int) -> Array:
    """Return the global model's quantiles: (series, horizon, quantiles)."""
    if not panel.series:
        return np.empty((0, horizon, len(model.quantiles)))
    return np.asarray(model.predict(panel, horizon), dtype=np.float64)
