"""What people type who come from Keras or PyTorch: the message says what is written here."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest

import lstm_native as ln


def model() -> ln.Sequential:
    return ln.Sequential([ln.LSTM(4, input_size=2), ln.Dense(1)])


def foreign(name: str) -> type:
    """A class of this name in another library."""
    return type(name, (), {"__call__": lambda self: None})


X = np.zeros((2, 3, 2), dtype="float32")
Y = np.zeros((2, 3, 1), dtype="float32")

# what is typed -> (error, what it must say)
TYPED = {
    "ln.LSTM(10, 20)": (TypeError, "LSTM(20, input_size=10)"),
    "ln.LSTM(10, 20, 2)": (TypeError, "LSTM(20, input_size=10, num_layers=2)"),
    "ln.LSTM(10, hidden_size=20)": (TypeError, "LSTM(20, input_size=10)"),
    "ln.GRU(10, 20)": (TypeError, "GRU(20, input_size=10)"),
    "ln.MinGRU(10, 20)": (TypeError, "MinGRU(20, input_size=10)"),
    "ln.LSTM(input_size=10)": (TypeError, "write LSTM(64, input_size=10)"),
    "ln.LSTM(units=64)": (TypeError, "write LSTM(64)"),
    "ln.LSTM(64, batch_first=True)": (TypeError, "always (N, T, F)"),
    "ln.LSTM(64, activation='relu')": (TypeError, "cell_activation='relu'"),
    "ln.GRU(64, activation='relu')": (TypeError, "candidate_activation='relu'"),
    "ln.LSTM(64, recurrent_activation='sigmoid')": (TypeError, "gate_activation='sigmoid'"),
    "ln.RNN(64, nonlinearity='relu')": (TypeError, "activation='relu'"),
    "ln.LSTM(64, use_bias=False)": (TypeError, "write bias=False"),
    "ln.LSTM(64, input_shape=(10, 3))": (TypeError, "input_size=3"),
    "ln.LSTM(64, input_dim=3)": (TypeError, "input_size=3"),
    "ln.LSTM(64, return_state=True)": (TypeError, "y, state = layer(x)"),
    "ln.LSTM(64, go_backwards=True)": (TypeError, "reverse=True"),
    "ln.LSTM(64, unit_forget_bias=True)": (TypeError, "forget_bias=1.0"),
    "ln.LSTM(64, unit_forget_bias=False)": (TypeError, "forget_bias=0.0"),
    "ln.LSTM(64, kernel_initializer='zeros')": (TypeError, "load_state_dict"),
    "ln.LSTM(64, kernel_regularizer='l2')": (TypeError, "weight_decay"),
    "ln.LSTM(64, trainable=False)": (TypeError, "freezing"),
    "ln.LSTM(64, device='cuda')": (TypeError, "CPU"),
    "ln.LSTM(64, num_layer=2)": (TypeError, "did you mean 'num_layers'"),
    "ln.LSTM(units=64, input_shape=(5, 2))": (TypeError, "units: write LSTM(64)"),
    "ln.Dense(10, 5)": (TypeError, "Dense(5, input_size=10)"),
    "ln.Dense(10, 'relu')": (TypeError, "Dense(10, activation='relu')"),
    "ln.Dense(out_features=5)": (TypeError, "write Dense(5)"),
    "ln.Dense(in_features=3, out_features=5)": (TypeError, "input_size=3"),
    "ln.Dense(5, bias=False)": (TypeError, "use_bias=False"),
    "ln.Embedding(input_dim=10, output_dim=4)": (TypeError, "vocabulary=10"),
    "ln.Embedding(num_embeddings=10, embedding_dim=4)": (TypeError, "features=4"),
    "ln.Embedding(10, 4, mask_zero=True)": (TypeError, "lengths="),
    "ln.Embedding(10, 4, padding_idx=0)": (TypeError, "lengths="),
    "ln.Dropout(p=0.5)": (TypeError, "Dropout(0.5)"),
    "ln.LayerNorm(64)": (TypeError, "LayerNorm()"),
    "ln.LayerNorm(eps=1e-3)": (TypeError, "epsilon=0.001"),
    "ln.Adam(lr=0.1)": (TypeError, "learning_rate=0.1"),
    "ln.Adam(betas=(0.8, 0.9))": (TypeError, "beta1=0.8, beta2=0.9"),
    "ln.Adam(eps=1e-3)": (TypeError, "epsilon=0.001"),
    "ln.Adam(0.1, beta_1=0.8)": (TypeError, "beta1=0.8"),
    "ln.Adam(0.1, clipnorm=1.0)": (TypeError, "clip_norm=1.0"),
    "ln.RMSprop(0.1, alpha=0.9)": (TypeError, "rho=0.9"),
    "ln.SGD([X], 0.1)": (TypeError, "optimizer.update(layer, grads)"),
    "ln.SGD([X], lr=0.1)": (TypeError, "optimizer.update(layer, grads)"),
    "ln.SGD([X])": (TypeError, "optimizer.update(layer, grads)"),
    "ln.SGD(params=[X])": (TypeError, "optimizer.update(layer, grads)"),
    "ln.Adam(0.1, 0.9)": (TypeError, "given by name"),
    "ln.Sequential(ln.LSTM(4), ln.Dense(1))": (TypeError, "Sequential([layer1, layer2])"),
    "ln.Sequential(ln.LSTM(4))": (TypeError, "Sequential([LSTM(hidden_size=4)])"),
    "ln.Sequential()": (TypeError, "there is no add"),
    "ln.Sequential([ln.LSTM(4)]).add(ln.Dense(1))": (AttributeError, "given at once"),
    "ln.ModelCheckpoint(filepath='m')": (TypeError, "path='m'"),
    "ln.EarlyStopping('loss', verbose=1)": (TypeError, "leave it out"),
    "model().compile(loss='mse')": (AttributeError, "fit(x, y, loss='mse'"),
    "model().fit(X, Y, learning_rate=0.1)": (TypeError, "optimizer=ln.Adam(0.1)"),
    "model().fit(X, Y, 32, 10)": (TypeError, "batch_size=..., epochs=..."),
    "model().evaluate(X, Y, verbose=0)": (TypeError, "leave it out"),
    "model().evaluate(X, Y, return_dict=True)": (TypeError, "a dict is returned always"),
    "model().evaluate(X, Y, 32)": (TypeError, "write evaluate(x, y, batch_size=...)"),
    "model().predict(X, verbose=0)": (
        TypeError,
        "Sequential.predict() got an unexpected keyword argument 'verbose'; verbose: predict shows "
        "nothing: leave it out",
    ),
    "model().predict(X, 32)": (TypeError, "write predict(x, batch_size=...)"),
    "model().predict(X, initial_state=X)": (TypeError, "set model.states"),
    "model().predict(X, batchsize=3)": (TypeError, "did you mean 'batch_size'?"),
    "model().predict(X, zzz=3)": (TypeError, "predict() got an unexpected keyword argument 'zzz'"),
    "model().train_on_batch(X)": (TypeError, "y is missing: write train_on_batch(x, y)"),
    "model().train_on_batch((X, Y))": (TypeError, "write train_on_batch(*batch)"),
    "model().train_on_batch(X, Y, epochs=2)": (
        TypeError,
        "Sequential.train_on_batch() got an unexpected keyword argument 'epochs'; epochs: it is",
    ),
    "model().train_on_batch(X, Y, zzz=2)": (TypeError, "Sequential.train_on_batch() got"),
    "model().train_on_batch(X, Y, Y)": (TypeError, "train_on_batch(x, y, sample_weight=...)"),
    "model().test_on_batch(X, None)": (TypeError, "y is missing: write test_on_batch(x, y)"),
    "model().test_on_batch(X, Y, return_dict=True)": (TypeError, "returned always"),
    "model().predict_on_batch(X, verbose=0)": (TypeError, "Sequential.predict_on_batch() got"),
    "model()(X)": (TypeError, "write model.predict(x)"),
    "model().forward(X)": (AttributeError, "write model.predict(x)"),
    "model().train()": (AttributeError, "no modes"),
    "model().eval()": (AttributeError, "no modes"),
    "model().parameters()": (AttributeError, "state_dict()"),
    "model().weights": (AttributeError, "state_dict()"),
    "model().get_weights()": (AttributeError, "state_dict()"),
    "model().set_weights([])": (AttributeError, "load_state_dict"),
    "model().zero_grad()": (AttributeError, "optimizer.update"),
    "model().to('cuda')": (AttributeError, "CPU"),
    "model().count_params()": (AttributeError, "parameter_count"),
    "model().reset_state()": (AttributeError, "model.reset_states()"),
    "ln.LSTM(4).weight": (AttributeError, "state_dict()"),
    "ln.LSTM(4).reset_states()": (AttributeError, "reset_state()"),
    "ln.LSTM(4).cuda()": (AttributeError, "CPU"),
    "ln.Adam().step()": (AttributeError, "optimizer.update(layer, grads)"),
    "ln.Adam().zero_grad()": (AttributeError, "leave it out"),
    "model().predict_proba(X)": (AttributeError, "probabilities=True"),
    "model()[0]": (TypeError, "write model.layers[0]"),
    "model().to_onnx('m.onnx')": (AttributeError, "not there yet"),
    "model().export('m')": (AttributeError, "not there yet"),
    "setattr(model(), 'states', 3)": (TypeError, "states: expected a list, one state or None"),
    "setattr(ln.Adam(), 'lr', 0.1)": (AttributeError, "write model.learning_rate = 0.1"),
    "setattr(ln.LSTM(4), 'units', 5)": (AttributeError, "it is hidden_size"),
    "ln.LSTM(4).weight_ih_l0": (AttributeError, "state_dict()"),
    "ln.LSTM(4).flatten_parameters()": (AttributeError, "nothing to do"),
    "ln.StandardScaler().fit_transform(X)": (AttributeError, "scaler.fit(x).transform(x)"),
    "ln.History()['loss']": (TypeError, "write history.history['loss']"),
    "ln.EarlyStopping('loss', start_from_epoch=5)": (TypeError, "not there yet"),
    "ln.TimeDistributed(ln.Dense(1))": (AttributeError, "write Dense(units)"),
    "ln.GlobalMaxPooling1D()": (AttributeError, "write MaxPool()"),
    "ln.Linear(4, 2)": (AttributeError, "write Dense(units, input_size=...)"),
    "ln.pad_sequences([X])": (AttributeError, "lengths="),
    "ln.load('m')": (AttributeError, "write load_model(path)"),
    "ln.save(model(), 'm')": (AttributeError, "write model.save(path)"),
    "ln.CrossEntropyLoss()": (AttributeError, "loss='categorical_crossentropy'"),
    "ln.Conv2D(3, 2)": (AttributeError, "it is not there yet"),
    "ln.BatchNormalization()": (AttributeError, "write BatchNorm()"),
    "ln.SimpleRNN(3)": (AttributeError, "write RNN(64)"),
    "ln.nn.LSTM(3)": (AttributeError, "ln.LSTM(64)"),
    "ln.Tensor(X)": (AttributeError, "np.asarray(x, dtype='float32')"),
    "ln.optim.Adam()": (AttributeError, "ln.Adam(1e-3)"),
    "ln.LTSM(3)": (AttributeError, "did you mean 'LSTM'?"),
    "model().fit(X, Y, optimizer=ln.Adam)": (TypeError, "write Adam()"),
    "model().fit(X, Y, optimizer=foreign('Adam')())": (TypeError, "write ln.Adam(...)"),
    "model().fit(X, Y, optimizer=foreign('RMSprop'))": (TypeError, "write ln.RMSprop(...)"),
    "model().fit(X, Y, optimizer='adamm')": (ValueError, "did you mean 'adam'?"),
    "model().fit(X, Y, loss='smooth_l1')": (ValueError, "write 'huber'"),
    "model().fit(X, Y, loss='SmoothL1Loss')": (ValueError, "write 'huber'"),
    "model().fit(X, Y, loss='BCEWithLogitsLoss')": (ValueError, "write 'binary_crossentropy'"),
    "model().fit(X, Y, loss='nll_loss')": (ValueError, "write 'categorical_crossentropy' after"),
    "model().fit(X, Y, loss='hubber')": (ValueError, "did you mean 'huber'?"),
    "model().fit(X, Y, loss=foreign('CrossEntropyLoss')())": (
        TypeError,
        "write loss='categorical_crossentropy'",
    ),
    "model().fit(X, Y, loss=foreign('MSELoss'))": (TypeError, "write loss='mse'"),
    "model().fit(X, Y, loss=foreign('NLLLoss')())": (TypeError, "after a linear layer"),
    "model().fit(X, Y, loss=lambda y, p: 0.0)": (TypeError, "to return (value, gradient), got 0.0"),
    "model().fit(X, Y, loss=ln.Huber)": (TypeError, "write Huber()"),
    "model().fit(X, Y, metrics=['r2'])": (ValueError, "or a function (y_true, y_pred) -> float"),
    "model().fit(X, Y, metrics=['auc'])": (ValueError, "known are accuracy, mse, mae, rmse, mape"),
    "model().fit(X, Y, callbacks=[foreign('EarlyStopping')()])": (
        TypeError,
        "write ln.EarlyStopping(...)",
    ),
    "model().fit(X, Y, callbacks=[foreign('Callback')()])": (TypeError, "derive it from ln.Callb"),
    "model().fit(X, Y, callbacks=[ln.cosine_decay(0.1, epochs=5)])": (
        TypeError,
        "goes into LearningRateScheduler(...)",
    ),
    "model().fit(X, Y, callbacks=ln.cosine_decay(0.1, epochs=5))": (
        TypeError,
        "goes into LearningRateScheduler(...)",
    ),
    "ln.LearningRateScheduler(lambda e: 1e-3)": (
        TypeError,
        "schedule is called with (epoch, learning_rate), but it takes (e); write lambda epoch, le",
    ),
    "ln.EarlyStopping('vall_loss')": (ValueError, "did you mean 'val_loss'?"),
    "ln.EarlyStopping('los', mode='min').check_logs(['loss'], 0)": (ValueError, "mean 'loss'?"),
}


@pytest.mark.parametrize("typed", TYPED)
def test_the_message_says_what_is_written_here(typed):
    error, told = TYPED[typed]
    with pytest.raises(error, match=re.escape(told)):
        eval(typed)


@pytest.mark.parametrize(
    "written",
    [
        "ln.LSTM(20, input_size=10, num_layers=2)",
        "ln.LSTM(4, cell_activation='relu', output_activation='relu')",
        "ln.LSTM(4, gate_activation='sigmoid', reverse=True, forget_bias=0.0)",
        "ln.GRU(4, candidate_activation='relu')",
        "ln.RNN(4, activation='relu')",
        "ln.Dense(5, input_size=10, activation='relu', use_bias=False)",
        "ln.Embedding(vocabulary=10, features=4)",
        "ln.LayerNorm(epsilon=0.001)",
        "ln.Adam(learning_rate=0.1, beta1=0.8, beta2=0.9, epsilon=0.001, clip_norm=1.0)",
        "ln.RMSprop(0.1, rho=0.9)",
        "ln.AdamW(weight_decay=0.1)",
        "model().predict(X).argmax(axis=-1)",
        "model().fit(X, Y, optimizer=ln.Adam(0.1), metrics=['mae'], verbose=False)",
    ],
)
def test_what_the_messages_say_works(written):
    assert eval(written) is not None


def test_signatures_are_as_before():
    """The help of editors reads them."""
    assert str(inspect.signature(ln.Dropout)).startswith("(rate: 'float', *, dtype")
    assert "hidden_size" in inspect.signature(ln.LSTM).parameters
    assert next(iter(inspect.signature(ln.SGD).parameters)) == "learning_rate"
    assert "epochs" in inspect.signature(ln.Sequential.fit).parameters
    assert ln.LSTM.__init__.__name__ == "__init__"


def test_errors_inside_a_constructor_are_left_alone():
    with pytest.raises(TypeError, match=r"^hidden_size must be an integer, got '64' \(str\)$"):
        ln.LSTM("64")

    class Broken(ln.LSTM):
        def __init__(self) -> None:
            super().__init__(4)
            len(3)

    with pytest.raises(TypeError, match=r"^object of type 'int' has no len"):
        Broken()

    class Mine(ln.LSTM):
        def __init__(self, size: int) -> None:
            super().__init__(units=size)

    with pytest.raises(TypeError, match=re.escape("write Mine(3)")):
        Mine(3)


def test_what_predict_takes_to_refuse_it_is_not_shown():
    shown = inspect.signature(ln.Sequential.predict).parameters
    assert [*shown][:3] == ["self", "x", "batch_size"]
    assert all(one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY) for one in shown.values())
