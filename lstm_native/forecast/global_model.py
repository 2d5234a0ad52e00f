"""One network for all series: as the package brings it, or trained further on a user's own."""

from __future__ import annotations

import dataclasses
import importlib.resources
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import lstm_native as ln
from lstm_native.forecast import tuning
from lstm_native.forecast.covariates import Covariates
from lstm_native.forecast.errors import DataError
from lstm_native.forecast.panel import Panel, Series
from lstm_native.forecast.windows import TIMESTEPS, Windows, flush_right, make_windows

Array = NDArray[np.float64]

_VERSION = "1"
_PRETRAINED = "pretrained.safetensors"
#: Steps that the network was trained to see ahead; further ones build on its own forecast.
LONGEST_HORIZON = 48
_TOGETHER = 512  # series prepared at once: bounds the memory
_MANY_TURNS = 12  # of the longest season: older rows say nothing of today's
_MANY_ROWS = 256


@dataclass(frozen=True, eq=False)
class GlobalModel:
    """A network that has seen series before.

    Attributes
    ----------
    network : Model
        See towers.py.
    quantiles : tuple of float
        What its outputs are, sorted; 0.5 is among them.
    covariates : Covariates or None
        Those it was trained with; None for the network that the package brings, which looks at
        the values alone.
    """

    network: ln.Model
    quantiles: tuple[float, ...]
    covariates: Covariates | None = None

    @staticmethod
    def pretrained() -> GlobalModel:
        """Return the network that was trained on synthetic series alone (pretraining)."""
        found = importlib.resources.files("lstm_native.forecast") / _PRETRAINED
        with importlib.resources.as_file(found) as path:
            return GlobalModel.load(path)

    def predict(
        self, panel: Panel, horizon: int, *, seasons: tuple[int, ...] | None = None
    ) -> Array:
        """Foresee what comes after the last row of each series.

        Parameters
        ----------
        panel : Panel
            A series may be as short as one row; rows may be missing.
        horizon : int
        seasons : tuple of int, optional
            By default the usual ones of the panel's frequency.

        Returns
        -------
        ndarray, (series, horizon, quantiles)
            Never falling along the quantiles, and always finite.

        Raises
        ------
        DataError
            The panel lacks the covariates that the model was trained with.
        """
        if self.covariates is not None:
            self.covariates.check(panel, horizon)
        periods = panel.frequency.seasons if seasons is None else seasons
        result = np.empty((len(panel.series), horizon, len(self.quantiles)))
        by_length = sorted(range(len(panel.series)), key=lambda index: len(panel.series[index]))
        for start in range(0, len(by_length), _TOGETHER):
            chosen = by_length[start : start + _TOGETHER]
            result[chosen] = self._foresee([panel.series[i] for i in chosen], horizon, periods)
        return result

    def tuned(
        self, panel: Panel, horizon: int, *, seed: int = 0, show: bool = False
    ) -> GlobalModel:
        """Return a model trained further on the series of a panel, their covariates included.

        Parameters
        ----------
        panel : Panel
        horizon : int
        seed : int
            The same seed and panel give the same weights.
        show : bool
            Whether there is a progress bar on stderr.

        Raises
        ------
        DataError
            The series are too short to learn from (`tuning.can_learn_from`).
        """
        covariates = Covariates.of(panel)
        network = tuning.tune(
            self.network,
            panel,
            min(horizon, LONGEST_HORIZON),
            quantiles=self.quantiles,
            covariates=covariates,
            seed=seed,
            show=show,
        )
        return dataclasses.replace(self, network=network, covariates=covariates)

    def save(self, path: str | os.PathLike[str], metadata: Mapping[str, str] | None = None) -> None:
        """Write network, quantiles and covariates as safetensors, with the metadata given.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        described = None if self.covariates is None else self.covariates.to_plain()
        own = {
            "forecast_network": _VERSION,
            "quantiles": json.dumps(self.quantiles),
            "covariates": json.dumps(described),
        }
        self.network.save(path, metadata={**(metadata or {}), **own})

    @staticmethod
    def load(path: str | os.PathLike[str]) -> GlobalModel:
        """Read what `save` wrote.

        Raises
        ------
        OSError
            The file cannot be read.
        ValueError
            It is no model file, or (DataError) not one of this kind.
        """
        network = ln.load_model(path)
        stored = network.metadata
        if stored.get("forecast_network") != _VERSION:
            raise DataError(
                f"{path} holds no forecasting network that this version reads (expected "
                f"forecast_network {_VERSION}, got {stored.get('forecast_network')})"
            )
        try:
            quantiles = tuple(float(level) for level in json.loads(stored["quantiles"]))
            if 0.5 not in quantiles or sorted(set(quantiles)) != list(quantiles):
                raise ValueError(f"{quantiles} are no sorted quantiles with a median")
            if not 0.0 < quantiles[0] <= quantiles[-1] < 1.0:
                raise ValueError(f"the quantiles {quantiles} are not between 0 and 1")
            described = json.loads(stored["covariates"])
            covariates = None if described is None else Covariates.from_plain(described)
            model = GlobalModel(network, quantiles, covariates)
            model._try()
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path}: damaged forecast settings: {error}") from None
        return model

    def _try(self) -> None:
        """Raise ValueError where the network does not fit its settings."""
        counts = [0, 0, 0]
        if self.covariates is not None:
            kinds = (self.covariates.past, self.covariates.future, self.covariates.static)
            counts = [len(kind.names) for kind in kinds]
        one = dataclasses.replace(
            Panel.of([np.zeros(2)]).series[0],
            past=np.zeros((2, counts[0])),
            future=np.zeros((3, counts[1])),
            static=np.zeros(counts[2]),
        )
        answer = self._ask([one], *self._windows([one], 1, ()))
        if answer.shape != (1, 1, len(self.quantiles)):
            raise ValueError(f"the network answers {answer.shape}")

    def _foresee(self, series: Sequence[Series], horizon: int, seasons: tuple[int, ...]) -> Array:
        """Return (series, horizon, quantiles), in as many stretches as the horizon needs."""
        done: list[Array] = []
        count = 0
        known = list(series)
        while count < horizon:
            steps = min(horizon - count, LONGEST_HORIZON)
            values, windows = self._windows(known, steps, seasons)
            found = windows.restore(self._ask(known, values, windows))
            if done:  # what was uncertain before stays so
                found = _wider(found, done[-1][:, -1:], self.quantiles.index(0.5))
                found = windows.allowed(found)
            done.append(found)
            count += steps
            if count < horizon:
                median = found[:, :, self.quantiles.index(0.5)]
                known = [_continued(one, ahead) for one, ahead in zip(known, median, strict=True)]
        return np.concatenate(done, axis=1)

    def _windows(
        self, series: Sequence[Series], horizon: int, seasons: tuple[int, ...]
    ) -> tuple[Array, Windows]:
        longest = max(seasons, default=0)
        rows = max(_MANY_ROWS, _MANY_TURNS * longest)
        values = flush_right(
            [one.values for one in series], min(rows, max(len(one) for one in series))
        )
        unknown = np.isnan(values).all(axis=1)
        values[unknown, -1] = 0.0
        return values, make_windows(values, seasons, horizon)

    def _ask(
        self, series: Sequence[Series], values: Array, windows: Windows
    ) -> NDArray[np.float32]:
        past, ahead = windows.past, windows.ahead
        if self.covariates is not None and self.covariates.past_count:
            columns = [
                self.covariates.rows(one, len(one), TIMESTEPS, ahead.shape[1]) for one in series
            ]
            past = np.concatenate([past, np.stack([c[0] for c in columns])], axis=2)
            ahead = np.concatenate([ahead, np.stack([c[1] for c in columns])], axis=2)
        answer: NDArray[np.float32] = self.network.predict(
            [past.astype(np.float32), ahead.astype(np.float32)]
        )
        return answer


def _continued(series: Series, ahead: Array) -> Series:
    """Return the series as if the forecast had come true; past covariates are not known then."""
    past = np.full((len(ahead), series.past.shape[1]), np.nan)
    return dataclasses.replace(
        series,
        values=np.concatenate([series.values, ahead]),
        past=np.concatenate([series.past, past]),
    )


def _wider(found: Array, before: Array, median: int) -> Array:
    """Add the spread that was there before to that of the steps after: squares add up."""
    spread = found - found[:, :, median : median + 1]
    earlier = before - before[:, :, median : median + 1]
    total = np.sign(spread + earlier) * np.sqrt(np.square(spread) + np.square(earlier))
    return np.asarray(found[:, :, median : median + 1] + total)
