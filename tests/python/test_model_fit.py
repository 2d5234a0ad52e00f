"""Training models of several outputs: losses, factors, metrics, weights, histories, refusals."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from graph_helpers import LOSSES, F, H, N, T, data_of_two, fit_two, same_bits, two_by_two

import lstm_native as ln


def test_history_has_kerass_keys():
    history = fit_two(
        two_by_two(),
        metrics={"kind": ["accuracy"], "value": "mae"},
        validation_split=0.34,
    ).history
    keys = ["loss", "value_loss", "kind_loss", "value_mae", "kind_accuracy"]
    assert list(history) == keys + [f"val_{key}" for key in keys]


def test_the_loss_is_the_sum_with_factors():
    model = two_by_two()
    x, y = data_of_two()
    found = model.evaluate(x, y, loss=LOSSES)
    assert found["loss"] == pytest.approx(found["value_loss"] + found["kind_loss"], rel=1e-6)
    history = fit_two(model, loss_weights={"kind": 0.25}, batch_size=N, epochs=1).history
    wanted = found["value_loss"] + 0.25 * found["kind_loss"]
    assert history["loss"][0] == pytest.approx(wanted, rel=1e-6)
    assert history["kind_loss"][0] == pytest.approx(found["kind_loss"], rel=1e-6)
    assert model.loss_weights == {"value": 1.0, "kind": 0.25}
    assert model.loss == {"value": ln.MeanSquaredError(), "kind": ln.CategoricalCrossentropy()}


def test_losses_against_numpy():
    model = two_by_two("float64")
    x, y = data_of_two(dtype="float64")
    value, logits = model.predict(x)
    found = model.evaluate(x, y, loss=LOSSES)
    log = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    assert found["value_loss"] == pytest.approx(np.square(value - y[0]).mean(), rel=1e-12)
    assert found["kind_loss"] == pytest.approx(-log[np.arange(N), y[1]].mean(), rel=1e-12)


def test_gradients_of_the_sum_are_the_sum_of_the_gradients():
    model = two_by_two("float64")
    x, y = data_of_two(dtype="float64")
    _, both = model.gradients(x, y, loss=LOSSES, loss_weights=[2.0, 0.5])
    _, value = model.gradients(x, [y[0], None], loss=["mse", None])
    _, kind = model.gradients(x, {"kind": y[1]}, loss={"kind": "categorical_crossentropy"})
    for name, found in both.items():
        np.testing.assert_allclose(found, 2 * value[name] + 0.5 * kind[name], atol=1e-14)


def test_an_output_without_loss_has_no_targets():
    model = two_by_two()
    x, y = data_of_two()
    history = model.fit(x, [None, y[1]], loss=[None, LOSSES[1]], verbose=0).history
    assert list(history) == ["loss", "kind_loss"]
    assert model.loss == {"kind": ln.CategoricalCrossentropy()}
    with pytest.raises(ValueError, match="'value' has targets, but no loss"):
        model.fit(x, y, loss=[None, LOSSES[1]], verbose=0)


def test_one_loss_is_for_all_outputs():
    x = ln.Input(features=F)
    y, _ = ln.GRU(H, return_sequences=False)(x)
    model = ln.Model(x, {"a": ln.Dense(1)(y), "b": ln.Dense(2)(y)}, seed=0)
    history = model.fit(
        np.ones((4, T, F)), {"a": np.ones(4), "b": np.ones((4, 2))}, loss="mae", verbose=0
    ).history
    assert list(history) == ["loss", "a_loss", "b_loss"]


def test_weights_of_each_output():
    x, y = data_of_two()
    weights = np.array([1.0, 0.0, 2.0, 1.0, 0.0, 4.0])
    model = two_by_two()
    found = model.evaluate(x, y, loss=LOSSES, sample_weight=[None, weights])
    kept = weights > 0
    alone = [
        model.evaluate(
            [x[0][n : n + 1], x[1][n : n + 1]], [one[n : n + 1] for one in y], loss=LOSSES
        )["kind_loss"]
        for n in range(N)
    ]
    assert found["kind_loss"] == pytest.approx(np.average(alone, weights=weights), rel=1e-5)
    everywhere = model.evaluate(x, y, loss=LOSSES, sample_weight=weights)
    assert everywhere["kind_loss"] == pytest.approx(found["kind_loss"], rel=1e-6)
    masked = model.evaluate(x, y, loss=LOSSES, mask=kept)
    again = model.evaluate([one[kept] for one in x], [one[kept] for one in y], loss=LOSSES)
    assert masked["loss"] == pytest.approx(again["loss"], rel=1e-6)


def test_each_loss_has_its_own_mean_weight():
    """Weights of any scale: the gradient is that of weights whose mean is 1."""
    weights = np.array([1.0, 3.0, 2.0, 1.0, 2.0, 3.0])
    models = [two_by_two(), two_by_two()]
    for model, scale in zip(models, (1.0, 8.0), strict=True):
        fit_two(model, sample_weight={"kind": weights * scale})
    first, second = (model.state_dict() for model in models)
    for name in first:
        np.testing.assert_allclose(first[name], second[name], atol=1e-6)


def test_class_weights_by_output():
    _, y = data_of_two()
    heavy, plain = two_by_two(), two_by_two()
    fit_two(heavy, class_weight={"kind": {0: 5.0}})
    fit_two(plain, sample_weight={"kind": np.where(y[1] == 0, 5.0, 1.0)})
    assert same_bits(heavy.state_dict(), plain.state_dict())
    with pytest.raises(TypeError, match="dict by name"):
        fit_two(plain, class_weight={0: 5.0})


def test_resumed_training_gives_the_same_bits(tmp_path):
    whole = two_by_two()
    stopping = ln.EarlyStopping(patience=5, monitor="kind_loss")
    fit_two(whole, epochs=4, callbacks=[stopping])
    part = two_by_two()
    fit_two(part, epochs=2, callbacks=[ln.EarlyStopping(patience=5, monitor="kind_loss")])
    part.save(tmp_path / "half")
    part = ln.load_model(tmp_path / "half")
    again = ln.EarlyStopping(patience=5, monitor="kind_loss")
    fit_two(part, loss=None, epochs=4, initial_epoch=2, callbacks=[again])
    assert same_bits(part.state_dict(), whole.state_dict())
    assert again.best == stopping.best


def test_checkpoints_and_early_stopping(tmp_path):
    model = two_by_two()
    best = ln.ModelCheckpoint(tmp_path / "best", monitor="val_value_loss", save_best_only=True)
    fit_two(model, epochs=3, validation_split=0.34, callbacks=[best])
    assert isinstance(ln.load_model(tmp_path / "best"), ln.Model)


@pytest.mark.parametrize("threads", [1, 4])
def test_training_does_not_depend_on_threads(threads):
    before = ln.get_num_threads()
    try:
        ln.set_num_threads(1)
        alone = two_by_two()
        fit_two(alone)
        ln.set_num_threads(threads)
        model = two_by_two()
        fit_two(model)
        assert same_bits(model.state_dict(), alone.state_dict())
    finally:
        ln.set_num_threads(before)


def test_train_on_batch_is_fit_of_one_batch():
    x, y = data_of_two()
    one, other = two_by_two(), two_by_two()
    options = {"loss": LOSSES, "loss_weights": [1.0, 0.5], "seed": 2}
    logs = one.train_on_batch(x, y, metrics=[None, "accuracy"], **options)
    other.fit(x, y, batch_size=N, shuffle=False, verbose=0, **options)
    assert same_bits(one.state_dict(), other.state_dict())
    assert list(logs) == ["loss", "value_loss", "kind_loss", "kind_accuracy"]
    tested = one.test_on_batch(x, y)
    assert tested["loss"] == pytest.approx(one.evaluate(x, y)["loss"])


def test_gradients_and_apply_gradients_are_train_on_batch():
    x, y = data_of_two()
    one, other = two_by_two(), two_by_two()
    one.train_on_batch(x, y, loss=LOSSES, seed=0)
    _, gradients = other.gradients(x, y, loss=LOSSES, seed=0)
    other.apply_gradients(gradients)
    assert same_bits(one.state_dict(), other.state_dict())


def test_frozen_layers_and_rates_by_layer():
    model = two_by_two()
    model.layers[0].trainable = False
    frozen = {k: v for k, v in model.state_dict().items() if k.startswith("encoder")}
    others = copy.deepcopy(model.state_dict())
    fit_two(model)
    after = model.state_dict()
    assert same_bits({k: after[k] for k in frozen}, frozen)
    assert any(not same_bits(after[k], others[k]) for k in after if k not in frozen)
    again = ln.load_model(model.to_bytes())
    assert [layer.trainable for layer in again.layers] == [
        layer.trainable for layer in model.layers
    ]


def test_training_in_windows_where_the_core_can():
    x = ln.Input(features=F)
    y, _ = ln.LSTM(H)(x)
    model = ln.Model(x, {"a": ln.Dense(1)(y), "b": ln.Dense(2)(y)}, seed=0)
    targets = {"a": np.ones((N, 6, 1)), "b": np.ones((N, 6, 2))}
    history = model.fit(np.ones((N, 6, F)), targets, tbptt=2, verbose=0).history
    assert history["loss"][0] > 0
    (xs, ts), ys = data_of_two()
    with pytest.raises(ValueError, match="tbptt"):
        two_by_two().fit([xs, ts], ys, loss=LOSSES, tbptt=2, verbose=0)


def test_memory_mapped_inputs(tmp_path):
    x, y = data_of_two()
    mapped = []
    for index, array in enumerate((*x, *y)):
        np.save(tmp_path / f"{index}.npy", array)
        mapped.append(np.load(tmp_path / f"{index}.npy", mmap_mode="r"))
    one, other = two_by_two(), two_by_two()
    options = {"loss": LOSSES, "epochs": 2, "batch_size": 4, "verbose": 0, "seed": 3}
    assert one.fit(mapped[:2], mapped[2:], **options).history == other.fit(x, y, **options).history
    assert same_bits(one.state_dict(), other.state_dict())
    assert same_bits(one.predict(mapped[:2], batch_size=4), one.predict(x))


def test_probabilities_where_a_loss_says_so():
    model = two_by_two()
    x, _ = data_of_two()
    fit_two(model)
    value, kind = model.predict(x, probabilities=True)
    plain = model.predict(x)
    assert same_bits(value, plain[0])
    assert same_bits(kind, ln.Activation("softmax")(plain[1]))


def test_sequences_in_lists_train():
    model = two_by_two()
    rng = np.random.default_rng(0)
    ends = [3, 5, 1, 4]
    x = [rng.normal(size=(end, F)).astype("float32") for end in ends]
    t = [rng.integers(0, 7, end + 1) for end in ends]
    y = [rng.normal(size=(end, 2)).astype("float32") for end in ends]
    kinds = rng.integers(0, 3, 4)
    history = model.fit(
        [x, t], [y, kinds], loss=LOSSES, batch_size=2, verbose=0, seed=0, epochs=2
    ).history
    assert history["loss"][1] < history["loss"][0]
    padded = [np.zeros((4, 5, F), "float32"), np.zeros((4, 6), int), np.zeros((4, 5, 2))]
    for n, end in enumerate(ends):
        padded[0][n, :end], padded[1][n, : end + 1], padded[2][n, :end] = x[n], t[n], y[n]
    lengths = [np.array(ends), np.array(ends) + 1]
    one = model.evaluate([x, t], [y, kinds])
    other = model.evaluate(padded[:2], [padded[2], kinds], lengths=lengths)
    assert one["loss"] == pytest.approx(other["loss"], rel=1e-5)


REFUSED = {
    "targets for one of two": ({"y": lambda y: y[0]}, TypeError, "a list of 2"),
    "targets that are missing": ({"y": lambda y: [y[0], None]}, ValueError, "'kind' has a loss"),
    "targets of another shape": (
        {"y": lambda y: [y[0][:, :2], y[1]]},
        ValueError,
        "output 'value'",
    ),
    "an unknown output": (
        {"y": lambda y: {"value": y[0], "kid": y[1]}},
        ValueError,
        "unknown 'kid'",
    ),
    "one loss too few": ({"loss": ["mse"]}, ValueError, "one for each of the 2 outputs"),
    "a loss for nothing": ({"loss": {"vlue": "mse"}}, ValueError, "unknown 'vlue'"),
    "no loss at all": ({"loss": [None, None]}, ValueError, "at least one output"),
    "a factor below 0": ({"loss_weights": [1.0, -1.0]}, ValueError, "loss_weights"),
    "three factors": ({"loss_weights": [1.0, 1.0, 1.0]}, ValueError, "loss_weights.*got 3"),
    "a metric that does not go with it": (
        {"metrics": {"value": "accuracy"}},
        ValueError,
        "does not go with",
    ),
    "metrics for nothing": ({"metrics": {"vlue": "mae"}}, ValueError, "unknown 'vlue'"),
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_what_does_not_fit_is_refused_before_anything_is_learned(case):
    options, error, told = REFUSED[case]
    model = two_by_two()
    x, y = data_of_two()
    before = model.state_dict()
    options = dict(options)
    y = options.pop("y", lambda y: y)(y)
    with pytest.raises(error, match=told):
        model.fit(x, y, **({"loss": LOSSES, "verbose": 0} | options))
    assert same_bits(model.state_dict(), before)
    assert model.history is None
