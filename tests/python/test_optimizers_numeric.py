"""Update rules against the reference: 20 steps of a Dense layer, every optimiser and option."""

from __future__ import annotations

import json

import numpy as np
import product as p
import pytest
import reference as ref

import lstm_native as ln

STEPS = 20


def _case(kind: str, **options):
    classes = {kind.name: kind for kind in ln.optimizers.Optimizer.__subclasses__()}
    classes["adamw"] = ln.AdamW
    return classes[kind](**options), ref.OPTIMIZERS[kind], options


# name of the case: our settings, the reference's rule, its options
CASES = {
    "sgd": _case("sgd", learning_rate=0.1),
    "sgd_default_rate": _case("sgd"),
    "sgd_momentum": _case("sgd", learning_rate=0.1, momentum=0.9),
    "sgd_nesterov": _case("sgd", learning_rate=0.1, momentum=0.8, nesterov=True),
    "sgd_decay": _case("sgd", learning_rate=0.1, weight_decay=0.05),
    "sgd_momentum_decay": _case("sgd", learning_rate=0.1, momentum=0.9, weight_decay=0.05),
    "sgd_clip_norm": _case("sgd", learning_rate=0.1, clip_norm=0.2),
    "sgd_clip_norm_not_reached": _case("sgd", learning_rate=0.1, clip_norm=1e6),
    "sgd_clip_value": _case("sgd", learning_rate=0.1, clip_value=0.05),
    "sgd_clip_both": _case("sgd", learning_rate=0.1, clip_value=0.05, clip_norm=0.1),
    "sgd_clip_then_decay": _case("sgd", learning_rate=0.1, clip_norm=0.1, weight_decay=0.3),
    "adam": _case("adam", learning_rate=0.03),
    "adam_default_rate": _case("adam"),
    "adam_betas": _case("adam", learning_rate=0.03, beta1=0.5, beta2=0.8),
    "adam_beta1_zero": _case("adam", learning_rate=0.03, beta1=0.0),
    "adam_epsilon": _case("adam", learning_rate=0.03, epsilon=0.1),
    "adam_decay": _case("adam", learning_rate=0.03, weight_decay=0.1),
    "adam_clip_norm": _case("adam", learning_rate=0.03, clip_norm=0.1),
    "adamw": _case("adamw", learning_rate=0.03),
    "adamw_decay": _case("adamw", learning_rate=0.03, weight_decay=0.3),
    "adamw_no_decay": _case("adamw", learning_rate=0.03, weight_decay=0.0),
    "adam_amsgrad": _case("adam", learning_rate=0.03, amsgrad=True, beta2=0.6),
    "adamw_amsgrad": _case("adamw", learning_rate=0.03, amsgrad=True, beta2=0.6),
    "nadam": _case("nadam", learning_rate=0.03),
    "nadam_default_rate": _case("nadam"),
    "nadam_decay": _case("nadam", learning_rate=0.03, weight_decay=0.1, momentum_decay=0.1),
    "nadam_decoupled": _case(
        "nadam", learning_rate=0.03, weight_decay=0.1, decoupled_weight_decay=True
    ),
    "nadam_clip_norm": _case("nadam", learning_rate=0.01, clip_norm=0.1),
    "adagrad": _case("adagrad", learning_rate=0.1),
    "adagrad_default_rate": _case("adagrad"),
    "adagrad_options": _case(
        "adagrad",
        learning_rate=0.1,
        learning_rate_decay=0.1,
        initial_accumulator_value=0.1,
        epsilon=1e-3,
    ),
    "adagrad_decay": _case("adagrad", learning_rate=0.1, weight_decay=0.1),
    "rmsprop": _case("rmsprop", learning_rate=0.01),
    "rmsprop_rho": _case("rmsprop", learning_rate=0.01, rho=0.5),
    "rmsprop_momentum": _case("rmsprop", learning_rate=0.01, momentum=0.7),
    "rmsprop_epsilon": _case("rmsprop", learning_rate=0.01, epsilon=0.1),
    "rmsprop_decay": _case("rmsprop", learning_rate=0.01, weight_decay=0.1),
    "rmsprop_clip_value": _case("rmsprop", learning_rate=0.01, clip_value=0.02),
}


def problem(dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return p.normal(rng, (12, 7), dtype), p.normal(rng, (12, 5), dtype)


@pytest.mark.parametrize("name", CASES)
def test_twenty_steps_match_the_reference(isa, dtype, threads, name):
    """Through fit: one batch an epoch, in order."""
    optimizer, reference, options = CASES[name]
    x, y = problem(dtype)
    model = ln.Sequential([ln.Dense(5)], dtype=dtype.name, seed=4)
    model.predict(x)
    weights = p.float64(model.state_dict())
    w, b = weights["0.weight"], weights["0.bias"]
    b += 0.1  # so that decay has something to decay
    model.load_state_dict({"0.weight": w.astype(dtype), "0.bias": b.astype(dtype)})

    history = model.fit(
        x,
        y,
        epochs=STEPS,
        batch_size=len(x),
        loss="mse",
        optimizer=optimizer,
        shuffle=False,
        verbose=False,
    )

    x, y = x.astype(np.float64), y.astype(np.float64)
    rule, losses = reference(**options), []
    for _ in range(STEPS):
        output = ref.dense_forward(x, w, b)
        loss, dy = ref.loss_and_gradient("mse", output, y)
        losses.append(loss)
        _, dw, db = ref.dense_backward(dy, x, output, w)
        rule.step({"0.weight": w, "0.bias": b}, {"0.weight": dw, "0.bias": db})
    # The adaptive rules divide by the root of a squared gradient: where that is near zero, the
    # rounding of float32 is magnified.
    tolerance = 1e-12 if dtype == np.float64 else 1e-5 if optimizer.name == "sgd" else 1e-4
    found = model.state_dict()
    assert ref.relative_error(found["0.weight"], w) <= tolerance
    assert ref.relative_error(found["0.bias"], b) <= tolerance
    assert history.history["loss"] == pytest.approx(losses, rel=tolerance)


def test_global_norm_is_over_all_parameters_and_before_clipping(isa, dtype):
    rng = np.random.default_rng(0)
    lstm = p.make_layer(p.lstm_spec(5), 3, dtype)
    dense = p.make_layer(p.dense_spec(2), 5, dtype)
    x, y = p.normal(rng, (4, 6, 3), dtype), p.normal(rng, (4, 6, 2), dtype)
    _, gradients = p.network_gradients([lstm, dense], {"type": "mse"}, x, y, None)
    expected = ref.global_norm(
        {f"{i}.{k}": v.astype(np.float64) for i, g in enumerate(gradients) for k, v in g.items()}
    )
    for clip in (0.0, expected / 3):
        trainer = p.make_trainer(
            [lstm, dense], dtype, {"type": "mse"}, {"type": "sgd", "clip_norm": clip}
        )
        norm = trainer.step(x, y, None, np.arange(4, dtype=np.int64), 0)[2]
        # The second trainer starts one small step later: the norm has hardly moved.
        assert norm == pytest.approx(expected, rel=1e-5 if clip == 0.0 else 0.05)


def test_updates_are_counted_and_the_rate_can_change():
    x, y = problem(np.dtype("float64"))
    layer = p.make_layer(p.dense_spec(5), 7, "float64")
    trainer = p.make_trainer(
        [layer], "float64", {"type": "mse"}, {"type": "sgd", "learning_rate": 0.5}
    )
    rows = np.arange(12, dtype=np.int64)
    assert trainer.iterations == 0
    before = layer.parameters()["bias"]
    trainer.step(x, y, None, rows, 0)
    full = layer.parameters()["bias"] - before
    layer.set_parameters({**layer.parameters(), "bias": before})
    assert trainer.iterations == 1
    trainer.set_learning_rate(0.25)
    assert json.loads(trainer.optimizer)["learning_rate"] == 0.25
    # A step of another rate from nearly the same place is nearly half as long.
    trainer.step(x, y, None, rows, 0)
    half = layer.parameters()["bias"] - before
    assert trainer.iterations == 2
    assert np.abs(half).max() < 0.75 * np.abs(full).max()


@pytest.mark.parametrize("name", CASES)
def test_settings_survive_json(name):
    optimizer = CASES[name][0]
    assert type(optimizer).from_json(optimizer.to_json()) == optimizer
    layer = p.make_layer(p.dense_spec(1), 1, "float32")
    trainer = p.make_trainer([layer], "float32", {"type": "mse"}, json.loads(optimizer.to_json()))
    assert type(optimizer).from_json(trainer.optimizer) == optimizer


def test_settings_cannot_be_changed_behind_the_model():
    with pytest.raises(AttributeError):
        ln.Adam().learning_rate = 1.0


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: ln.SGD(0.0), "learning_rate"),
        (lambda: ln.SGD(-1.0), "learning_rate"),
        (lambda: ln.Adam(float("nan")), "learning_rate"),
        (lambda: ln.SGD(0.1, momentum=1.0), "momentum"),
        (lambda: ln.SGD(0.1, nesterov=True), "nesterov"),
        (lambda: ln.Adam(beta1=1.0), "beta1"),
        (lambda: ln.Adam(beta2=-0.1), "beta2"),
        (lambda: ln.Adam(epsilon=0.0), "epsilon"),
        (lambda: ln.AdamW(weight_decay=-1.0), "weight_decay"),
        (lambda: ln.RMSprop(rho=1.5), "rho"),
        (lambda: ln.NAdam(momentum_decay=-1.0), "momentum_decay"),
        (lambda: ln.NAdam(beta2=1.0), "beta2"),
        (lambda: ln.Adagrad(initial_accumulator_value=-1.0), "initial_accumulator_value"),
        (lambda: ln.Adagrad(learning_rate_decay=-1.0), "learning_rate_decay"),
        (lambda: ln.Adam(clip_norm=0.0), "clip_norm"),
        (lambda: ln.Adam(clip_value=-2.0), "clip_value"),
    ],
)
def test_settings_out_of_range_are_refused(make, word):
    with pytest.raises(ValueError, match=word):
        make()
