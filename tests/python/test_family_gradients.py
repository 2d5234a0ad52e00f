"""Recurrent layers of every kind and option: gradients.

Without masks against the reference's back-propagation; with masks, and the masks from the same
seed, against central differences of the layer itself.
"""

from __future__ import annotations

import family
import numpy as np
import product as p
import pytest
import reference as ref
from hypothesis import given
from hypothesis import strategies as st

F64 = np.dtype("float64")
SHUT = {"RNN-activation_thresholded_relu"}  # no sum reaches the threshold: most gradients are zero
AT_REST = [name for name, (_, options) in family.ALONE.items() if not family.is_random(options)]


def all_masks(kind: str) -> dict:
    """Whatever draws masks, with whatever stands in its way."""
    found = {"num_layers": 2, "bidirectional": True, "residual": True}
    found |= {"dropout": 0.3, "input_dropout": 0.3}
    if kind in family.WITH_WEIGHT_HH:
        zoneout = (0.2, 0.3)[: family.PARTS_OF_STATE[kind]]
        found |= {"recurrent_dropout": 0.3, "weight_drop": 0.3}
        found["zoneout"] = zoneout if len(zoneout) > 1 else zoneout[0]
    return found


COMBINED = {f"{kind}-all_masks": all_masks(kind) for kind in family.KINDS}
COMBINED["LSTM-all_masks"] |= {"peephole": True, "proj_size": 3, "layer_norm": True}
COMBINED["GRU-all_masks"] |= {"merge": "sum"}
COMBINED["RNN-all_masks_in_reverse"] = {
    name: value for name, value in COMBINED["RNN-all_masks"].items() if name != "bidirectional"
} | {"num_layers": 3, "reverse": True}
COMBINED["GRU-reset_before_all_masks"] = {
    "reset_after": False,
    "recurrent_dropout": 0.3,
    "weight_drop": 0.3,
    "zoneout": 0.2,
}


def check(found: p.Tensors, wanted: p.Tensors, tolerance: float) -> None:
    """Every gradient, relative to the largest element of its own kind.

    The gradient of a parameter that nothing depends on, such as a gate's behind a clip, is 0.
    """
    for name, value in wanted.items():
        if name in ("y", "h", "c"):
            continue
        assert found[name].shape == value.shape, name
        scale = max(np.abs(value).max(initial=0.0), 1e-3)
        error = np.abs(found[name] - value).max(initial=0.0) / scale
        assert error <= tolerance, f"{name}: relative error {error:.3g}"


@pytest.mark.parametrize("with_lengths", [False, True], ids=["full_length", "lengths"])
@pytest.mark.parametrize("name", AT_REST)
def test_every_option_alone_matches_the_reference(isa, name, with_lengths):
    kind, options = family.ALONE[name]
    problem = family.make_problem(kind, options, seed=3, with_lengths=with_lengths)
    found = family.run(problem.layer(), problem)
    assert list(family.of_weights(found)) == list(problem.weights)
    check(found, family.expected(problem), 1e-11)


@pytest.mark.parametrize("name", [n for n in AT_REST if "relu" not in n and "clip" not in n])
def test_every_option_alone_in_single_precision(isa, name):
    """But for functions with kinks, which rounding may cross."""
    kind, options = family.ALONE[name]
    problem = family.make_problem(kind, options, dtype="float32", seed=3, with_lengths=True)
    found = family.run(problem.layer(), problem)
    assert {value.dtype for value in found.values()} == {np.dtype("float32")}
    wanted = family.expected(problem)
    gradients = {name: value for name, value in wanted.items() if name not in ("y", "h", "c")}
    p.check_gradients(np.dtype("float32"), found, gradients)


@family.for_each_kind()
@given(data=st.data())
def test_random_combinations_match_the_reference(isa, threads, kind, data):
    drawn = data.draw(family.problems(kind, training=False))
    problem = family.make_problem(**drawn)
    check(family.run(problem.layer(), problem), family.expected(problem), 1e-9)


@pytest.mark.parametrize("kind", family.KINDS)
def test_sizes_beyond_one_tile_match_the_reference(isa, threads, kind):
    """Sizes that are split over threads and time chunks."""
    options = {"bidirectional": True}
    problem = family.make_problem(kind, options, (37, 20, 21, 70), with_lengths=True)
    check(family.run(problem.layer(), problem), family.expected(problem), 1e-11)


class Moved:
    """<dy, y> + <dstate, final state> of a training pass, as a function of where it is taken."""

    def __init__(self, problem: family.Problem, seed: int) -> None:
        self.problem, self.seed, self.layer = problem, seed, problem.layer()
        self.at = {"dx": problem.x, **problem.weights}
        if problem.state is not None:
            self.at |= dict(zip(("dh", "dc"), problem.state, strict=False))

    def value(self, changed: p.Tensors) -> float:
        at, problem = self.at | changed, self.problem
        self.layer.load_state_dict({name: at[name] for name in problem.weights})
        state = None
        if problem.state is not None:
            state = family.public(problem.kind, tuple(at[k] for k in ("dh", "dc") if k in at))
        y, final, _ = self.layer.forward(at["dx"], state, lengths=problem.lengths, seed=self.seed)
        total = (y * problem.dy).sum()
        if problem.dstate is not None:
            parts = family.parts_of(problem.kind, final)
            total += sum(np.vdot(*pair) for pair in zip(parts, problem.dstate, strict=True))
        return float(total)

    def slope(self, directions: p.Tensors, step: float = 1e-4) -> float:
        """The derivative along a direction in which any of x, states and weights move."""

        def along(k: np.ndarray) -> float:
            return self.value({name: self.at[name] + k[0] * d for name, d in directions.items()})

        return ref.directional_difference(along, np.zeros(1), np.ones(1), step)


@pytest.mark.parametrize("name", [*family.ALONE, *COMBINED])
def test_every_option_matches_central_differences(isa, name):
    """Every tensor by itself, along its gradient and along a random direction.

    With the masks of the same seed, where the option draws any.
    """
    kind = name.split("-")[0]
    options = COMBINED.get(name) or family.ALONE[name][1]
    problem = family.make_problem(kind, options, (3, 5, 4, 5), seed=2, with_lengths=True)
    found = family.run(problem.layer(), problem, seed=11)
    moved, rng = Moved(problem, 11), np.random.default_rng(0)
    for what, at in moved.at.items():
        gradient = found[what]
        norm = np.linalg.norm(gradient)
        assert norm > 0.0 or name in SHUT, what
        slope = moved.slope({what: gradient / (norm or 1.0)})
        assert slope == pytest.approx(norm, rel=p.DIFFERENCE_TOLERANCE), what
        direction = rng.standard_normal(at.shape)
        slope = moved.slope({what: direction})
        assert slope == pytest.approx(
            np.vdot(gradient, direction), abs=p.DIFFERENCE_TOLERANCE * (norm or 1.0)
        ), what


@family.for_each_kind(family.WITH_WEIGHT_HH)
@given(data=st.data(), mask_seed=st.integers(0))
def test_random_combinations_with_masks_match_central_differences(isa, kind, data, mask_seed):
    """All at once, along the gradient itself: the slope is its norm, and nothing cancels."""
    drawn = data.draw(family.problems(kind, family.SMOOTH))
    problem = family.make_problem(**drawn)
    seed = mask_seed % 2**32
    found = family.run(problem.layer(), problem, seed)
    moved = Moved(problem, seed)
    norm = np.sqrt(sum((found[name] ** 2).sum() for name in moved.at))
    if norm == 0.0:  # every sequence has length 0
        return
    # A normalised row of nearly equal values bends: the difference needs a smaller step.
    step = 1e-5 if drawn["options"].get("layer_norm") else 1e-4
    slope = moved.slope({name: found[name] / norm for name in moved.at}, step)
    assert slope == pytest.approx(norm, rel=p.DIFFERENCE_TOLERANCE)
