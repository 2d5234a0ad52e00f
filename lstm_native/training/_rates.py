"""Learning rates of single layers, and frozen ones: from the layers' attributes to the trainer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lstm_native.layers.layer import Layer

_INNER = "layers"  # what stands between the name of a layer and those of the layers in it


def settle(
    trainer: Any, layers: Sequence[Layer], names: Sequence[str], *, some: bool = True
) -> None:
    """Give the trainer the factors that the layers ask for.

    names : of the layers, in those of their parameters.
    some : whether something must be left to train (ValueError).
    """
    now = trainer.rate_factors  # those that are not 1
    if not now and all(map(_is_plain, layers)):
        return
    by_name = dict(zip(names, layers, strict=True))
    wanted = {name: _factor_of(by_name, name) for name in trainer.parameter_names}
    if some and wanted and not any(wanted.values()):
        raise ValueError(
            "all layers are frozen, and nothing is left to train: set trainable = True of some"
        )
    for name, factor in wanted.items():
        if now.get(name, 1.0) != factor:
            trainer.set_rate_factor(name, factor)


def restore(trainer: Any, layers: Sequence[Layer], names: Sequence[str]) -> None:
    """Give the layers the attributes that a file's trainer shows."""
    if trainer.rate_factors:
        found = dict.fromkeys(trainer.parameter_names, 1.0) | trainer.rate_factors
        for name, layer in zip(names, layers, strict=True):
            _restore_one(layer, _inside(found, f"{name}."))


def frozen(trainer: Any) -> set[str]:
    """Return the names of the parameters that are not trained."""
    return {name for name, factor in trainer.rate_factors.items() if factor == 0.0}


def _is_plain(layer: Layer) -> bool:
    return (
        layer.trainable
        and layer.learning_rate_factor == 1.0
        and not layer._parameter_factors
        and all(map(_is_plain, getattr(layer, _INNER, ())))
    )


def _factor_of(layers: Mapping[str, Layer], name: str) -> float:
    """Return the factor of a parameter; a layer's holds for the layers in it too."""
    place, _, rest = name.partition(".")
    layer = layers[place]
    own = layer.learning_rate_factor if layer.trainable else 0.0
    inner, _, inside = rest.partition(".")
    if inner == _INNER:
        inners: Sequence[Layer] = layer.layers  # type: ignore[attr-defined]
        return own * _factor_of({str(i): one for i, one in enumerate(inners)}, inside)
    return layer._parameter_factors.get(rest, own)


def _restore_one(layer: Layer, found: dict[str, float]) -> None:
    """Find a layer's attributes in the factors of its parameters, by their names in the layer."""
    own = {name: factor for name, factor in found.items() if not name.startswith(f"{_INNER}.")}
    outer = next(iter(own.values()), 1.0)
    if any(factor != outer for factor in own.values()):
        layer._parameter_factors = own
        outer = 1.0
    elif outer == 0.0:
        layer.trainable = False
        return
    else:
        layer.learning_rate_factor = outer
    for index, inner in enumerate(getattr(layer, _INNER, ())):
        inside = _inside(found, f"{_INNER}.{index}.")
        _restore_one(inner, {name: factor / outer for name, factor in inside.items()})


def _inside(found: dict[str, float], prefix: str) -> dict[str, float]:
    return {
        name[len(prefix) :]: factor for name, factor in found.items() if name.startswith(prefix)
    }
