"""Figures for the screen or for a file, where matplotlib is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(*, width: float, height: float = 3.5, on_screen: bool) -> Figure:
    """Return an empty figure, sizes in inches; ImportError says what to install."""
    try:
        # A figure for a file stays out of pyplot, which would keep it alive and pick a display.
        if on_screen:
            from matplotlib import pyplot

            return pyplot.figure(figsize=(width, height), layout="constrained")
        from matplotlib.figure import Figure

        return Figure(figsize=(width, height), layout="constrained")
    except ImportError as error:
        raise ImportError("plotting needs matplotlib: pip install 'lstm_native[plot]'") from error
