"""Losses of classes: cross-entropies and focal losses, from logits or probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from lstm_native._base.checks import check_bool, check_int, check_real
from lstm_native.losses._base import Loss


@dataclass(frozen=True)
class BinaryCrossentropy(Loss):
    """Cross-entropy of targets from 0 to 1 with predicted probabilities, each output by itself.

    With z the logit and y the target: max(z, 0) - z y + log(1 + exp(-|z|)).

    Parameters
    ----------
    from_logits : bool, optional
        None: the network's outputs are probabilities where it ends with a sigmoid, else logits.
        True and False say which, and are refused where the network contradicts. Logits that a relu
        or tanh at the end has bounded are taken with True alone.
    label_smoothing : float
        In [0, 1): the target y becomes y (1 - s) + s / 2 (Szegedy et al. 2016, "Rethinking the
        Inception architecture for computer vision").

    Raises
    ------
    TypeError, ValueError
        A setting of the wrong type or out of range.

    Examples
    --------
    >>> BinaryCrossentropy(label_smoothing=0.1)
    BinaryCrossentropy(from_logits=None, label_smoothing=0.1)
    """

    from_logits: bool | None = None
    label_smoothing: float = 0.0
    name: ClassVar[str] = "binary_crossentropy"
    takes_logits: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the settings."""
        check_reading(self)
        _check_smoothing(self)


@dataclass(frozen=True)
class CategoricalCrossentropy(Loss):
    """Cross-entropy of classes, one for each row, with predicted probabilities.

    Targets are class indices, one-hot rows, or soft labels: rows of probabilities that sum to 1.
    With z the logits and y the row of probabilities: log(sum(exp(z))) - sum(z y).

    Parameters
    ----------
    from_logits : bool, optional
        None: the network's outputs are probabilities where it ends with a softmax, else logits.
        True and False say which, and are refused where the network contradicts. Logits that a relu
        or tanh at the end has bounded are taken with True alone.
    label_smoothing : float
        In [0, 1): the row y becomes y (1 - s) + s / K, K the number of classes (Szegedy et al.
        2016, "Rethinking the Inception architecture for computer vision").
    ignore_index : int, optional
        Rows with this label have no loss and no gradient, and count neither in means nor in
        metrics: -100 to have it as PyTorch does. Needs class indices.

    Raises
    ------
    TypeError, ValueError
        A setting of the wrong type or out of range.

    Examples
    --------
    >>> CategoricalCrossentropy(ignore_index=-100)
    CategoricalCrossentropy(from_logits=None, label_smoothing=0.0, ignore_index=-100)
    """

    from_logits: bool | None = None
    label_smoothing: float = 0.0
    ignore_index: int | None = None
    name: ClassVar[str] = "categorical_crossentropy"
    takes_labels: ClassVar[bool] = True
    takes_logits: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the settings."""
        check_reading(self)
        _check_smoothing(self)
        _check_ignored(self)


@dataclass(frozen=True)
class BinaryFocal(Loss):
    """Binary cross-entropy that counts less for what is known already (Lin et al. 2017).

    With p = sigmoid(z) and the target y: -y (1 - p)^gamma log p - (1 - y) p^gamma log(1 - p),
    each output by itself ("Focal loss for dense object detection", equation 4).

    Parameters
    ----------
    gamma : float
        0 is the cross-entropy; the larger, the less an answer counts that is nearly right.
    alpha : float, optional
        In [0, 1): class 1 weighs alpha, class 0 weighs 1 - alpha (equation 5; 0.25 there). None:
        both 1.
    from_logits : bool, optional
        As in `BinaryCrossentropy`.

    Raises
    ------
    TypeError, ValueError
        A setting of the wrong type or out of range.

    Examples
    --------
    >>> BinaryFocal(alpha=0.25)
    BinaryFocal(gamma=2.0, alpha=0.25, from_logits=None)
    """

    gamma: float = 2.0
    alpha: float | None = None
    from_logits: bool | None = None
    name: ClassVar[str] = "binary_focal"
    takes_logits: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the settings."""
        check_reading(self)
        _check_gamma(self)
        if self.alpha is not None:
            alpha = check_real(self.alpha, name="alpha", minimum=0.0, below=1.0)
            object.__setattr__(self, "alpha", alpha)


@dataclass(frozen=True)
class CategoricalFocal(Loss):
    """Categorical cross-entropy that counts less for what is known already (Lin et al. 2017).

    With p = softmax(z) and the row of probabilities y: -sum(y (1 - p)^gamma log p). Weights of
    classes (alpha there) are `fit(class_weight=...)`.

    Parameters
    ----------
    gamma : float
        0 is the cross-entropy; the larger, the less an answer counts that is nearly right.
    from_logits, ignore_index
        As in `CategoricalCrossentropy`.

    Raises
    ------
    TypeError, ValueError
        A setting of the wrong type or out of range.

    Examples
    --------
    >>> CategoricalFocal(gamma=1.0)
    CategoricalFocal(gamma=1.0, from_logits=None, ignore_index=None)
    """

    gamma: float = 2.0
    from_logits: bool | None = None
    ignore_index: int | None = None
    name: ClassVar[str] = "categorical_focal"
    takes_labels: ClassVar[bool] = True
    takes_logits: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the settings."""
        check_reading(self)
        _check_gamma(self)
        _check_ignored(self)


def check_reading(loss: Any) -> None:
    """Check `from_logits`."""
    if loss.from_logits is not None:
        chosen = check_bool(loss.from_logits, name="from_logits")
        object.__setattr__(loss, "from_logits", chosen)


def _check_smoothing(loss: Any) -> None:
    smoothing = check_real(loss.label_smoothing, name="label_smoothing", minimum=0.0, below=1.0)
    object.__setattr__(loss, "label_smoothing", smoothing)


def _check_ignored(loss: Any) -> None:
    if loss.ignore_index is not None:
        index = check_int(
            loss.ignore_index, name="ignore_index", minimum=-(2**63), maximum=2**63 - 1
        )
        object.__setattr__(loss, "ignore_index", index)


def _check_gamma(loss: Any) -> None:
    object.__setattr__(loss, "gamma", check_real(loss.gamma, name="gamma", minimum=0.0))
