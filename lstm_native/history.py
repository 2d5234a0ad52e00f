"""What a training run has recorded, epoch by epoch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from lstm_native._base.attributes import Guarded, constructor
from lstm_native._base.figures import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass
class History(Guarded):
    """Losses and metrics of each finished epoch; `fit` returns one.

    Attributes
    ----------
    epoch : list of int
        The epochs that were finished, counted from 0.
    history : dict of str to list of float
        One list per name ("loss", "val_loss", metrics), as long as `epoch`.
    interrupted : bool
        True when the run was stopped from outside (Ctrl-C) before its time.

    Examples
    --------
    >>> history = History()
    >>> history.record(0, {"loss": 0.5, "val_loss": 0.75})
    >>> history.record(1, {"loss": 0.25, "val_loss": 0.5})
    >>> history.history["val_loss"]
    [0.75, 0.5]
    """

    _assignable: ClassVar[frozenset[str]] = frozenset({"epoch", "history", "interrupted"})

    epoch: list[int] = field(default_factory=list)
    history: dict[str, list[float]] = field(default_factory=dict)
    interrupted: bool = False

    def __getitem__(self, name: Any) -> NoReturn:
        """Refuse, saying where the lists are."""
        raise TypeError(f"a History has no items: write history.history[{name!r}]")

    def record(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Add a finished epoch.

        Raises
        ------
        ValueError
            Other names than in the epochs before.
        """
        if self.epoch and set(logs) != set(self.history):
            raise ValueError(
                f"epoch {epoch} has {', '.join(logs)}; the epochs before have "
                f"{', '.join(self.history)}"
            )
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(float(value))

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """Draw the curves: one panel for the loss and one for each metric, with validation.

        Parameters
        ----------
        path : path-like, optional
            Write the figure here, in the format that its ending names. Without it the figure is
            one of matplotlib.pyplot's, which `matplotlib.pyplot.show()` shows.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ImportError
            matplotlib is not installed.
        ValueError
            No epoch was finished, or the path's ending names no picture format.
        """
        if not self.epoch:
            raise ValueError("nothing to plot: no epoch was finished")
        names = [name for name in self.history if not self._is_validation(name)]
        figure = new_figure(width=5.0 * len(names), on_screen=path is None)
        for position, name in enumerate(names, start=1):
            axes = figure.add_subplot(1, len(names), position)
            for curve in (name, f"val_{name}"):
                if curve in self.history:
                    # A single epoch would be an invisible line.
                    axes.plot(self.epoch, self.history[curve], marker=".", label=curve)
            axes.set_xlabel("epoch")
            axes.set_ylabel(name)
            axes.legend()
        if path is not None:
            figure.savefig(path)
        return figure

    def _is_validation(self, name: str) -> bool:
        return name.startswith("val_") and name[4:] in self.history


# A dataclass makes its constructor too late for the base to see it.
History.__init__ = constructor(History.__init__)  # type: ignore[method-assign]
