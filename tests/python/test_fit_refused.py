"""What is bound to fail is refused before the first batch: no weight and no file has changed."""

from __future__ import annotations

import numpy as np
import product as p
import pytest
from fit_helpers import SAMPLES, STEPS, Recorder, data, fit, make_model

import lstm_native as ln


def refused(error, told: str, *, model: ln.Sequential | None = None, **options) -> None:
    x, y = data()
    model = model or make_model()
    recorder = Recorder()
    model.predict(x)
    model.reset_states()
    before = model.state_dict()
    callbacks = [*options.pop("callbacks", ()), recorder]
    with pytest.raises(error, match=told):
        fit(model, x, y, callbacks=callbacks, **options)
    p.assert_same_weights(model.state_dict(), before)
    assert recorder.calls == []


@pytest.mark.parametrize("given", ["split", "data"])
def test_a_remainder_in_the_validation_part_of_a_stateful_model(given):
    """Keras 1853."""
    x, y = data(seed=9)
    options = {"shuffle": False, "batch_size": 4}
    if given == "split":  # 12 to train on, 8 to validate; and 15 and 5
        fit(make_model(stateful=True), *data(), validation_split=0.4, **options)
        told = "^validation_split=0.6: .* 12 samples do not divide into batches of 8"
        refused(
            ValueError,
            told,
            model=make_model(stateful=True),
            validation_split=0.6,
            shuffle=False,
            batch_size=8,
        )
    else:
        fit(make_model(stateful=True), *data(), validation_data=(x[:8], y[:8]), **options)
        refused(
            ValueError,
            "^validation_data: .* 10 samples do not divide into batches of 4",
            model=make_model(stateful=True),
            validation_data=(x[:10], y[:10]),
            **options,
        )


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: ln.EarlyStopping("val_loss"),
        lambda folder: ln.ReduceLROnPlateau("val_loss"),
        lambda folder: ln.ModelCheckpoint(folder / "m", save_best_only=True),
        lambda folder: ln.ModelCheckpoint(folder / "m-{val_loss:.3f}"),
    ],
)
def test_a_callback_that_needs_a_validation(tmp_path, make):
    """Lightning 374."""
    refused(ValueError, "give validation_data or validation_split", callbacks=[make(tmp_path)])
    fit(make_model(), *data(), validation_split=0.25, callbacks=[make(tmp_path)])


def test_a_table_with_other_columns(tmp_path):
    path = tmp_path / "log.csv"
    fit(make_model(), *data(), callbacks=ln.CSVLogger(path))
    before = path.read_text()
    told = "has the columns epoch, loss, but the logs are epoch, loss, mae"
    callbacks = [ln.CSVLogger(path, append=True)]
    refused(ValueError, told, callbacks=callbacks, metrics=["mae"])
    refused(ValueError, told, callbacks=[ln.CSVLogger(path)], metrics=["mae"], initial_epoch=1)
    # A refused training truncates no other's file.
    refused(ValueError, "monitor", callbacks=[ln.CSVLogger(path), ln.EarlyStopping()])
    assert path.read_text() == before


def test_files_and_folders_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    for callback in (
        ln.ModelCheckpoint(tmp_path / "file" / "m"),
        ln.ModelCheckpoint(tmp_path / "file" / "{epoch}" / "m"),
        ln.ModelCheckpoint(tmp_path),
        ln.CSVLogger(tmp_path / "file" / "log.csv"),
        ln.CSVLogger(tmp_path / "nowhere" / "log.csv"),
    ):
        refused(OSError, "file|nowhere|folder", callbacks=[callback])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"metrics": ["accuracy"]}, "metric 'accuracy' does not go with the loss 'mse'"),
        ({"metrics": ["mae", "mae"]}, "the name 'mae' is taken"),
        (
            {"validation_data": (np.ones((4, STEPS, 2)), np.ones((4, 1)))},
            "^validation_data: x: exp",
        ),
        (
            {"validation_data": (np.ones((4, STEPS, 3)), np.ones((4, 2)))},
            "^validation_data: y: exp",
        ),
        ({"validation_data": (np.ones((4, STEPS, 3)), np.ones((3, 1)))}, "^validation_data: x has"),
        ({"validation_data": (1, 2, 3, 4)}, "^validation_data must be .*got 4 values"),
        ({"validation_data": {"x": 1}}, "^validation_data must be .*got dict"),
        ({"validation_data": data(), "validation_split": 0.5}, "not both"),
        ({"validation_split": 0.01}, "leaves 20 to train on and 0 to validate"),
        ({"validation_lengths": [1]}, "validation_lengths needs validation_data"),
        ({"tbptt": 2}, "tbptt"),
        ({"optimizer": "no such"}, "no such"),
        ({"loss": "no such"}, "no such"),
    ],
)
def test_data_and_settings(options, told):
    refused(ValueError, told, **options)


def test_metrics_whose_names_meet_in_the_logs():
    def val_mae(true, pred):
        return 0.0

    def epoch(true, pred):
        return 0.0

    told = "metrics: the name 'val_mae' is taken"
    refused(ValueError, told, metrics=["mae", val_mae], validation_split=0.5)
    fit(make_model(), *data(), metrics=["mae", val_mae])
    refused(ValueError, "metrics: the name 'epoch' is taken", metrics=[epoch])


@pytest.mark.parametrize(("initial", "epochs", "wanted"), [(3, 3, 6), (50, 10, 60)])
def test_an_initial_epoch_that_leaves_nothing_to_train(initial, epochs, wanted):
    """epochs is the count at which training ends, not that of the epochs to come."""
    told = f"leaves nothing to train: epochs={epochs} .* for {epochs} more write epochs={wanted}"
    refused(ValueError, told, initial_epoch=initial, epochs=epochs)


def test_fit_within_fit():
    x, y = data()

    class Again(ln.Callback):
        def on_epoch_end(self, model, epoch, logs):
            model.fit(x, y, verbose=False)

    model = make_model()
    with pytest.raises(RuntimeError, match="fit is running on this model"):
        fit(model, x, y, callbacks=Again())
    fit(model, x, y)  # and then it is not running any more


def test_a_metric_cannot_write_into_the_data():
    x, y = data()

    def clearing(true, pred):
        true[:] = 0.0
        return 0.0

    for call in (
        lambda model: fit(model, x, y, metrics=clearing),
        lambda model: model.train_on_batch(x, y, metrics=clearing),
        lambda model: model.evaluate(x, y, metrics=clearing),
    ):
        with pytest.raises(ValueError, match="read-only"):
            call(make_model())
    assert y.any()
    assert len(y) == SAMPLES


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({"mask": np.arange(STEPS) < np.full((SAMPLES, 1), 3)}, "no mask: give validation_mask="),
        ({"lengths": np.full(SAMPLES, 3)}, "no lengths: give validation_lengths="),
    ],
)
def test_a_validation_whose_padding_is_not_told(told, wanted):
    """It would be run over the padding, in silence."""
    x, y = data()
    model = make_model()
    with pytest.raises(ValueError, match=f"validation_data has {wanted}"):
        fit(model, x, y, validation_data=(x, y), **told)
    assert model.history is None
    whole = np.ones((SAMPLES, STEPS), bool)
    fit(model, x, y, epochs=1, validation_data=(x, y), validation_mask=whole, **told)
    given = {f"validation_{name}": value for name, value in told.items()}
    fit(model, x, y, epochs=1, validation_data=(x, y), **told, **given)
    fit(model, x, y, epochs=1, validation_data=(list(x), y), **told)
    fit(model, x, y, epochs=1, validation_split=0.5, **told)
    fit(model, x, y, epochs=1, validation_data=(x, y), mask=np.arange(SAMPLES) > 3)


def test_several_inputs_or_outputs():
    x, y = data()
    told = "several inputs or outputs: a Sequential has one x and one y"
    for given in (([x, x], y), (x, [y, y]), ([x, x], [y, y])):
        with pytest.raises(ValueError, match=told):
            fit(make_model(), *given)
    # Sequences and their targets are lists too: what is wrong with them is said as ever.
    timed = make_model(return_sequences=True)
    with pytest.raises(ValueError, match=r"y\[1\]: "):
        fit(timed, [x[0], x[1]], [x[0, :, :1], x[1, :3, :1]])
    with pytest.raises(ValueError, match="y: expected one for each of the 2 sequences"):
        fit(make_model(), [x[0], x[1]], y[:3])


def test_a_set_of_targets_is_not_told_to_be_sorted():
    with pytest.raises(TypeError, match="y is a set, which has no order; expected an array of nu"):
        fit(make_model(), data()[0], {1.0, 2.0})
