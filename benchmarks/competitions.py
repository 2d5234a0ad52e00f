"""Series of forecasting competitions, their measures, and how those who took part did."""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstm_native.forecast.panel import Panel

Array = NDArray[np.float64]

#: Files of a folder, with the names that tables give them.
COMPETITIONS = {"m3": "M3", "m4_hourly": "M4 hourly", "m4_weekly": "M4 weekly"}
#: Rows of the seasons that the forecasts may use.
SEASONS = {
    "yearly": (),
    "quarterly": (4,),
    "monthly": (12,),
    "other": (),
    "weekly": (52,),
    "hourly": (24, 168),
}
#: Rows of the season in the scale of MASE, as the organisers have it.
MASE_SEASON = {"yearly": 1, "quarterly": 4, "monthly": 12, "other": 1, "weekly": 1, "hourly": 24}


@dataclass(frozen=True, eq=False)
class Group:
    """The series of one frequency.

    Attributes
    ----------
    frequency : str
    panel : Panel
        The training parts.
    test : ndarray, (series, horizon)
    """

    frequency: str
    panel: Panel
    test: Array

    @property
    def horizon(self) -> int:
        """Rows to foresee."""
        return int(self.test.shape[1])

    def held_out(self) -> Group:
        """Return the same without the test part: the end of each training part is foreseen."""
        kept = [s.values for s in self.panel.series if len(s) >= self.horizon + 4]
        return group(
            self.frequency,
            [values[: -self.horizon] for values in kept],
            np.array([values[-self.horizon :] for values in kept]),
        )


def group(frequency: str, training: list[Array], test: Array) -> Group:
    """Return series as a group."""
    panel = Panel.of(training, seasons=SEASONS[frequency], source=f"{frequency} series")
    return Group(frequency, panel, test)


def read(path: Path) -> list[Group]:
    """Read a file with rows of id, frequency, part (train or test) and values, oldest first."""
    parts: dict[tuple[str, str, str], Array] = {}
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.DictReader(file):
            values = np.array([float(value) for value in row["values"].split()])
            parts[row["frequency"], row["id"], row["part"]] = values
    found = []
    for frequency in dict.fromkeys(key[0] for key in parts):
        names = [key[1] for key in parts if key[0] == frequency and key[2] == "train"]
        training = [parts[frequency, name, "train"] for name in names]
        test = np.array([parts[frequency, name, "test"] for name in names])
        found.append(group(frequency, training, test))
    return found


def smape(forecast: Array, test: Array) -> Array:
    """Return the symmetric percentage error of each series (Makridakis 1993, as in M4)."""
    return np.asarray(
        200.0 * np.mean(np.abs(test - forecast) / (np.abs(test) + np.abs(forecast)), axis=1)
    )


def mase(forecast: Array, one: Group) -> Array:
    """Return each series' error, in units of its seasonal naive one-step error while training."""
    season = MASE_SEASON[one.frequency]
    scales = [np.abs(s.values[season:] - s.values[:-season]).mean() for s in one.panel.series]
    error = np.abs(one.test - forecast).mean(axis=1)
    return np.array(
        [e / scale if scale else np.nan for e, scale in zip(error, scales, strict=True)]
    )


def coverage(low: Array, high: Array, test: Array) -> float:
    """Return the share of values between the bounds, in percent."""
    return float(100.0 * ((low <= test) & (test <= high)).mean())


@dataclass(frozen=True)
class Entrant:
    """Who took part, with mean errors over the series."""

    method: str
    smape: float
    mase: float


def entrants(folder: Path, competition: str) -> dict[str, list[Entrant]]:
    """Return who took part, by frequency ("all" for all of them), best sMAPE first."""
    found: dict[str, list[Entrant]] = {}
    with open(folder / "entrants.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["data"] == competition:
                entrant = Entrant(row["method"], float(row["smape"]), float(row["mase"]))
                found.setdefault(row["frequency"], []).append(entrant)
    for rows in found.values():
        rows.sort(key=lambda entrant: entrant.smape)
    return found


def naive2(rows: list[Entrant]) -> Entrant:
    """Return the competition's yardstick."""
    return next(entrant for entrant in rows if entrant.method == "Naive2")


def owa(errors: tuple[float, float], yardstick: Entrant) -> float:
    """Return the mean of sMAPE and MASE relative to Naive2's (Makridakis et al. 2020)."""
    return (errors[0] / yardstick.smape + errors[1] / yardstick.mase) / 2.0
