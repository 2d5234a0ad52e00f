"""What the series and covariates of a table are called."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Names:
    """What the series and covariates are called.

    Attributes
    ----------
    ids : list of str
        Of the series, [""] where the table has no ids.
    targets : list of str
        Of the columns to forecast.
    past, future, static : list of str
        Of the covariates' columns of numbers.
    has_id : bool
    """

    ids: list[str]
    targets: list[str]
    past: list[str]
    future: list[str]
    static: list[str]
    has_id: bool

    def of(self, series: int, target: int) -> str:
        """Return the name of a target of an id."""
        if len(self.targets) == 1:
            return self.ids[series] if self.has_id else self.targets[0]
        return f"{self.ids[series]}/{self.targets[target]}" if self.has_id else self.targets[target]
