"""Connectionist temporal classification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lstm_native._base.checks import check_bool, check_int
from lstm_native.losses._base import Loss
from lstm_native.losses._classes import check_reading


@dataclass(frozen=True)
class CTC(Loss):
    """Minus the log probability of a sequence of labels, wherever in time they stand.

    Connectionist temporal classification (Graves et al. 2006). The model answers at each step with
    logits of all labels and of a blank. An alignment names one of them at each step; without its
    repetitions, and then without its blanks, it is a sequence of labels. The loss of a sample is
    -log of the sum over all alignments of its labels, each the product of its steps'
    probabilities. The loss of a batch is the (weighted) mean over its samples.

    Targets are (N, L) integers padded with -1 behind the end of each sequence, or a list with one
    array for each sample. The outputs' lengths are those of x. Weights are of samples, (N,).

    Parameters
    ----------
    blank : int
        The output that stands for no label.
    zero_infinity : bool
        Samples with more labels than their steps can hold (one step each, and a blank between two
        that are the same) have loss and gradient 0, instead of being refused (ValueError).
    per_label : bool
        Divide each sample's loss by its number of labels.
    from_logits : bool, optional
        As in `CategoricalCrossentropy`: a softmax at the end of the model is seen.

    Raises
    ------
    TypeError, ValueError
        A setting of the wrong type or out of range.

    Notes
    -----
    `torch.nn.CTCLoss` takes the logarithms of a softmax, (T, N, K), and by default
    (`reduction="mean"`) divides by the number of labels: `CTC(per_label=True)`. Its "sum" is N
    times `CTC()`, its "none" is each sample's loss. As there, samples that `zero_infinity` leaves
    out count in the mean.

    Examples
    --------
    >>> CTC(blank=39)
    CTC(blank=39, zero_infinity=False, per_label=False, from_logits=None)
    """

    blank: int = 0
    zero_infinity: bool = False
    per_label: bool = False
    from_logits: bool | None = None
    name: ClassVar[str] = "ctc"
    takes_labels: ClassVar[bool] = True
    takes_sequences: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the settings."""
        check_reading(self)
        blank = check_int(self.blank, name="blank", minimum=0, maximum=2**63 - 1)
        object.__setattr__(self, "blank", blank)
        for name in ("zero_infinity", "per_label"):
            object.__setattr__(self, name, check_bool(getattr(self, name), name=name))
