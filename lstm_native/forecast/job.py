"""The main job: a fitted forecaster, and a summary that a report can hold."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lstm_native.forecast import origins
from lstm_native.forecast.backtest import BackTest, Score
from lstm_native.forecast.forecaster import Forecaster
from lstm_native.forecast.horizons import usual_horizon
from lstm_native.forecast.panel import Panel
from lstm_native.forecast.reading import require_future
from lstm_native.forecast.report import wording

if TYPE_CHECKING:
    import pandas as pd

_LISTED = 100  # series whose scores and forecasts stand in the summary, too


@dataclass(frozen=True, eq=False)
class Result:
    """What a run found.

    Attributes
    ----------
    forecaster : Forecaster
        Trained on all rows.
    summary : dict
        Data, settings, back-test and seconds: anything JSON can hold.
    """

    forecaster: Forecaster
    summary: dict[str, Any]


def run(panel: Panel, forecaster: Forecaster) -> Result:
    """Fit a forecaster to a panel, and sum up what it found.

    Raises
    ------
    DataError
        The method that was asked for cannot take the panel, or covariates end too early.
    """
    began = time.perf_counter()
    require_future(panel, forecaster.horizon or usual_horizon(panel))
    forecaster.fit(panel)
    fitted = forecaster.fitted
    seconds = {**fitted.seconds, "total": time.perf_counter() - began}
    summary = {
        "data": data_summary(panel),
        "settings": {
            "model": forecaster.model,
            "forecast_by": fitted.choice.name,
            "horizon": fitted.horizon,
            "seasons": list(panel.frequency.seasons),
            "levels": list(forecaster.levels),
            "seed": forecaster.seed,
            **fitted.network,
        },
        "backtest": backtest_summary(panel, fitted.backtest),
        "seconds": seconds,
    }
    return Result(forecaster, summary)


def data_summary(panel: Panel) -> dict[str, Any]:
    """Return what the rows are, for the report."""
    firsts = min(series.stamps[0] for series in panel.series)
    lasts = max(series.stamps[-1] for series in panel.series)
    rows = [len(series) for series in panel.series]
    return {
        "source": panel.source,
        "target": panel.target,
        "series": len(panel.series),
        "rows": sum(rows),
        "shortest": min(rows),
        "longest": max(rows),
        "first": label(panel, firsts),
        "last": label(panel, lasts),
        "missing": int(sum((series.values != series.values).sum() for series in panel.series)),
        "frequency": panel.frequency.alias,
        "covariates": [*panel.past_names, *panel.future_names, *panel.static_names],
        "notes": list(panel.notes),
    }


def backtest_summary(panel: Panel, backtest: BackTest) -> dict[str, Any]:
    """Return the back-test for the report: of few series each one's scores, too."""
    starts = [origins.first_origin(len(series), backtest.horizon) for series in panel.series]
    methods = {}
    for method in backtest.methods:
        methods[method.name] = score_summary(method.score)
        if 1 < len(panel.series) <= _LISTED:
            methods[method.name]["series"] = {
                name: score_summary(score) for name, score in method.by_series.items()
            }
    return {
        "best": backtest.best,
        "text": backtest.text,
        "horizon": backtest.horizon,
        "training_rows": sum(starts),
        "training_rows_each": [min(starts), max(starts)],
        "held_out_rows": sum(len(series) for series in panel.series) - sum(starts),
        "origins": sum(len(stamps) for stamps in backtest.origins.values()),
        "scores": methods,
    }


def score_summary(score: Score) -> dict[str, Any]:
    """Return a score without NaN, which JSON does not know."""
    found = asdict(score)
    found["mae_by_step"] = [None if math.isnan(e) else e for e in score.mae_by_step]
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in found.items()
    }


def label(panel: Panel, stamp: Any) -> str:
    """Return a stamp as the panel's frequency is usually written: "2009-12" for a month."""
    import pandas as pd

    return wording.labels(pd.Index([stamp]), panel.frequency)[0]


def as_text(forecast: pd.DataFrame) -> pd.DataFrame:
    """Return a forecast whose stamps are text, as they are written into files."""
    import pandas as pd

    stamps = forecast["ds"]
    if not pd.api.types.is_datetime64_any_dtype(stamps):
        text = stamps.map(wording.plain)
    elif bool((stamps == stamps.dt.normalize()).all()):
        text = stamps.dt.strftime("%Y-%m-%d")
    else:
        text = stamps.map(lambda stamp: stamp.isoformat(sep=" "))
    found: pd.DataFrame = forecast.assign(ds=text)
    return found


def records(forecast: pd.DataFrame) -> list[dict[str, Any]] | None:
    """Return the forecast's rows for the report; None for more series than it lists."""
    if forecast["unique_id"].nunique() > _LISTED:
        return None
    rows = as_text(forecast).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]
