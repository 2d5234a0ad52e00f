"""Likelihoods: the model answers with the parameters of a distribution of the target.

Of a distribution with P parameters the model of targets of F values ends with P F outputs: a block
of F for each parameter, in the order in which a class names them.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.checks import check_choice, check_int, check_real
from lstm_native.losses._base import Loss

LINKS = ("softplus", "exp")


def check_link(loss: Any) -> None:
    """Check how an output becomes a positive number."""
    check_choice(loss.link, name="link", choices=LINKS)


def check_minimum(loss: Any) -> None:
    """Check the scale that is added."""
    minimum = check_real(loss.minimum_scale, name="minimum_scale", minimum=0.0)
    object.__setattr__(loss, "minimum_scale", minimum)


def positive(link: str, outputs: NDArray[Any], minimum: float = 0.0) -> NDArray[np.float64]:
    """Return outputs as positive numbers."""
    values = np.asarray(outputs, dtype=np.float64)
    found = np.exp(values) if link == "exp" else np.logaddexp(0.0, values)
    made: NDArray[np.float64] = found + minimum
    return made


def as_outputs(outputs: Any, blocks: int, extra: int = 0) -> NDArray[Any]:
    """Return what a model has answered, cut into blocks along a new axis before the last."""
    found = np.asarray(outputs)
    width = found.shape[-1] - extra if found.ndim else 0
    if found.dtype.kind != "f" or width < blocks or width % blocks:
        wanted = f"{extra} + " if extra else ""
        raise ValueError(
            f"outputs: expected floats (..., {wanted}a multiple of {blocks}), got {found.dtype} of "
            f"shape {found.shape}"
        )
    return found[..., extra:].reshape(*found.shape[:-1], blocks, width // blocks)


def shape_of_samples(shape: tuple[int, ...], count: Any) -> tuple[int, ...]:
    """Return the shape of so many samples; None: of one, without an axis of its own."""
    if count is None:
        return shape
    return (check_int(count, name="count", minimum=1), *shape)


@dataclass(frozen=True)
class _Likelihood(Loss):
    """A distribution of single values, whose parameters stand in blocks."""

    _parameters: ClassVar[tuple[str, ...]] = ()

    def parameters(self, outputs: Any) -> dict[str, NDArray[np.float64]]:
        """Return the parameters by name, each (..., F), from outputs (..., P F).

        Raises
        ------
        ValueError
            Outputs that cannot be cut into as many blocks.
        """
        blocks = as_outputs(outputs, len(self._parameters)).astype(np.float64)
        return {
            name: self._parameter(name, blocks[..., i, :])
            for i, name in enumerate(self._parameters)
        }

    def _parameter(self, name: str, block: NDArray[np.float64]) -> NDArray[np.float64]:
        raise NotImplementedError

    def mean(self, outputs: Any) -> NDArray[Any]:
        """Return the mean of the distribution, (..., F), in the outputs' dtype."""
        found: NDArray[Any] = self._mean(self.parameters(outputs)).astype(np.asarray(outputs).dtype)
        return found

    def point(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return the mean of the distribution."""
        return self.mean(outputs)

    def _mean(self, of: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        return of["mean"]

    def variance(self, outputs: Any) -> NDArray[Any]:
        """Return the variance of the distribution, (..., F), in the outputs' dtype."""
        found: NDArray[Any] = self._variance(self.parameters(outputs)).astype(
            np.asarray(outputs).dtype
        )
        return found

    def _variance(self, of: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        raise NotImplementedError

    def sample(
        self, outputs: Any, *, seed: int | None = None, count: int | None = None
    ) -> NDArray[Any]:
        """Draw from the distribution: (..., F), or `count` times that, (count, ..., F).

        Parameters
        ----------
        outputs : ndarray, (..., P F)
        seed : int, optional
            The same seed gives the same numbers.
        count : int, optional
            How many to draw of each.
        """
        random = np.random.default_rng(seed)
        of = self.parameters(outputs)
        shape = shape_of_samples(next(iter(of.values())).shape, count)
        return self._draw(random, of, shape).astype(np.asarray(outputs).dtype)

    def _draw(
        self,
        random: np.random.Generator,
        of: dict[str, NDArray[np.float64]],
        shape: tuple[int, ...],
    ) -> NDArray[Any]:
        raise NotImplementedError


@dataclass(frozen=True)
class Poisson(_Likelihood):
    """Minus the log likelihood of counts under a Poisson distribution of the predicted rate.

    rate - y log(rate) + log(y!), with rate = softplus(o) or exp(o); targets are >= 0.

    Parameters
    ----------
    link : {"softplus", "exp"}
        How an output becomes the rate. With "exp" it is `torch.nn.PoissonNLLLoss()` plus log(y!).

    Raises
    ------
    TypeError, ValueError
        A setting of the wrong type or out of range.

    Examples
    --------
    >>> import numpy as np
    >>> Poisson("exp").mean(np.array([[0.0]]))
    array([[1.]])
    """

    link: str = "softplus"
    name: ClassVar[str] = "poisson"
    _parameters: ClassVar[tuple[str, ...]] = ("mean",)

    def __post_init__(self) -> None:
        """Check the settings."""
        check_link(self)

    def _parameter(self, name: str, block: NDArray[np.float64]) -> NDArray[np.float64]:
        return positive(self.link, block)

    def _variance(self, of: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        return of["mean"]

    def _draw(self, random: Any, of: Any, shape: tuple[int, ...]) -> NDArray[Any]:
        found: NDArray[Any] = random.poisson(of["mean"], shape)
        return found


@dataclass(frozen=True)
class NegativeBinomial(_Likelihood):
    """Minus the log likelihood of counts that vary more than Poisson's.

    The distribution of mean m and shape alpha of Salinas et al. 2020 ("DeepAR: probabilistic
    forecasting with autoregressive recurrent networks", section 3.1), variance m + alpha m^2. Both
    come from their outputs by `link`. It is `torch.distributions.NegativeBinomial(
    total_count=1 / alpha, logits=log(alpha m))`.

    Parameters
    ----------
    link : {"softplus", "exp"}
        How outputs become mean and shape.

    Raises
    ------
    TypeError, ValueError
        A setting of the wrong type or out of range.

    Examples
    --------
    >>> import numpy as np
    >>> loss = NegativeBinomial("exp")  # outputs: mean, then shape
    >>> loss.variance(np.array([[0.0, 0.0]]))
    array([[2.]])
    """

    link: str = "softplus"
    name: ClassVar[str] = "negative_binomial"
    _parameters: ClassVar[tuple[str, ...]] = ("mean", "shape")

    def __post_init__(self) -> None:
        """Check the settings."""
        check_link(self)

    def _parameter(self, name: str, block: NDArray[np.float64]) -> NDArray[np.float64]:
        return positive(self.link, block)

    def _variance(self, of: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = of["mean"] + of["shape"] * of["mean"] ** 2
        return found

    def _draw(self, random: Any, of: Any, shape: tuple[int, ...]) -> NDArray[Any]:
        # Poisson of a rate that a gamma distribution draws.
        alpha = np.maximum(of["shape"], 1e-12)
        found: NDArray[Any] = random.poisson(random.gamma(1 / alpha, of["mean"] * alpha, shape))
        return found


@dataclass(frozen=True)
class Gaussian(_Likelihood):
    """Minus the log likelihood under a normal distribution of the predicted mean and scale.

    log(s) + ((y - m) / s)^2 / 2 + log(2 pi) / 2, with the scale s = softplus(o) + minimum_scale, or
    exp(o) + minimum_scale.

    Parameters
    ----------
    link : {"softplus", "exp"}
        How an output becomes the scale; "exp": the output is its logarithm.
    minimum_scale : float
        >= 0, in the unit of the targets: keeps a model that fits some target exactly from an
        infinite likelihood.

    Raises
    ------
    TypeError, ValueError
        A setting of the wrong type or out of range.

    Notes
    -----
    `torch.nn.GaussianNLLLoss(full=True)` takes mean and variance and has the same value.

    Examples
    --------
    >>> import numpy as np
    >>> loss = Gaussian("exp", minimum_scale=0.0)  # outputs: mean, then scale
    >>> loss.quantile(np.array([[10.0, 0.0]]), 0.5)
    array([[10.]])
    """

    link: str = "softplus"
    minimum_scale: float = 1e-6
    name: ClassVar[str] = "gaussian"
    _parameters: ClassVar[tuple[str, ...]] = ("mean", "scale")

    def __post_init__(self) -> None:
        """Check the settings."""
        check_link(self)
        check_minimum(self)

    def _parameter(self, name: str, block: NDArray[np.float64]) -> NDArray[np.float64]:
        return block if name == "mean" else positive(self.link, block, self.minimum_scale)

    def _variance(self, of: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = of["scale"] ** 2
        return found

    def _draw(self, random: Any, of: Any, shape: tuple[int, ...]) -> NDArray[Any]:
        found: NDArray[Any] = random.normal(of["mean"], of["scale"], shape)
        return found

    def quantile(self, outputs: Any, q: float) -> NDArray[Any]:
        """Return what a share q of the distribution lies below, (..., F).

        Raises
        ------
        ValueError
            q is not between 0 and 1.
        """
        share = check_real(q, name="q", above=0.0, below=1.0)
        of = self.parameters(outputs)
        found = of["mean"] + statistics.NormalDist().inv_cdf(share) * of["scale"]
        made: NDArray[Any] = found.astype(np.asarray(outputs).dtype)
        return made


@dataclass(frozen=True)
class StudentT(_Likelihood):
    """Minus the log likelihood under Student's t distribution: normal, but with heavy tails.

    Location m, scale s as in `Gaussian`, and degrees of freedom 2 + softplus(o), so that the
    variance is finite. It is `torch.distributions.StudentT(df, loc, scale)`, and the output that
    GluonTS has by default.

    Parameters
    ----------
    link : {"softplus", "exp"}
        How an output becomes the scale.
    minimum_scale : float
        Added to it; >= 0, in the unit of the targets.

    Raises
    ------
    TypeError, ValueError
        A setting of the wrong type or out of range.

    Examples
    --------
    >>> import numpy as np
    >>> loss = StudentT()  # outputs: location, scale, degrees of freedom
    >>> loss.mean(np.array([[1.5, 0.0, 0.0]]))
    array([[1.5]])
    """

    link: str = "softplus"
    minimum_scale: float = 1e-6
    name: ClassVar[str] = "student_t"
    _parameters: ClassVar[tuple[str, ...]] = ("mean", "scale", "freedom")

    def __post_init__(self) -> None:
        """Check the settings."""
        check_link(self)
        check_minimum(self)

    def _parameter(self, name: str, block: NDArray[np.float64]) -> NDArray[np.float64]:
        if name == "mean":
            return block
        if name == "freedom":
            return positive("softplus", block, 2.0)
        return positive(self.link, block, self.minimum_scale)

    def _variance(self, of: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        with np.errstate(divide="ignore"):
            found: NDArray[np.float64] = of["scale"] ** 2 * of["freedom"] / (of["freedom"] - 2.0)
        return found

    def _draw(self, random: Any, of: Any, shape: tuple[int, ...]) -> NDArray[Any]:
        found: NDArray[Any] = of["mean"] + of["scale"] * random.standard_t(of["freedom"], shape)
        return found
