"""Losses of outputs that are whole distributions: mixtures in the plane, latent codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.checks import check_bool, check_real
from lstm_native.losses._base import Loss
from lstm_native.losses._likelihoods import as_outputs, check_link, check_minimum, positive


@dataclass(frozen=True)
class GaussianMixture2D(Loss):
    """Minus the log likelihood of points in the plane, and of a pen that is lifted.

    The mixture density of Graves 2013 ("Generating sequences with recurrent neural networks",
    equations 17 to 26): M normal distributions with full covariance of (x1, x2) and, with `pen`, a
    Bernoulli distribution of x3, 1 at the end of a stroke. The model ends with 6 M outputs: blocks
    of M with the logits of the weights, the means of x1, those of x2, the scales of x1 and of x2
    (by `link`), and what the tanh of is the correlation; with `pen` the logit of x3 before them.
    Targets are (x1, x2) or (x1, x2, x3). A row's loss is the sum of both parts.

    Parameters
    ----------
    pen : bool
        Whether the targets have a third value, 0 or 1.
    link : {"exp", "softplus"}
        How outputs become scales; "exp" as in equation 21.
    minimum_scale : float
        Added to them; >= 0, in the unit of the targets.

    Raises
    ------
    TypeError, ValueError
        A setting of the wrong type or out of range.

    Notes
    -----
    Graves's output for the pen has the other sign (equation 18). The correlation is (1 - 1e-9)
    tanh(o), so that no output has an infinite likelihood.

    Examples
    --------
    >>> import numpy as np
    >>> loss = GaussianMixture2D(pen=False)
    >>> loss.mean(np.array([[0.0, 3.0, 4.0, 0.0, 0.0, 0.0]]))
    array([[3., 4.]])
    """

    pen: bool = True
    link: str = "exp"
    minimum_scale: float = 1e-6
    name: ClassVar[str] = "gaussian_mixture_2d"

    def __post_init__(self) -> None:
        """Check the settings."""
        object.__setattr__(self, "pen", check_bool(self.pen, name="pen"))
        check_link(self)
        check_minimum(self)

    def parameters(self, outputs: Any, *, bias: float = 0.0) -> dict[str, NDArray[np.float64]]:
        """Return what the outputs stand for.

        Parameters
        ----------
        outputs : ndarray, (..., 6 M) or (..., 1 + 6 M)
        bias : float
            >= 0: narrower components and more of the likely ones, as for tidy handwriting (Graves
            2013, equations 61 and 62); the scales are divided by exp(bias).

        Returns
        -------
        dict of ndarray
            "weights" (..., M), "means" (..., M, 2), "scales" (..., M, 2), "correlations" (..., M),
            and "pen" (...), the probability that it is lifted.
        """
        tidy = check_real(bias, name="bias", minimum=0.0)
        found = np.asarray(outputs)
        blocks = as_outputs(found, 6, int(self.pen)).astype(np.float64)
        logits = blocks[..., 0, :] * (1.0 + tidy)
        weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
        of = {
            "weights": weights / weights.sum(axis=-1, keepdims=True),
            "means": np.stack([blocks[..., 1, :], blocks[..., 2, :]], axis=-1),
            "scales": positive(
                self.link,
                np.stack([blocks[..., 3, :], blocks[..., 4, :]], axis=-1),
                self.minimum_scale,
            )
            / np.exp(tidy),
            "correlations": (1.0 - 1e-9) * np.tanh(blocks[..., 5, :]),
        }
        if self.pen:
            of["pen"] = np.exp(-np.logaddexp(0.0, -found[..., 0].astype(np.float64)))
        return of

    def mean(self, outputs: Any) -> NDArray[Any]:
        """Return the mean of the targets: (..., 2), or (..., 3) with the pen's probability."""
        of = self.parameters(outputs)
        point = (of["weights"][..., np.newaxis] * of["means"]).sum(axis=-2)
        if self.pen:
            point = np.concatenate([point, of["pen"][..., np.newaxis]], axis=-1)
        found: NDArray[Any] = point.astype(np.asarray(outputs).dtype)
        return found

    def point(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return the mean of the targets."""
        return self.mean(outputs)

    def sample(self, outputs: Any, *, seed: int | None = None, bias: float = 0.0) -> NDArray[Any]:
        """Draw a target for each row: (..., 2), or (..., 3) with the pen at 0 or 1.

        Parameters
        ----------
        outputs : ndarray, (..., 6 M) or (..., 1 + 6 M)
        seed : int, optional
            The same seed gives the same numbers.
        bias : float
            As in `parameters`.
        """
        random = np.random.default_rng(seed)
        of = self.parameters(outputs, bias=bias)
        rows = of["weights"].shape[:-1]
        reached = of["weights"].cumsum(axis=-1) > random.random((*rows, 1))
        chosen = np.where(reached.any(axis=-1), reached.argmax(axis=-1), reached.shape[-1] - 1)
        means, scales = (
            np.take_along_axis(of[name], chosen[..., np.newaxis, np.newaxis], axis=-2)[..., 0, :]
            for name in ("means", "scales")
        )
        r = np.take_along_axis(of["correlations"], chosen[..., np.newaxis], axis=-1)[..., 0]
        z1, z2 = random.standard_normal((2, *rows))
        z2 = r * z1 + np.sqrt((1.0 - r) * (1.0 + r)) * z2
        point = means + scales * np.stack([z1, z2], axis=-1)
        if self.pen:
            lifted = (random.random(rows) < of["pen"]).astype(np.float64)
            point = np.concatenate([point, lifted[..., np.newaxis]], axis=-1)
        found: NDArray[Any] = point.astype(np.asarray(outputs).dtype)
        return found


@dataclass(frozen=True)
class UnitGaussianKL(Loss):
    """How far predicted normal distributions are from the standard one: a loss without targets.

    The Kullback-Leibler divergence sum(m^2 + exp(v) - 1 - v) / 2 of Kingma & Welling 2014
    ("Auto-encoding variational Bayes", appendix B), the sum over F latent values. The output is a
    block of F means m and one of F logarithms of variances v: what `GaussianSample` draws from.
    `fit` takes no y for it.
    """

    name: ClassVar[str] = "unit_gaussian_kl"
    takes_targets: ClassVar[bool] = False
