"""From a series to training data and back: windows, scaling, chronological splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from lstm_native._attributes import Guarded, set_plainly
from lstm_native._checks import as_array, as_values, check_int, check_positive_int, check_real

_ScalerType = TypeVar("_ScalerType", bound="Scaler")


def windows(
    series: Any,
    timesteps: int,
    horizon: int = 1,
    *,
    targets: int | Sequence[int] | None = None,
    stride: int = 1,
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
    targets : int or sequence of int, optional
        Columns to foresee; by default all. An int gives `y` without the last axis.
    stride : int
        Distance between the starts of two samples.

    Returns
    -------
    x : ndarray, (samples, timesteps, features)
    y : ndarray, (samples, horizon, targets), or (samples, horizon) for a series (T,)
        Both contiguous copies, float32 for a float32 series and float64 for a float64 one.

    Raises
    ------
    TypeError
        Not floating point.
    ValueError
        The series is shorter than timesteps + horizon, a size is not positive, a column does
        not exist, or a value is not finite.

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
        wanted = values[:, _columns(targets, values.shape[1])]
    features = values[:, np.newaxis] if values.ndim == 1 else values
    x = sliding_window_view(features, timesteps, axis=0)[: len(values) - needed + 1 : stride]
    y = sliding_window_view(wanted[timesteps:], horizon, axis=0)[::stride]
    # sliding_window_view puts the window's axis last; time belongs second.
    return np.array(np.moveaxis(x, -1, 1), order="C"), np.array(np.moveaxis(y, -1, 1), order="C")


def unwindow(y: Any, *, stride: int = 1) -> NDArray[Any]:
    """Put windows back together into a series; where several cover a step, their mean.

    Undoes `windows`: its `y` gives the series from step `timesteps` on, its `x` the series
    from the start, as far as samples reach. On predictions it averages the forecasts that were
    made for the same step.

    Parameters
    ----------
    y : array_like, (samples, horizon) or (samples, horizon, targets)
    stride : int
        As given to `windows`; at most `horizon`, or steps would be left without a value.

    Returns
    -------
    ndarray, (steps,) or (steps, targets)
        steps = (samples - 1) * stride + horizon.

    Raises
    ------
    TypeError
        Not floating point.
    ValueError
        Wrong dimensions, a stride that leaves gaps, or a value that is not finite.

    Examples
    --------
    >>> unwindow([[1.0, 2.0], [4.0, 5.0]])
    array([1., 3., 5.])
    """
    parts = as_values(y, name="y", ndim=(2, 3), layout="(samples, horizon[, targets])")
    samples, horizon = parts.shape[:2]
    stride = check_positive_int(stride, name="stride")
    if stride > horizon:
        raise ValueError(f"stride {stride} leaves gaps between windows of {horizon} steps")
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
    values = as_array(array, name="array")
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


class Scaler(Guarded):
    """Base of the scalers: (x - offset) / scale for each column, and back.

    A scaler fitted on a series (T,) acts on arrays of any shape; one fitted on (..., F) acts on
    arrays whose last axis has these F columns, or the `columns` that are named.
    """

    name: ClassVar[str] = ""
    options: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.offset: NDArray[np.float64] | None = None
        self.scale: NDArray[np.float64] | None = None

    def fit(self: _ScalerType, x: Any) -> _ScalerType:
        """Learn the columns' offsets and scales from the training part; returns the scaler.

        Parameters
        ----------
        x : array_like, (T,), (T, F) or (N, T, F)
            Floating point. A column that is constant gets a scale that maps it to one value and
            back, without a division by zero.

        Raises
        ------
        TypeError
            Not floating point.
        ValueError
            Wrong dimensions, empty, not finite, or too large to measure in float64.
        """
        values = as_values(x, name="x", ndim=(1, 2, 3)).astype(np.float64)
        axes = tuple(range(max(values.ndim - 1, 1)))
        with np.errstate(over="ignore", invalid="ignore"):
            offset, scale = self._measure(values, axes)
        if not (np.isfinite(offset).all() and np.isfinite(scale).all()):
            raise ValueError(f"x is too large to scale: it reaches {np.abs(values).max():g}")
        self._learn(np.asarray(offset), np.asarray(scale))
        return self

    def transform(self, x: Any, *, columns: int | Sequence[int] | None = None) -> NDArray[Any]:
        """Return the scaled values, in the shape of `x` and in float32 or float64 as `x` is.

        Parameters
        ----------
        x : array_like
            Floating point, any number of dimensions.
        columns : int or sequence of int, optional
            Which of the fitted columns the last axis of `x` holds; an int says that `x` is that
            column throughout, whatever its shape. By default all columns.

        Raises
        ------
        TypeError
            Not floating point.
        ValueError
            Not fitted, another number of columns, empty, or not finite.
        """
        values, offset, scale = self._prepare(x, columns)
        return np.asarray((values - offset) / scale).astype(values.dtype)

    def inverse_transform(
        self, x: Any, *, columns: int | Sequence[int] | None = None
    ) -> NDArray[Any]:
        """Undo `transform`; parameters and errors as there."""
        values, offset, scale = self._prepare(x, columns)
        return np.asarray(values * scale + offset).astype(values.dtype)

    def to_dict(self) -> dict[str, Any]:
        """Return what was fitted as plain lists and numbers, for example for JSON."""
        offset, scale = self._fitted()
        options = {option: getattr(self, option) for option in self.options}
        return {"type": self.name, **options, "offset": offset.tolist(), "scale": scale.tolist()}

    @classmethod
    def from_dict(cls: type[_ScalerType], fitted: Mapping[str, Any]) -> _ScalerType:
        """Return the scaler that `to_dict` described.

        Raises
        ------
        ValueError
            Another type, missing or other fields, or numbers that are no offsets and scales.
        """
        fields = ("type", *cls.options, "offset", "scale")
        if set(fitted) != set(fields) or fitted["type"] != cls.name:
            raise ValueError(
                f"expected type '{cls.name}' with {', '.join(fields[1:])}, got {dict(fitted)}"
            )
        scaler = cls(**{option: fitted[option] for option in cls.options})
        offset = as_values(fitted["offset"], name="offset", dtype="float64", ndim=(0, 1))
        scale = as_values(fitted["scale"], name="scale", dtype="float64", shape=offset.shape)
        if not (scale > 0.0).all():
            raise ValueError(f"scale must be > 0, got {fitted['scale']}")
        scaler._learn(offset, scale)
        return scaler

    def _learn(self, offset: NDArray[np.float64], scale: NDArray[np.float64]) -> None:
        set_plainly(self, "offset", offset)
        set_plainly(self, "scale", scale)

    def _measure(
        self, values: NDArray[np.float64], axes: tuple[int, ...]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        raise NotImplementedError("use StandardScaler or MinMaxScaler")

    def _fitted(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if self.offset is None or self.scale is None:
            raise ValueError(f"this {type(self).__name__} is not fitted; call fit(training) first")
        return self.offset, self.scale

    def _prepare(
        self, x: Any, columns: int | Sequence[int] | None
    ) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.float64]]:
        offset, scale = self._fitted()
        if columns is not None:
            if offset.ndim == 0:
                raise ValueError("this scaler was fitted on a series, which has no columns")
            chosen = _columns(columns, len(offset))
            offset, scale = offset[chosen], scale[chosen]
        features = len(offset) if offset.ndim else None
        return as_values(x, name="x", features=features), offset, scale


class StandardScaler(Scaler):
    """Subtract each column's mean and divide by its standard deviation.

    Examples
    --------
    >>> import numpy as np
    >>> train, test = chronological_split(np.array([1.0, 3.0, 5.0]), 2)
    >>> scaler = StandardScaler().fit(train)
    >>> scaler.transform(test)
    array([3.])
    >>> scaler.inverse_transform([[3.0]])
    array([[5.]])
    """

    name: ClassVar[str] = "standard"

    def _measure(
        self, values: NDArray[np.float64], axes: tuple[int, ...]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        # The mean of equal values may round to a neighbour, so constancy is asked directly.
        low, high = values.min(axis=axes), values.max(axis=axes)
        deviation = values.std(axis=axes)
        constant = (low == high) | (deviation == 0.0)
        return (
            np.where(constant, low, values.mean(axis=axes)),
            np.where(constant, 1.0, deviation),
        )


class MinMaxScaler(Scaler):
    """Map each column's smallest and largest value to `low` and `high`.

    Parameters
    ----------
    low, high : float
        low < high. A constant column is mapped to `low`.

    Examples
    --------
    >>> scaler = MinMaxScaler().fit([[0.0, 10.0], [4.0, 30.0]])
    >>> scaler.transform([[2.0, 50.0]])
    array([[0.5, 2. ]])
    """

    name: ClassVar[str] = "minmax"
    options: ClassVar[tuple[str, ...]] = ("low", "high")

    def __init__(self, *, low: float = 0.0, high: float = 1.0) -> None:
        super().__init__()
        self.low = check_real(low, name="low")
        self.high = check_real(high, name="high", above=self.low)

    def _measure(
        self, values: NDArray[np.float64], axes: tuple[int, ...]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        smallest = values.min(axis=axes)
        scale = (values.max(axis=axes) - smallest) / (self.high - self.low)
        scale = np.where(scale == 0.0, 1.0, scale)
        return smallest - self.low * scale, scale


def _columns(columns: Any, count: int) -> int | list[int]:
    """Check column numbers, each in [-count, count); an int stays an int."""
    if isinstance(columns, Sequence) and not isinstance(columns, str):
        if not columns:
            raise ValueError("columns must name at least one column, got none")
        return [_column(column, count) for column in columns]
    return _column(columns, count)


def _column(column: Any, count: int) -> int:
    return check_int(column, name="column", minimum=-count, maximum=count - 1)


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
