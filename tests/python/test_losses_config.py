"""Losses by name and as objects."""

import dataclasses
import json

import pytest

from lstm_native import losses

ALL = [losses.parse(name) for name in losses.NAMES]


@pytest.mark.parametrize(
    "loss",
    [
        *ALL,
        losses.Huber(0.25),
        losses.BinaryCrossentropy(from_logits=False, label_smoothing=0.1),
        losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1, ignore_index=-100),
        losses.BinaryFocal(1.0, alpha=0.25),
        losses.Quantile([0.25, 0.75]),
        losses.Gaussian("exp", minimum_scale=0.5),
        losses.GaussianMixture2D(pen=False, link="softplus"),
        losses.CTC(blank=3, zero_infinity=True, per_label=True),
    ],
)
def test_json_goes_there_and_back(loss):
    assert losses.Loss.from_json(loss.to_json()) == loss


def test_json_is_what_model_files_hold():
    for name in ("mse", "binary_crossentropy", "categorical_crossentropy"):
        assert json.loads(losses.parse(name).to_json()) == {"type": name}
    assert json.loads(losses.Huber(2).to_json()) == {"type": "huber", "delta": 2.0}
    assert losses.Loss.from_json('{"type": "huber"}') == losses.Huber(1.0)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("mse", "mse"),
        ("MSE", "mse"),
        ("mean_squared_error", "mse"),
        ("MeanSquaredError", "mse"),
        ("mean_absolute_error", "mae"),
        ("huber_loss", "huber"),
        ("Huber", "huber"),
        ("bce", "binary_crossentropy"),
        ("BinaryCrossentropy", "binary_crossentropy"),
        ("sparse_categorical_crossentropy", "categorical_crossentropy"),
        ("CategoricalCrossentropy", "categorical_crossentropy"),
        ("CrossEntropyLoss", "categorical_crossentropy"),
        ("cross_entropy", "categorical_crossentropy"),
        ("MSELoss", "mse"),
        ("L1Loss", "mae"),
    ],
)
def test_names_as_keras_users_type_them(typed, name):
    assert losses.parse(typed).name == name


def test_what_targets_and_outputs_are():
    classes = ["categorical_crossentropy", "categorical_focal"]
    assert [loss.name for loss in ALL if loss.takes_labels] == [*classes, "ctc"]
    assert [loss.name for loss in ALL if loss.takes_logits] == [
        "binary_crossentropy",
        "categorical_crossentropy",
        "binary_focal",
        "categorical_focal",
    ]
    assert [loss.name for loss in ALL if loss.takes_sequences] == ["ctc"]
    assert [loss.name for loss in ALL if not loss.takes_targets] == ["unit_gaussian_kl"]


def test_a_function_is_a_loss_and_one_of_another_library_is_told_what_to_write():
    def own(y_true, y_pred):
        return 0.0, y_pred

    assert losses.parse(own) == losses.FunctionLoss(own)
    own.__module__ = "keras.losses"
    with pytest.raises(TypeError, match="a loss of one's own is a Python function"):
        losses.parse(own)


def test_an_object_is_its_own_loss():
    loss = losses.Huber(0.5)
    assert losses.parse(loss) is loss


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="unknown loss 'mze'") as info:
        losses.parse("mze")
    assert all(name in str(info.value) for name in losses.NAMES)


@pytest.mark.parametrize("bad", [None, 3, losses.Huber, losses.Loss(), abs])
def test_other_objects_are_no_losses(bad):
    with pytest.raises(TypeError, match="loss must be a name"):
        losses.parse(bad)


def test_a_class_for_an_object_is_told_what_to_write():
    with pytest.raises(TypeError, match=r"; write Huber\(\)$"):
        losses.parse(losses.Huber)


@pytest.mark.parametrize(
    ("delta", "error"),
    [(0, ValueError), (-1.0, ValueError), (float("nan"), ValueError), ("1", TypeError)],
)
def test_delta_is_checked(delta, error):
    with pytest.raises(error, match=f"delta must be .*{delta}"):
        losses.Huber(delta)


def test_a_field_of_another_loss_is_refused():
    with pytest.raises(ValueError, match="'mse' has 'type', got also 'delta'"):
        losses.Loss.from_json('{"type": "mse", "delta": 1.0}')


def test_losses_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        losses.Huber().delta = 2.0
