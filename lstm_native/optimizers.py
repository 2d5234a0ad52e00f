"""How to minimise: optimisers as immutable settings, and learning-rate schedules.

The update rules are those of torch.optim. An optimiser holds settings; in `fit` its running state
(moments, number of updates) lives in the model, and in the model's file. For training loops of
one's own it makes single steps (`Optimizer.update`), whose state it keeps itself.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from lstm_native._base.attributes import freeze
from lstm_native._base.shown import nearest, shown
from lstm_native._optimizer import KINDS, Optimizer, refusal, restore_memory
from lstm_native._schedules import Schedule, cosine_decay, exponential_decay, step_decay

__all__ = [
    "NAMES",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "NAdam",
    "Optimizer",
    "RMSprop",
    "Schedule",
    "cosine_decay",
    "exponential_decay",
    "parse",
    "step_decay",
]


for _function in (cosine_decay, exponential_decay, step_decay, restore_memory):
    _function.__module__ = __name__  # their public home, which pickles name


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum (Sutskever et al. 2013).

    Parameters
    ----------
    learning_rate : float
    momentum : float
        In [0, 1).
    nesterov : bool
        Nesterov's momentum; needs momentum > 0.
    weight_decay, clip_norm, clip_value
        See `Optimizer`.

    Examples
    --------
    >>> SGD(0.1, momentum=0.9).momentum
    0.9
    """

    learning_rate: float = 0.01
    _: KW_ONLY
    momentum: float = 0.0
    nesterov: bool = False

    name: ClassVar[str] = "sgd"

    def __post_init__(self) -> None:
        """Check the settings."""
        super().__post_init__()
        self._check("momentum", minimum=0.0, below=1.0)
        self._check_bool("nesterov")
        if self.nesterov and self.momentum == 0.0:
            raise ValueError("nesterov needs momentum > 0, got momentum 0.0")


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adaptive moments (Kingma & Ba 2015).

    Parameters
    ----------
    learning_rate : float
    beta1, beta2 : float
        Decay of the mean gradient and of the mean squared gradient, each in [0, 1).
    epsilon : float
        Added to the root of the mean squared gradient, > 0.
    amsgrad : bool
        Divide by the largest mean squared gradient so far (Reddi, Kale & Kumar 2018).
    weight_decay, clip_norm, clip_value
        See `Optimizer`.
    """

    _: KW_ONLY
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    amsgrad: bool = False

    name: ClassVar[str] = "adam"

    def __post_init__(self) -> None:
        """Check the settings."""
        super().__post_init__()
        self._check("beta1", minimum=0.0, below=1.0)
        self._check("beta2", minimum=0.0, below=1.0)
        self._check("epsilon", above=0.0)
        self._check_bool("amsgrad")


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019); parameters as `Adam`."""

    _: KW_ONLY
    weight_decay: float = 0.01

    name: ClassVar[str] = "adamw"


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Gradient divided by its running root mean square (Tieleman & Hinton 2012).

    Parameters
    ----------
    learning_rate : float
    rho : float
        Decay of the mean squared gradient, in [0, 1).
    momentum : float
        In [0, 1).
    epsilon : float
        Added to the root of the mean squared gradient, > 0.
    weight_decay, clip_norm, clip_value
        See `Optimizer`.
    """

    _: KW_ONLY
    rho: float = 0.99
    momentum: float = 0.0
    epsilon: float = 1e-8

    name: ClassVar[str] = "rmsprop"

    def __post_init__(self) -> None:
        """Check the settings."""
        super().__post_init__()
        self._check("rho", minimum=0.0, below=1.0)
        self._check("momentum", minimum=0.0, below=1.0)
        self._check("epsilon", above=0.0)


@dataclass(frozen=True)
class NAdam(Optimizer):
    """Adam with Nesterov's momentum (Dozat 2016).

    "Incorporating Nesterov momentum into Adam", with its schedule: in update t the momentum is
    beta1 * (1 - 0.96 ** (t * momentum_decay) / 2).

    Parameters
    ----------
    learning_rate : float
    beta1, beta2 : float
        Decay of the mean gradient, in the end, and of the mean squared gradient, each in [0, 1).
    epsilon : float
        Added to the root of the mean squared gradient, > 0.
    momentum_decay : float
        How fast the momentum climbs, >= 0.
    decoupled_weight_decay : bool
        Decay as in `AdamW`, instead of an L2 penalty.
    weight_decay, clip_norm, clip_value
        See `Optimizer`.

    Examples
    --------
    >>> NAdam().learning_rate
    0.002
    """

    learning_rate: float = 2e-3
    _: KW_ONLY
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    momentum_decay: float = 4e-3
    decoupled_weight_decay: bool = False

    name: ClassVar[str] = "nadam"

    def __post_init__(self) -> None:
        """Check the settings."""
        super().__post_init__()
        self._check("beta1", minimum=0.0, below=1.0)
        self._check("beta2", minimum=0.0, below=1.0)
        self._check("epsilon", above=0.0)
        self._check("momentum_decay", minimum=0.0)
        self._check_bool("decoupled_weight_decay")


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Gradient divided by the root of the sum of its squares (Duchi, Hazan & Singer 2011).

    Parameters
    ----------
    learning_rate : float
    learning_rate_decay : float
        The rate of update t, from 1, is learning_rate / (1 + (t - 1) * learning_rate_decay), >= 0.
    initial_accumulator_value : float
        What the sums of squares begin with, >= 0.
    epsilon : float
        Added to the root, > 0.
    weight_decay, clip_norm, clip_value
        See `Optimizer`.

    Examples
    --------
    >>> Adagrad(0.1, initial_accumulator_value=0.1).epsilon
    1e-10
    """

    learning_rate: float = 0.01
    _: KW_ONLY
    learning_rate_decay: float = 0.0
    initial_accumulator_value: float = 0.0
    epsilon: float = 1e-10

    name: ClassVar[str] = "adagrad"

    def __post_init__(self) -> None:
        """Check the settings."""
        super().__post_init__()
        self._check("learning_rate_decay", minimum=0.0)
        self._check("initial_accumulator_value", minimum=0.0)
        self._check("epsilon", above=0.0)


freeze((Optimizer, *KINDS.values()), refusal)

#: The names, as in model files.
NAMES: tuple[str, ...] = tuple(KINDS)


def parse(optimizer: Any) -> Optimizer:
    """Return the optimiser that a name ("adam": with its defaults) or an object stands for.

    Raises
    ------
    ValueError
        Unknown name; the message lists the known ones.
    TypeError
        Neither a name nor an optimiser.
    """
    if isinstance(optimizer, Optimizer) and type(optimizer) is not Optimizer:
        return optimizer
    if not isinstance(optimizer, str):
        raise TypeError(
            f"optimizer must be a name ({', '.join(NAMES)}) or an optimiser, got "
            f"{shown(optimizer)}{_to_write(optimizer)}"
        )
    if optimizer.lower() not in KINDS:
        raise ValueError(
            f"unknown optimizer {shown(optimizer)}; known are {', '.join(NAMES)}"
            f"{nearest(optimizer.lower(), NAMES)}"
        )
    return KINDS[optimizer.lower()]()


def _to_write(optimizer: Any) -> str:
    """Return what to write for a class, or for an optimiser of another library."""
    kind = optimizer if isinstance(optimizer, type) else type(optimizer)
    if kind in KINDS.values():
        return f"; write {kind.__name__}()"
    ours = KINDS.get(kind.__name__.lower())
    return f"; write ln.{ours.__name__}(...)" if ours else ""
