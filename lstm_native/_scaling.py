"""Scaling: each column's offset and scale, learnt on the training part, and the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.attributes import Guarded, set_plainly
from lstm_native._base.checks import as_values, check_int, check_real

_ScalerType = TypeVar("_ScalerType", bound="Scaler")


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
            Floating point, any number of dimensions; no samples give none.
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
            chosen = columns_of(columns, len(offset))
            offset, scale = offset[chosen], scale[chosen]
        features = len(offset) if offset.ndim else None
        return as_values(x, name="x", features=features, no_samples=True), offset, scale


class StandardScaler(Scaler):
    """Subtract each column's mean and divide by its standard deviation.

    Examples
    --------
    >>> import numpy as np
    >>> scaler = StandardScaler().fit(np.array([1.0, 3.0]))
    >>> scaler.transform([5.0])
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


def columns_of(columns: Any, count: int, *, name: str = "columns") -> int | list[int]:
    """Check column numbers, each in [-count, count); an int stays an int."""
    if isinstance(columns, Sequence) and not isinstance(columns, str):
        if not columns:
            raise ValueError(f"{name} must name at least one column, got none")
        return [_column(column, count, name) for column in columns]
    return _column(columns, count, name)


def _column(column: Any, count: int, name: str) -> int:
    if isinstance(column, str):
        raise TypeError(
            f"{name} must be numbers of columns from {-count} to {count - 1}, got {column!r}; "
            "names are understood by windows(frame, ..., targets=) alone, of a frame"
        )
    return check_int(column, name=name, minimum=-count, maximum=count - 1)
