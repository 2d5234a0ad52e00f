"""From a series to training data and back: windows, scaling, chronological splits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from lstm_native._base.arrays import is_frame
from lstm_native._base.attributes import hinted
from lstm_native._base.checks import (
    as_array,
    as_values,
    check_bool,
    check_positive_int,
    check_real,
)
from lstm_native._scaling import MinMaxScaler, Scaler, StandardScaler, columns_of

__all__ = [
    "MinMaxScaler",
    "Scaler",
    "StandardScaler",
    "chronological_split",
    "unwindow",
    "windows",
]


def _numbers_of(targets: Any, series: Any) -> Any:
    """Return the columns with the names of a frame replaced by their numbers."""
    names = list(getattr(series, "column_names", getattr(series, "columns", ())))
    if not is_frame(series) or not names:
        return targets  # names are refused with the numbers

    def number(column: Any) -> Any:
        if not isinstance(column, str):
            return column
        found = [i for i, name in enumerate(names) if name == column]
        if len(found) != 1:
            listed = ", ".join(repr(name) for name in names[:8]) + (", ..." if names[8:] else "")
            raise ValueError(
                f"targets: expected one column named {column!r}, got {len(found)} in {listed}"
            )
        return found[0]

    several = isinstance(targets, Sequence) and not isinstance(targets, str)
    return [number(column) for column in targets] if several else number(targets)


@hinted
def windows(
    series: Any,
    timesteps: int,
    horizon: int = 1,
    *,
    targets: int | str | Sequence[int | str] | None = None,
    stride: int = 1,
    copy: bool = True,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Cut a series into inputs and what follows each of them.

    Sample s has the input series[s * stride : s * stride + timesteps] and as target the
    `horizon` steps after it.

    Parameters
    ----------
    series : array_like, (T,) or (T, F)
        Floating point, oldest first.
    timesteps : int
        Length of an input.
    horizon : int
        How many steps to foresee.
    targets : int, str or sequence of either, optional
        Columns to foresee, by number or, of a frame, by name; by default all.
    stride : int
        Distance between the starts of two samples.
    copy : bool
        False gives `x` as a view of the series that cannot be written to. It takes no memory until
        a part of it, such as `x[:1000]`, is used; whatever takes it whole makes the copy.

    Returns
    -------
    x : ndarray, (samples, timesteps, features)
    y : ndarray, (samples, horizon * targets)
        What a network that ends with `Dense(horizon * targets)` answers: all targets of the first
        step, then those of the next one; `y.reshape(len(y), horizon, -1)` has them apart. Both are
        float32 for a float32 series and float64 for a float64 one, and contiguous copies.

    Raises
    ------
    TypeError
        Not floating point.
    ValueError
        The series is shorter than timesteps + horizon, a size is not positive, a column does
        not exist, or a value is not finite.
    MemoryError
        The samples do not fit into memory: says how much they need. Each step of the series stands
        in up to `timesteps` of them.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = windows(np.arange(5.0), timesteps=2, horizon=2)
    >>> x[..., 0]
    array([[0., 1.],
           [1., 2.]])
    >>> y
    array([[2., 3.],
           [3., 4.]])
    """
    values = as_values(series, name="series", ndim=(1, 2), layout="(steps,) or (steps, features)")
    timesteps = check_positive_int(timesteps, name="timesteps")
    horizon = check_positive_int(horizon, name="horizon")
    stride = check_positive_int(stride, name="stride")
    needed = timesteps + horizon
    if len(values) < needed:
        raise ValueError(
            f"series has {len(values)} steps but timesteps {timesteps} + horizon {horizon} "
            f"need at least {needed}"
        )
    wanted = values
    if targets is not None:
        if values.ndim == 1:
            raise ValueError(f"a series (steps,) has no columns to choose, got targets {targets}")
        numbers = _numbers_of(targets, series)
        wanted = values[:, columns_of(numbers, values.shape[1], name="targets")]
    features = values[:, np.newaxis] if values.ndim == 1 else values
    x = sliding_window_view(features, timesteps, axis=0)[: len(values) - needed + 1 : stride]
    y = sliding_window_view(wanted[timesteps:], horizon, axis=0)[::stride]
    # sliding_window_view puts the window's axis last; time belongs second.
    x, y = np.moveaxis(x, -1, 1), np.moveaxis(y, -1, 1)
    try:
        y = np.array(y, order="C")
        if check_bool(copy, name="copy"):
            x = np.array(x, order="C")
    except MemoryError:
        raise MemoryError(
            f"windows: {len(x)} samples of {timesteps} steps need {x.nbytes / 2**30:.1f} GiB; a "
            "larger stride makes fewer, float32 halves float64, and fit(..., tbptt=k) trains on "
            "the series itself"
        ) from None
    return x, y.reshape(len(y), -1)


def unwindow(y: Any, *, targets: int | None = None, stride: int = 1) -> NDArray[Any]:
    """Put windows back together into a series; where several cover a step, their mean.

    Undoes `windows`: its `y` gives the series from step `timesteps` on, its `x` the series
    from the start, as far as samples reach. On predictions it averages the forecasts that were
    made for the same step.

    Parameters
    ----------
    y : array_like, (samples, horizon * targets) or (samples, horizon, targets)
    targets : int
        How many columns each step of a `y` of two axes has: 1 for one series. To be said where
        `y` has more than one number in a row, as its shape does not tell.
    stride : int
        As given to `windows`; at most `horizon`, or steps would be left without a value.

    Returns
    -------
    ndarray, (steps,) or (steps, targets)
        steps = (samples - 1) * stride + horizon. One column of two axes gives (steps,).
        No steps for no samples.

    Raises
    ------
    TypeError
        Not floating point.
    ValueError
        Wrong dimensions, a stride that leaves gaps, no `targets` where they are needed, a width
        that is no multiple of them, or a value that is not finite.

    Examples
    --------
    >>> unwindow([[1.0, 2.0], [4.0, 5.0]], targets=1)
    array([1., 3., 5.])
    >>> unwindow([[1.0, 2.0], [4.0, 5.0]], targets=2)
    array([[1., 2.],
           [4., 5.]])
    """
    layout = "(samples, horizon[, targets])"
    parts = as_values(y, name="y", ndim=(2, 3), layout=layout, no_samples=True)
    if targets is None:
        if parts.ndim == 2 and parts.shape[1] > 1:
            raise ValueError(
                "targets: expected the number of columns of the series, as y of shape "
                f"{parts.shape} may be {parts.shape[1]} steps of one column or fewer of several; "
                "write targets=1 for one series"
            )
        targets = 1
    targets = check_positive_int(targets, name="targets")
    if parts.ndim == 3 and targets not in (1, parts.shape[2]):
        raise ValueError(f"targets={targets}: y of shape {parts.shape} has {parts.shape[2]}")
    if parts.ndim == 2 and targets > 1:
        if parts.shape[1] % targets:
            raise ValueError(
                f"targets={targets}: expected y (samples, horizon * {targets}), got {parts.shape}"
            )
        parts = parts.reshape(len(parts), parts.shape[1] // targets, targets)
    samples, horizon = parts.shape[:2]
    stride = check_positive_int(stride, name="stride")
    if stride > horizon:
        raise ValueError(f"stride {stride} leaves gaps between windows of {horizon} steps")
    if not samples:
        return np.zeros((0, *parts.shape[2:]), parts.dtype)
    span = (samples - 1) * stride + 1
    # A running mean instead of a sum: where all windows agree it returns their very value.
    mean = np.zeros((span - 1 + horizon, *parts.shape[2:]))
    count = np.zeros(len(mean)).reshape(-1, *(1,) * (mean.ndim - 1))
    for step in range(horizon):
        covered = slice(step, step + span, stride)
        count[covered] += 1.0
        mean[covered] += (parts[:, step] - mean[covered]) / count[covered]
    return mean.astype(parts.dtype)


def chronological_split(
    array: Any, parts: float | int | Sequence[float] | Sequence[int]
) -> tuple[NDArray[Any], ...]:
    """Split an array along its first axis, oldest first; nothing is shuffled or copied.

    Parameters
    ----------
    array : array_like
        Any dtype and shape; the first axis is time.
    parts : float, int or sequence of either
        A fraction in (0, 1) or a number of steps for the first of two parts; or one for each
        part: fractions that add up to 1, or numbers that add up to the length.

    Returns
    -------
    tuple of ndarray
        Views: two, or as many as `parts` has entries (training, validation, test).

    Raises
    ------
    TypeError
        Parts that are neither all floats nor all ints.
    ValueError
        Parts that do not add up, or one that is empty.

    Examples
    --------
    >>> import numpy as np
    >>> train, test = chronological_split(np.arange(5), 0.8)
    >>> train, test
    (array([0, 1, 2, 3]), array([4]))
    >>> [len(part) for part in chronological_split(np.zeros(100), (0.7, 0.15, 0.15))]
    [70, 15, 15]
    """
    # Of any dtype: also the times and texts of a frame.
    values = np.asarray(array) if is_frame(array) else as_array(array, name="array")
    if values.ndim == 0:
        raise ValueError("array: expected at least 1 dimension, got 0")
    cuts = _cuts(parts, len(values))
    edges = [0, *cuts, len(values)]
    sizes = np.diff(edges).tolist()
    if min(sizes) < 1:
        raise ValueError(
            f"parts {parts} of {len(values)} steps have the sizes {sizes}; none may be empty"
        )
    return tuple(np.split(values, cuts))


def _cuts(parts: Any, length: int) -> list[int]:
    """Where to cut `length` steps; parts as in `chronological_split`."""
    whole = isinstance(parts, Sequence)
    entries = list(parts) if whole else [parts]
    if entries and all(isinstance(part, float) for part in entries):
        shares = [check_real(part, name="part", above=0.0, maximum=1.0) for part in entries]
        if whole and abs(sum(shares) - 1.0) > 1e-9:
            raise ValueError(f"fractions must add up to 1, got {entries} (sum {sum(shares):g})")
        edges = np.cumsum(shares)
        cuts = [int(edge * length + 0.5) for edge in edges]
    else:
        sizes = [check_positive_int(part, name="part") for part in entries]
        if whole and sum(sizes) != length:
            raise ValueError(f"sizes must add up to {length}, got {entries} (sum {sum(sizes)})")
        cuts = [int(edge) for edge in np.cumsum(sizes)]
    return cuts[:-1] if whole else cuts
