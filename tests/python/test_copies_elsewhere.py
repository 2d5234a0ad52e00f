"""Copies by way of other libraries and processes, and of what stands beside a model."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import pickletools
from typing import Any

import numpy as np
import product as p
import pytest

import lstm_native as ln

X = np.random.default_rng(0).normal(size=(12, 6, 3)).astype(np.float32)
Y = X.sum(axis=(1, 2))[:, None]


def trained(optimizer: Any = "adam", **options: Any) -> ln.Sequential:
    model = ln.Sequential([ln.LSTM(4, return_sequences=False), ln.Dense(1)], seed=1)
    model.fit(X, Y, batch_size=4, epochs=2, optimizer=optimizer, seed=2, verbose=0, **options)
    return model


def one_more_epoch(model: ln.Sequential) -> dict[str, np.ndarray]:
    model.fit(X, Y, batch_size=4, epochs=3, initial_epoch=2, seed=2, verbose=0)
    return model.state_dict()


def called(layer: ln.Layer) -> np.ndarray:
    return layer(X)[0]


def one_step(optimizer: Any) -> dict[str, np.ndarray]:
    params = {"w": np.ones(3)}
    optimizer.update(params, {"w": np.array([0.1, 0.2, -0.3])})
    return params


def test_other_processes_go_on_as_this_one_would():
    """Started anew (spawn): they know what the pickle tells them, and nothing else."""
    model, layer, optimizer = trained(), ln.GRU(4, dropout=0.5, num_layers=2, seed=3), ln.Adam(0.1)
    called(layer)
    one_step(optimizer)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        weights = pool.apply(one_more_epoch, (model,))
        output = pool.apply(called, (layer,))
        params = pool.apply(one_step, (optimizer,))
    p.assert_same_weights(weights, one_more_epoch(model))
    p.assert_same_bits(output, called(layer))
    p.assert_same_weights(params, one_step(optimizer))


def test_joblib_runs_models_in_parallel():
    joblib = pytest.importorskip("joblib")
    models = [trained(name) for name in ("adam", "sgd")]
    with joblib.parallel_config(backend="loky", n_jobs=2):
        found = joblib.Parallel()(joblib.delayed(one_more_epoch)(model) for model in models)
    for weights, model in zip(found, models, strict=True):
        p.assert_same_weights(weights, one_more_epoch(model))


@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_joblib_keeps_models_and_layers_in_its_files(tmp_path, mmap_mode):
    joblib = pytest.importorskip("joblib")
    model, layer = trained(), ln.LSTM(4, seed=0, stateful=True)
    called(layer)
    joblib.dump({"model": model, "layer": layer}, tmp_path / "file")
    loaded = joblib.load(tmp_path / "file", mmap_mode=mmap_mode)
    p.assert_same_bits(called(loaded["layer"]), called(layer))
    p.assert_same_weights(one_more_epoch(loaded["model"]), one_more_epoch(model))


def test_a_search_over_settings_clones_what_it_is_given():
    """As scikit-learn's `clone(..., safe=False)`, which is a deepcopy, does for each candidate."""
    settings = {
        "optimizer": ln.Adam(0.01, clip_norm=1.0),
        "loss": ln.Huber(delta=0.5),
        "callbacks": [ln.EarlyStopping(monitor="loss"), ln.LearningRateScheduler(SCHEDULES[0])],
        "metrics": ["mae"],
    }
    for _ in range(2):
        one, other = trained(**copy.deepcopy(settings)), trained(**copy.deepcopy(settings))
        p.assert_same_weights(one.state_dict(), other.state_dict())


SCHEDULES = [
    ln.cosine_decay(0.1, epochs=9, warmup=2),
    ln.exponential_decay(0.1, rate=0.8),
    ln.step_decay(0.1, every=2, warmup=1),
]
SETTINGS = [
    ln.SGD(0.1, momentum=0.9),
    ln.Adam(),
    ln.AdamW(0.1),
    ln.RMSprop(),
    ln.MeanSquaredError(),
    ln.MeanAbsoluteError(),
    ln.Huber(delta=2.0),
    ln.BinaryCrossentropy(),
    ln.CategoricalCrossentropy(label_smoothing=0.1),
]


def by_pickle(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize("value", SETTINGS, ids=repr)
@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, by_pickle])
def test_settings_are_equal_to_their_copies(value, how):
    assert how(value) == value
    assert repr(how(value)) == repr(value)


@pytest.mark.parametrize("kind", [ln.StandardScaler, ln.MinMaxScaler])
@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, by_pickle])
def test_scalers_keep_what_they_learnt(kind, how):
    scaler = kind().fit(X[0])
    p.assert_same_bits(how(scaler).transform(X[1]), scaler.transform(X[1]))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules_can_be_pickled(schedule):
    other = by_pickle(ln.LearningRateScheduler(schedule)).schedule
    assert [other(e, 0.5) for e in range(12)] == [schedule(e, 0.5) for e in range(12)]


def test_callbacks_keep_what_they_know(tmp_path):
    stopping = ln.EarlyStopping(patience=3, monitor="loss")
    table = ln.CSVLogger(tmp_path / "table.csv")
    model = trained(callbacks=[stopping, table])
    copied, other, log = by_pickle((model, stopping, table))
    assert other.best == stopping.best
    copied.fit(X, Y, epochs=3, initial_epoch=2, callbacks=[other, log], verbose=0, seed=2)
    assert len((tmp_path / "table.csv").read_text().splitlines()) == 4


def test_a_callback_may_copy_the_model_it_sees():
    class Keep(ln.Callback):
        def on_epoch_end(self, model: Any, epoch: int, logs: Any) -> None:
            self.kept = copy.deepcopy(model)

    keep = Keep()
    model = trained(callbacks=[keep])
    p.assert_same_weights(one_more_epoch(keep.kept), one_more_epoch(model))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (trained(), {"lstm_native.files.restore_model"}),
        (ln.LSTM(4, input_size=3), {"lstm_native.layers.restore_layer"}),
        (ln.StandardScaler(), {"lstm_native.data.StandardScaler"}),
        (ln.Adam(), {"lstm_native.optimizers.Adam"}),
    ],
)
def test_a_pickle_names_nothing_that_moves_with_the_layout_of_the_package(value, expected):
    """Public names alone: modules whose names begin with _ may go elsewhere in a later version."""
    strings: list[str] = []
    named = set()
    for opcode, argument, _ in pickletools.genops(pickle.dumps(value, protocol=4)):
        if opcode.name == "STACK_GLOBAL":
            named.add(".".join(strings[-2:]))
        if isinstance(argument, str):
            strings.append(argument)
    ours = {name for name in named if name.startswith("lstm_native")}
    assert expected <= ours
    assert not [name for name in ours if "._" in name]


def used_optimizer() -> Any:
    optimizer = ln.Adam(0.1)
    optimizer.update({"w": np.ones(2)}, {"w": np.array([1.0, -2.0])})
    return optimizer


def used_callback(callback: Any) -> Any:
    trained(callbacks=[callback])
    return callback


USED: dict[str, Any] = {
    "EMA": lambda: used_callback(ln.EMA(0.5)),
    "SWA": lambda: used_callback(ln.SWA()),
    "EarlyStopping": lambda: used_callback(ln.EarlyStopping(monitor="loss", patience=3)),
    "ReduceLROnPlateau": lambda: used_callback(ln.ReduceLROnPlateau(monitor="loss")),
    "LearningRateScheduler": lambda: used_callback(ln.LearningRateScheduler(SCHEDULES[0])),
    "CSVLogger": lambda: ln.CSVLogger("table.csv"),
    "ModelCheckpoint": lambda: ln.ModelCheckpoint("model.safetensors"),
    "optimizer": used_optimizer,
    **{f"schedule {i}": (lambda one=one: one) for i, one in enumerate(SCHEDULES)},
}


@pytest.mark.parametrize("name", USED)
def test_pickles_name_public_modules_alone(name):
    """Where a module stands inside the package may change; what a pickle names may not."""
    words = {str(word) for _, word, _ in pickletools.genops(pickle.dumps(USED[name]()))}
    modules = {word for word in words if word.startswith("lstm_native")}
    assert modules
    assert not any(part.startswith("_") for word in modules for part in word.split("."))


@pytest.mark.parametrize("kind", [ln.EMA, ln.SWA])
@pytest.mark.parametrize("how", [copy.deepcopy, by_pickle])
def test_means_of_weights_stay_when_they_are_copied(kind, how):
    mean = used_callback(kind())
    other = how(how(mean))
    assert other.count == mean.count > 0
    p.assert_same_weights(other.weights(), mean.weights())
    assert other.state_dict().keys() == mean.state_dict().keys()
    fresh = how(kind())
    assert fresh.count == 0
    model = trained(callbacks=[fresh])  # begins anew in a training
    assert fresh.count == mean.count
    other.copy_to(model)
    p.assert_same_weights(model.state_dict(), mean.weights())
    trained(callbacks=[other])
    assert other.count == mean.count


def test_optimisers_of_one_state_share_it_in_one_pickle():
    optimizer = used_optimizer()
    one, other = by_pickle((optimizer, optimizer.with_learning_rate(0.2)))
    weights = {"w": np.ones(2)}
    for each in (one, other):
        each.update(weights, {"w": np.ones(2)})
    wanted = {"w": np.ones(2)}
    for rate in (0.1, 0.2):
        optimizer.with_learning_rate(rate).update(wanted, {"w": np.ones(2)})
    p.assert_same_bits(weights["w"], wanted["w"])
