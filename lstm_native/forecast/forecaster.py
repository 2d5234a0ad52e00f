"""`Forecaster`: from a table of series to their forecasts, in the way of pandas and Nixtla."""

from __future__ import annotations

import copy
import dataclasses
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast import fitting, frames, model_file, sampling
from lstm_native.forecast.backtest import BackTest
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.fitting import Fitted
from lstm_native.forecast.horizons import (
    check_horizon,
    check_season,
    shortened,
    usual_horizon,
    whole,
    with_guessed_season,
)
from lstm_native.forecast.methods import Request
from lstm_native.forecast.new_rows import check_placed, moved_notes
from lstm_native.forecast.panel import Panel
from lstm_native.forecast.reading import require_future
from lstm_native.forecast.settings import Settings
from lstm_native.forecast.sizes import check_sizes

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


class Forecaster(Settings):
    """Forecasts one series or many, with intervals that held-out rows have calibrated.

    >>> import pandas as pd
    >>> import lstm_native as ln
    >>> days = pd.date_range("2024-01-01", periods=60)
    >>> sales = pd.DataFrame({"ds": days, "y": [20.0, 22, 21, 25, 30] * 12})
    >>> forecaster = ln.forecast.Forecaster(horizon=3).fit(sales)
    >>> forecaster.predict().columns.tolist()
    ['unique_id', 'ds', 'forecast', 'low_80', 'high_80', 'low_95', 'high_95']

    Parameters
    ----------
    horizon : int, optional
        Rows to forecast. By default what is usual for the frequency: 12 months, 8 quarters, 13
        weeks, 14 days, 48 hours, 6 years, otherwise a season or 12 rows.
    season : int or sequence of int, optional
        Rows of the periods after which patterns repeat. By default those usual for the frequency.
    quantiles : sequence of float, optional
        Columns "q_0.1" and so on instead of intervals.
    levels : sequence of int
        Percents of the intervals: columns low_80, high_80, ...
    model : str
        "auto", what the back-test favours, or one method: "pretrained" (the global network as it
        comes), "tuned" (trained further on these series), "lstm" (a network of its own for one
        long series without missing values), "naive", "seasonal-naive", "linear"; "theta" and "ets"
        where statsforecast is installed.
    id_col, time_col, target_col : str
        The columns of the long frames that go in and come out.
    frequency : str or float, optional
        How far apart the rows are, as pandas names it. By default the data tell.
    past, future, static : sequence of str
        Covariates known as far as the values are, known beyond them, known once for each series.
    holidays : str, optional
        A country ("DE") whose holidays are future covariates.
    tune : bool, optional
        Whether "auto" tries the tuned network. By default where the series are long or many enough.
    timesteps, epochs : int, optional
        Rows that the method lstm looks back, and its passes over the data.
    seed : int
        Of all that is random.
    show : bool
        Whether the progress of training is shown, on stderr.

    Raises
    ------
    DataError
        A setting that means nothing.
    """

    _fitted: Fitted | None = None
    _panel: Panel | None = None

    # Fitting -------------------------------------------------------------------------------------

    def fit(self, data: Any) -> Forecaster:
        """Back-test, choose and train on the given series, and return itself.

        Parameters
        ----------
        data : DataFrame, path or Panel
            A pandas or Polars frame, long (id, time, target) or wide, a file's path, or what
            `reading.read_table` returned.

        Raises
        ------
        DataError
            The data cannot be read, or the method cannot take them.
        """
        panel = self._read(data)
        check_sizes(panel)
        check_season(panel, self.season)
        if self.season is None:
            panel = with_guessed_season(panel)
        horizon = self.horizon or usual_horizon(panel)
        check_horizon(panel, horizon)
        frames.stamps_after(panel, horizon)
        request = Request(
            horizon=horizon,
            model=self.model,
            timesteps=self.timesteps,
            epochs=self.epochs,
            tune=self.tune,
            seed=self.seed,
            show=self.show,
        )
        self._fitted = fitting.fit(panel, request, self._wanted())
        self._panel = shortened(panel)
        return self

    def update(self, data: Any) -> Forecaster:
        """Add new rows, and new series, without training; return itself.

        Rows with a stamp that is known already replace those. All else stays as it was fitted.

        Parameters
        ----------
        data : DataFrame
            Long: id (not needed for a single series), time, target, and the covariates. Dates, or
            text such as 2020-01-31.

        Raises
        ------
        DataError
            The rows cannot be read, do not fit the grid of stamps, or are before a series' first.
        """
        import pandas as pd

        _, panel = self._ready()
        # Holidays are computed again, further ahead.
        computed = [
            name for name in panel.future_names if self.holidays and name not in self.future
        ]
        rows = frames.with_rows(panel, data, self._names, without=computed)
        step = panel.frequency.alias or panel.frequency.step
        grown = self._read(rows, frequency=step, season=panel.frequency.seasons or None)
        check_sizes(grown)
        known = {series.name: series for series in panel.series}
        # Where months are stamped on another of their days, the reader has moved all of them.
        moved = bool(moved_notes(panel)) or any(
            series.stamps[0] != known[series.name].stamps[0]
            for series in grown.series
            if series.name in known
        )
        for series in grown.series:
            if series.name not in known and not moved:
                own = rows[rows[self._names.id] == series.name]
                given = own.loc[own[self._names.target].notna(), self._names.time]
                check_placed(grown, series.name, pd.Index(given))
        notes = tuple(dict.fromkeys((*grown.notes, *moved_notes(panel))))
        grown = dataclasses.replace(grown, notes=notes)
        self._panel = shortened(dataclasses.replace(grown, frequency=panel.frequency))
        return self

    # Forecasting ---------------------------------------------------------------------------------

    def predict(self, horizon: int | None = None, future: Any = None) -> pd.DataFrame:
        """Forecast what follows the last row of each series.

        Parameters
        ----------
        horizon : int, optional
            By default the one it was fitted for.
        future : DataFrame, optional
            The future covariates of the rows to forecast, where the fitted table did not hold
            them: id, time, and a column for each.

        Returns
        -------
        DataFrame
            unique_id, ds, forecast, and low_80, high_80, ... or q_0.1, ...

        Raises
        ------
        DataError
            Future covariates end too early, or the method cannot look so far.
        """
        panel, middle, bounds = self._forecast(horizon, future)
        return frames.forecast_frame(
            panel, self._columns(self.fitted.calibration.levels, middle, bounds), self._names
        )

    def predict_panel(
        self, data: Any, horizon: int | None = None, future: Any = None
    ) -> pd.DataFrame:
        """Forecast what follows other series, by what was fitted, without training.

        Parameters
        ----------
        data : DataFrame, path or Panel
            As in `fit`.
        horizon, future
            As in `predict`.

        Raises
        ------
        DataError
            As in `fit` and `predict`.
        """
        return self._about(data).predict(horizon, future)

    def sample(
        self,
        paths: int = 100,
        seed: int = 0,
        horizon: int | None = None,
        future: Any = None,
        *,
        data: Any = None,
    ) -> pd.DataFrame:
        """Draw paths of what may come, for sums, maxima and whatever else needs whole futures.

        Each step of them has the quantiles of `predict`; how steps go together is taken from the
        held-out errors (a Gaussian copula).

        Parameters
        ----------
        paths, seed : int
        horizon, future
            As in `predict`.
        data : DataFrame, path or Panel, optional
            Other series, as in `predict_panel`; by default those that were fitted.

        Returns
        -------
        DataFrame
            unique_id, path (from 0), ds, value.

        Raises
        ------
        DataError
            As in `predict_panel`, or no path is asked for.
        """
        if data is not None:
            return self._about(data).sample(paths, seed, horizon, future)
        paths = whole("paths", paths)
        panel, middle, bounds = self._forecast(horizon, future)
        fitted, _ = self._ready()
        steps = middle.shape[1]
        correlation = sampling.extended(fitted.correlation, steps)
        drawn = sampling.draw(
            middle, bounds, fitted.calibration.levels, correlation, paths=paths, seed=seed
        )
        return frames.paths_frame(panel, drawn, self._names)

    def cross_validation(
        self, data: Any, windows: int = 1, step: int | None = None, horizon: int | None = None
    ) -> pd.DataFrame:
        """Forecast from several past ends of the series, and set what came beside it.

        It is fitted once, on the rows before the first cutoff, with its own back-test inside them;
        what it was fitted on before stays as it is.

        Parameters
        ----------
        data : DataFrame, path or Panel
        windows : int
            How many cutoffs.
        step : int, optional
            Rows between them; by default the horizon.

        Returns
        -------
        DataFrame
            unique_id, ds, cutoff (the last stamp known), y, forecast, and intervals or quantiles.

        Raises
        ------
        DataError
            No series is long enough.
        """
        from lstm_native.forecast import validation

        panel = self._read(data)
        steps = self.horizon or usual_horizon(panel)
        steps = steps if horizon is None else whole("horizon", horizon)
        other = copy.copy(self)
        other.horizon = steps
        return validation.cross_validation(
            other,
            panel,
            self._names,
            windows=windows,
            step=steps if step is None else step,
            horizon=steps,
        )

    def explain(
        self, horizon: int | None = None, future: Any = None, **options: Any
    ) -> pd.DataFrame:
        """Return which steps, seasons and covariates moved the forecast; see `explain.explain`."""
        from lstm_native.forecast.explain import explain

        fitted, panel = self._ready()
        steps = fitted.horizon if horizon is None else whole("horizon", horizon)
        panel = self._ahead(panel, steps, future)
        return explain(panel, steps, lambda rows, count: fitted.forecast(rows, count)[0], **options)

    @property
    def backtest(self) -> BackTest:
        """What the held-out rows have shown."""
        return self._ready()[0].backtest

    @property
    def fitted(self) -> Fitted:
        """What forecasts are made of, besides the rows."""
        return self._ready()[0]

    @property
    def panel(self) -> Panel:
        """The rows that forecasts follow."""
        return self._ready()[1]

    # The file ------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything that forecasts need into one file, the series' last rows among it.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        fitted, panel = self._ready()
        model_file.save(path, fitted, panel, self._plain())

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Forecaster:
        """Read what `save` wrote.

        Raises
        ------
        OSError
            The file cannot be read.
        ValueError
            It is no model file, or (DataError) not one of a forecast.
        """
        fitted, panel, settings = model_file.load(path)
        try:
            found = Forecaster(**settings)
        except TypeError as error:
            raise DataError(f"{path}: damaged forecast settings: {error}") from None
        found._fitted, found._panel = fitted, panel
        wanted = set(found._wanted()) - {0.5}
        if not wanted <= set(fitted.calibration.levels):
            raise DataError(f"{path}: damaged forecast settings: quantiles without factors")
        return found

    # Inside --------------------------------------------------------------------------------------

    def _ready(self) -> tuple[Fitted, Panel]:
        if self._fitted is None or self._panel is None:
            raise DataError("nothing is fitted yet: call fit first")
        return self._fitted, self._panel

    def _about(self, data: Any) -> Forecaster:
        """Return a forecaster that knows other rows, and what was fitted on those it knew."""
        _, known = self._ready()
        if isinstance(data, Panel):
            panel = data
        else:  # the last rows alone may not tell how far apart they are
            step = known.frequency.alias or known.frequency.step
            panel = self._read(data, frequency=None if step == 1 else step)  # 1: rows are counted
        check_sizes(panel)
        other = copy.copy(self)
        frequency = dataclasses.replace(panel.frequency, seasons=known.frequency.seasons)
        other._panel = shortened(dataclasses.replace(panel, frequency=frequency))
        return other

    def _ahead(self, panel: Panel, horizon: int, future: Any) -> Panel:
        check_horizon(panel, horizon)
        if future is not None:
            if not panel.future_names:
                raise DataError("future was given, but no future covariates were fitted")
            panel = frames.with_future(panel, future, horizon, self._names)
            check_sizes(panel)
        require_future(panel, horizon)
        return panel

    def _forecast(self, horizon: int | None, future: Any) -> tuple[Panel, Array, Array]:
        fitted, panel = self._ready()
        steps = fitted.horizon if horizon is None else whole("horizon", horizon)
        panel = self._ahead(panel, steps, future)
        return panel, *fitted.forecast(panel, steps)
