"""Loss and metrics of a pass over the data: of the whole, and of each of several outputs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from lstm_native.losses import Loss
from lstm_native.metrics import Metric, MetricSet
from lstm_native.training._fit_options import list_of_metrics
from lstm_native.training._losses import Head, Losses, heads_of

if TYPE_CHECKING:
    from lstm_native.network.form import Form


Parts = tuple[Sequence[tuple[float, float, float]], float]
"""(loss, weight, factor) of each of several losses, and what layers have added to their sum."""


class Mean:
    """A weighted mean, number by number."""

    def __init__(self) -> None:
        self._sum = self._weight = 0.0

    def add(self, value: float, weight: float) -> None:
        """Add a number."""
        self._sum += value * weight
        self._weight += weight

    @property
    def weight(self) -> float:
        """What all so far weigh together."""
        return self._weight

    @property
    def value(self) -> float:
        """The mean of all so far; NaN of none."""
        return self._sum / self._weight if self._weight else math.nan


class Measures:
    """What is reported of a pass: "loss" and metrics; of several outputs each by its name as well.

    Of several outputs "a" and "b", as Keras has it: "loss", the sum that is minimised, "a_loss",
    "b_loss", "a_accuracy", ...

    Parameters
    ----------
    loss : Loss or Losses
    form : Form
        Of the model's outputs.
    metrics : one, several, or a list or dict of them by output
    probabilities : sequence of bool
        For each loss, what it takes its output for.
    """

    def __init__(
        self,
        loss: Loss | Losses,
        form: Form,
        metrics: Any,
        probabilities: Sequence[bool],
    ) -> None:
        heads = heads_of(loss)
        self._several = len(form) > 1
        prefixes = [f"{form.names[head.output]}_" if self._several else "" for head in heads]
        chosen = _by_head(heads, form, metrics)
        self._sets = []
        for prefix, head, given, one in zip(prefixes, heads, chosen, probabilities, strict=True):
            found = MetricSet(given, loss=head.loss, probabilities=one)
            self._sets.append((prefix, head.output, found))
        self._part_names = [f"{prefix}loss" for prefix in prefixes] if self._several else []
        self._forget_losses()
        self.wanted = any(found for _, _, found in self._sets)

    def _forget_losses(self) -> None:
        self._parts = [Mean() for _ in self._part_names]
        # Each output has its own rows, and the sum over all data is that of the means over them: a
        # batch's sum has no weight of its own that would give it again.
        self._terms = [Mean() for _ in self._sets]
        self._penalty = Mean()

    @property
    def names(self) -> list[str]:
        """What is reported, in order."""
        found = ["loss", *self._part_names]
        return found + [f"{prefix}{name}" for prefix, _, one in self._sets for name in one.names]

    def reset(self) -> None:
        """Forget all batches."""
        self._forget_losses()
        for _, _, found in self._sets:
            found.reset()

    def add_loss(self, loss: float, weight: float, parts: Parts) -> None:
        """Add the loss of a batch, and its parts."""
        of_each, penalty = parts
        if of_each:
            for term, (value, own_weight, factor) in zip(self._terms, of_each, strict=True):
                term.add(factor * value, own_weight)
            self._penalty.add(penalty, weight)
        else:  # of a single loss the core tells no parts
            self._terms[0].add(loss, weight)
        if self._several:
            alone = [(loss - penalty, weight, 1.0)]
            for mean, (value, own_weight, _) in zip(self._parts, of_each or alone, strict=True):
                mean.add(value, own_weight)

    def add_outputs(
        self, seen: Sequence[tuple[NDArray[Any], NDArray[Any] | None]], outputs: Any
    ) -> None:
        """Add targets with weights, of each loss, and what the network answered."""
        for (_, output, found), (y, weights) in zip(self._sets, seen, strict=True):
            if found:
                answer = outputs[output] if isinstance(outputs, list) else outputs
                found.update(_read_only(y), answer, weights)

    def result(self) -> dict[str, float]:
        """Return all of it."""
        terms = [term.value for term in self._terms if term.weight]
        if self._penalty.weight:
            terms.append(self._penalty.value)
        found = {"loss": sum(terms) if terms else math.nan}
        found |= {
            name: mean.value for name, mean in zip(self._part_names, self._parts, strict=True)
        }
        for prefix, _, one in self._sets:
            if one:
                found |= {f"{prefix}{name}": value for name, value in one.result().items()}
        return found


def _by_head(heads: Sequence[Head], form: Form, metrics: Any) -> list[list[Metric]]:
    """Return the metrics of each loss."""
    if len(form) == 1 and not isinstance(metrics, Mapping):
        return [list_of_metrics(metrics)]
    if metrics is None or (isinstance(metrics, (list, tuple)) and not metrics):
        return [[] for _ in heads]
    if isinstance(metrics, str) or callable(metrics) or not isinstance(metrics, Iterable):
        return [list_of_metrics(metrics) for _ in heads]
    given = form.entries(metrics, "metrics", optional=True)
    with_loss = {head.output for head in heads}
    for index, one in enumerate(given):
        if list_of_metrics(one) and index not in with_loss:
            raise ValueError(
                f"metrics: output '{form.names[index]}' has no loss, and so no targets: give it "
                "one, or no metrics"
            )
    return [list_of_metrics(given[head.output]) for head in heads]


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view that a metric function cannot write through."""
    view: NDArray[Any] = array.view()
    view.flags.writeable = False
    return view
