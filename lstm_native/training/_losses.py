"""The losses of a model: one, or one for each of several outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from lstm_native import losses
from lstm_native._base.checks import check_real
from lstm_native.losses import Loss
from lstm_native.training._batches import prefixed

if TYPE_CHECKING:
    from lstm_native.network.form import Form


class Head(NamedTuple):
    """A loss, the output it belongs to, and its factor in the sum."""

    output: int
    loss: Loss
    factor: float


@dataclass(frozen=True)
class Losses:
    """Losses of several outputs, whose sum is minimised: factor x loss of each.

    names : of all outputs of the model.
    """

    heads: tuple[Head, ...]
    names: tuple[str, ...]

    def shown(self) -> dict[str, Loss]:
        """Return the losses by the names of their outputs."""
        return {self.names[head.output]: head.loss for head in self.heads}

    def factors(self) -> dict[str, float]:
        """Return the factors by the names of their outputs."""
        return {self.names[head.output]: head.factor for head in self.heads}


def heads_of(loss: Loss | Losses) -> tuple[Head, ...]:
    """Return the losses one by one."""
    return loss.heads if isinstance(loss, Losses) else (Head(0, loss, 1.0),)


def native_losses(loss: Loss | Losses) -> Any:
    """Return them as the core's trainer takes them."""
    if isinstance(loss, Losses):
        return [(one.output, _native_of(one, loss.names), one.factor) for one in loss.heads]
    return loss._native()


def _native_of(head: Head, names: tuple[str, ...]) -> Any:
    """Return one of several as the core takes it: functions say at which output they failed."""
    native = head.loss._native()
    if isinstance(native, str) or len(names) == 1:
        return native
    text, function = native

    def called(*given: Any) -> Any:
        try:
            return function(*given)
        except (TypeError, ValueError) as error:
            raise prefixed(error, f"output '{names[head.output]}'") from error

    return text, called


def can_stand_for(loss: Loss | Losses, other: Loss | Losses) -> bool:
    """Whether they are the other ones, of which a file could not hold the functions."""
    before, after = heads_of(other), heads_of(loss)
    return any(map(_lacks_function, before)) and (
        [(output, one.to_json(), factor) for output, one, factor in before]
        == [(output, one.to_json(), factor) for output, one, factor in after]
    )


def _lacks_function(head: Head) -> bool:
    return isinstance(head.loss, losses.FunctionLoss) and head.loss.function is None


def of_trainer(trainer: Any, form: Form) -> Loss | Losses:
    """Return the losses of a trainer that comes from a file."""
    found = [Head(output, Loss.from_json(text), factor) for output, text, factor in trainer.losses]
    if len(form) == 1 and len(found) == 1 and found[0].factor == 1.0:
        return found[0].loss
    return Losses(tuple(found), form.names)


def parse_losses(form: Form, loss: Any, weights: Any = None) -> Loss | Losses:
    """Return losses from one for all outputs, a list, or a dict by name.

    None in a list or dict: that output has none. So has one that a dict does not name.
    """
    if isinstance(loss, Losses):
        if weights is None:
            return loss
        loss = loss.shown()
    if len(form) == 1 and weights is None and not isinstance(loss, (list, tuple, Mapping)):
        return losses.parse(loss)
    if form.named and isinstance(loss, (list, tuple, Mapping)):
        given = _as_list(form, loss, "loss")
    else:
        given = [loss] * len(form)
    factors = form.entries(weights, "loss_weights", optional=True)
    heads = []
    for index, (one, factor) in enumerate(zip(given, factors, strict=True)):
        if one is None:
            if factor is not None:
                raise ValueError(
                    f"loss_weights: output '{form.names[index]}' has no loss, got {factor!r}"
                )
            continue
        label = form.label("loss_weights", index)
        number = 1.0 if factor is None else check_real(factor, name=label, above=0.0)
        heads.append(Head(index, losses.parse(one), number))
    if not heads:
        raise ValueError("loss: expected a loss for at least one output, got none")
    if len(form) == 1 and heads[0].factor == 1.0:
        return heads[0].loss
    return Losses(tuple(heads), form.names)


def _as_list(form: Form, given: Any, name: str) -> list[Any]:
    if isinstance(given, Mapping):
        return form.entries(given, name, optional=True)
    if len(given) != len(form):
        raise ValueError(
            f"{name}: expected one for each of the {len(form)} outputs "
            f"({', '.join(form.names)}), got {len(given)}"
        )
    return list(given)
