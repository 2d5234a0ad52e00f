"""Stateful layers: a call goes on where the last one ended."""

from __future__ import annotations

import functools

import family
import numpy as np
import pytest

import lstm_native as ln

RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 9, 2))

LAYERS = {
    kind: functools.partial(getattr(ln, kind), 3, input_size=2, num_layers=1 + (kind == "LSTM"))
    for kind in family.KINDS
}


def tensors(state) -> list[np.ndarray]:
    return list(state) if type(state) is tuple else [state]


def equal(first, second) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(tensors(first), tensors(second), strict=True))


@pytest.fixture(params=LAYERS)
def pair(request) -> tuple[ln.Layer, ln.Layer]:
    """A layer that carries its state, and one with the same weights that does not."""
    make = LAYERS[request.param]
    return make(dtype="float64", seed=1, stateful=True), make(dtype="float64", seed=1)


class TestLayer:
    def test_calls_in_pieces_give_the_bits_of_the_whole(self, pair):
        stateful, plain = pair
        whole, final = plain(X)
        for _ in range(2):
            parts = [stateful(X[:, a:b])[0] for a, b in ((0, 4), (4, 5))]
            parts.append(stateful.forward(X[:, 5:])[0])
            assert np.array_equal(np.concatenate(parts, axis=1), whole)
            assert equal(stateful.state, final)
            stateful.reset_state()
            assert stateful.state is None

    def test_the_state_can_be_read_and_written(self, pair):
        stateful, plain = pair
        _, middle = plain(X[:, :4])
        wanted, final = plain(X[:, 4:], middle)
        stateful.state = middle
        read = stateful.state
        tensors(read)[0][:] = np.nan  # a copy
        assert np.array_equal(stateful(X[:, 4:])[0], wanted)
        _, returned = stateful(X[:, :4], middle)  # one that is given comes first
        tensors(returned)[0][:] = np.nan
        _, again = plain(X[:, :4], middle)
        assert equal(stateful.state, again)
        stateful.state = None
        assert np.array_equal(stateful(X)[0], plain(X)[0])
        assert not equal(final, again)

    def test_true_ends_are_where_the_next_call_begins(self, pair):
        stateful, plain = pair
        lengths = [4, 0, 2, 1]
        stateful(X[:, :4], lengths=lengths)
        for row, n in enumerate(lengths):
            _, wanted = plain(X[row : row + 1, : n or 1])
            for state, alone in zip(tensors(stateful.state), tensors(wanted), strict=True):
                assert np.array_equal(state[:, row], alone[:, 0] if n else 0 * alone[:, 0])

    def test_gradients_stop_at_the_border_of_a_call(self, pair):
        stateful, plain = pair
        _, middle = plain(X[:, :4])
        stateful(X[:, :4])
        dy = RNG.standard_normal((4, 5, 3))
        _, _, tape = stateful.forward(X[:, 4:])
        _, _, wanted = plain.forward(X[:, 4:], middle)
        for found, expected in zip(tape.backward(dy), wanted.backward(dy), strict=True):
            if isinstance(found, dict):
                assert all(np.array_equal(found[name], expected[name]) for name in found)
            else:
                assert equal(found, expected)

    def test_another_batch_size_is_refused_until_the_state_is_reset(self, pair):
        stateful, _ = pair
        stateful(X)
        for call in (stateful, stateful.forward):
            with pytest.raises(ValueError, match=r"expected 4 sequences, .*, got 2; reset"):
                call(X[:2])
        before = stateful.state
        with pytest.raises(ValueError, match="must be finite"):
            stateful(X * np.nan)
        assert equal(stateful.state, before)
        stateful.reset_state()
        stateful(X[:2])

    def test_what_is_not_stateful_has_no_state_to_read(self):
        for layer in (ln.LSTM(3), ln.Dense(2)):
            with pytest.raises(RuntimeError, match="stateful=True"):
                layer.state  # noqa: B018
            with pytest.raises(RuntimeError, match="stateful=True"):
                layer.state = None
            layer.reset_state()

    def test_states_of_another_shape_are_refused(self):
        layer = ln.LSTM(3, input_size=2, stateful=True)
        with pytest.raises(ValueError, match=r"state h: expected shape \(1, 2, 3\), got"):
            layer.state = (np.zeros((1, 2, 4)), np.zeros((1, 2, 3)))
        with pytest.raises(ValueError, match=r"\(h, c\)"):
            layer.state = np.zeros((1, 2, 3))
        assert layer.state is None


def make_model(*, stateful: bool = True) -> ln.Sequential:
    layers = [ln.LSTM(3, stateful=stateful), ln.Dense(2), ln.GRU(4, stateful=stateful), ln.Dense(1)]
    model = ln.Sequential(layers, dtype="float64", seed=2)
    model.predict(X)
    model.reset_states()
    return model


class TestModel:
    def test_predict_in_pieces_gives_the_bits_of_the_whole(self):
        stateful, plain = make_model(), make_model(stateful=False)
        whole = plain.predict(X)
        for size in (None, 4, 256):
            parts = [stateful.predict(X[:, a:b], batch_size=size) for a, b in ((0, 4), (4, 9))]
            assert np.array_equal(np.concatenate(parts, axis=1), whole)
            stateful.reset_states()

    @pytest.mark.parametrize("size", [1, 2, 4])
    def test_batches_of_predict_go_on_from_one_another(self, size):
        """Keras 3073: as evaluate has it, and as calls one after another."""
        model, evaluated, by_hand = make_model(), make_model(), make_model()
        y = X.sum(axis=2, keepdims=True)
        found = model.predict(X, batch_size=size)
        expected = [by_hand.predict(X[a : a + size]) for a in range(0, len(X), size)]
        assert np.array_equal(found, np.concatenate(expected))
        assert equal(model.states[0], by_hand.states[0])
        error = np.square(found - y).mean()
        assert evaluated.evaluate(X, y, batch_size=size)["loss"] == pytest.approx(error, rel=1e-12)
        model.reset_states()
        once = model.predict(X)
        assert np.array_equal(once, found) == (size == len(X))

    def test_batches_of_predict_have_lengths(self):
        model, by_hand = make_model(), make_model()
        lengths = np.array([2, 9, 0, 4])
        found = model.predict(X, batch_size=2, lengths=lengths)
        expected = [by_hand.predict(X[a : a + 2], lengths=lengths[a : a + 2]) for a in (0, 2)]
        assert np.array_equal(found, np.concatenate(expected))

    def test_without_a_size_all_samples_are_one_batch(self):
        """Also where there are more of them than a batch has by default."""
        x = np.repeat(X, 75, axis=0)
        y = x.sum(axis=2, keepdims=True)
        stateful, plain = make_model(), make_model(stateful=False)
        assert np.array_equal(stateful.predict(x), plain.predict(x))
        assert stateful.states[0][0].shape[1] == 300
        stateful.reset_states()
        expected = plain.evaluate(x, y, batch_size=300)
        assert stateful.evaluate(x, y) == expected

    def test_a_list_is_evaluated_in_its_order(self):
        """Batches of similar lengths would go on from the wrong sequences."""
        lists = [row[:n] for row, n in zip(X, (5, 2, 4, 1), strict=True)]
        padded = np.zeros((4, 5, X.shape[2]))
        for row, one in zip(padded, lists, strict=True):
            row[: len(one)] = one
        y, lengths = padded.sum(axis=2, keepdims=True), [5, 2, 4, 1]
        model, other = make_model(), make_model()
        targets = [row[:n] for row, n in zip(y, lengths, strict=True)]
        found = model.evaluate(lists, targets, batch_size=2)
        expected = other.evaluate(padded, y, batch_size=2, lengths=lengths)
        assert found["loss"] == pytest.approx(expected["loss"], rel=1e-12)
        assert equal(model.states[0], other.states[0])

    def test_what_fails_in_between_leaves_the_states(self):
        model = make_model()
        y = X.sum(axis=2, keepdims=True)
        model.predict(X[:2])
        before = model.states

        def failing(true, pred):
            if abs(true - y[2:]).max() == 0.0:  # in the second batch
                raise RuntimeError("of the metric")
            return 0.0

        with pytest.raises(RuntimeError, match="of the metric"):
            model.evaluate(X, y, batch_size=2, metrics=failing)
        assert equal(model.states[0], before[0])

    def test_the_states_can_be_read_and_written(self):
        model, other = make_model(), make_model()
        assert model.states == [None] * 4
        model.predict(X[:, :4])
        h, c = model.states[0]
        assert h.shape == c.shape == (1, 4, 3)
        assert model.states[2].shape == (1, 4, 4)
        assert model.states[1] is None
        other.states = model.states
        assert np.array_equal(other.predict(X[:, 4:]), model.predict(X[:, 4:]))
        before = other.states
        for wrong in ([None] * 3, [None, h, None, None], [(h[..., :2], c), None, None, None]):
            with pytest.raises(ValueError, match="state"):
                other.states = wrong
        assert equal(other.states[0], before[0])

    def test_a_layer_of_a_model_shares_its_state(self):
        model = make_model()
        model.predict(X)
        assert equal(model.layers[0].state, model.states[0])
        model.layers[0].reset_state()
        assert model.states[0] is None
        assert model.states[2] is not None

    def test_fit_goes_on_from_batch_to_batch(self):
        """Batches of two rows, each the next piece of the same two series."""
        pieces = np.concatenate([X[:2, a : a + 3] for a in (0, 3, 6)])
        targets = pieces.sum(axis=2, keepdims=True)
        options = {"loss": "mse", "optimizer": ln.SGD(0.1), "verbose": False, "seed": 0}
        together, one_by_one = make_model(), make_model()
        together.fit(pieces, targets, batch_size=2, shuffle=False, **options)
        for a in (0, 2, 4):
            one_by_one.fit(
                pieces[a : a + 2], targets[a : a + 2], batch_size=2, shuffle=False, **options
            )
        for name, value in together.state_dict().items():
            assert np.array_equal(value, one_by_one.state_dict()[name])
        assert equal(together.states[0], one_by_one.states[0])

    def test_validation_begins_at_zero_and_leaves_the_states_alone(self):
        model, alone = make_model(), make_model()
        y = X.sum(axis=2, keepdims=True)
        options = {"batch_size": 2, "shuffle": False, "verbose": False, "seed": 0}
        history = model.fit(X, y, validation_data=(X, y), **options)
        alone.fit(X, y, **options)
        assert equal(model.states[0], alone.states[0])
        alone.reset_states()
        assert history.history["val_loss"] == [alone.evaluate(X, y, batch_size=2)["loss"]]

    def test_states_can_be_reset_before_each_epoch(self):
        class Reset(ln.Callback):
            def on_epoch_begin(self, model, epoch):
                model.reset_states()

        y = X.sum(axis=2, keepdims=True)
        options = {"batch_size": 4, "shuffle": False, "verbose": False, "seed": 0, "epochs": 3}
        first, second = make_model(), make_model(stateful=False)
        kept = make_model().fit(X, y, **options)
        reset = first.fit(X, y, callbacks=Reset(), **options)
        assert reset.history == second.fit(X, y, **options).history
        assert kept.history != reset.history

    def test_what_does_not_fit_is_refused_before_anything_changes(self):
        model = make_model()
        y = X.sum(axis=2, keepdims=True)
        weights = model.state_dict()
        with pytest.raises(ValueError, match="shuffle=False"):
            model.fit(X, y, verbose=False)
        with pytest.raises(ValueError, match="4 samples do not divide into batches of 3"):
            model.fit(X, y, batch_size=3, shuffle=False, verbose=False)
        model.predict(X)
        with pytest.raises(ValueError, match="4 samples do not divide into batches of 3"):
            model.predict(X, batch_size=3)
        for call in (
            lambda: model.predict(X[:3]),
            lambda: model.predict(X, batch_size=2),
            lambda: model.evaluate(X, y, batch_size=2),
            lambda: model.fit(X, y, batch_size=2, shuffle=False, verbose=False),
        ):
            with pytest.raises(ValueError, match=r"states of 4 sequences, .*reset_states\(\)"):
                call()
        for name, value in model.state_dict().items():
            assert np.array_equal(value, weights[name])
        with pytest.raises(ValueError, match="as an array, not as a list"):
            model.predict(list(X))

    def test_a_container_refuses_stateful_layers(self):
        with pytest.raises(ValueError, match="stateful has no effect in a Residual"):
            ln.Residual([ln.LSTM(2, stateful=True)])

    def test_a_file_keeps_the_option_and_not_the_state(self, tmp_path):
        model = make_model()
        model.predict(X)
        model.save(tmp_path / "model.ln")
        loaded = ln.load_model(tmp_path / "model.ln")
        assert [layer.stateful for layer in loaded.layers] == [True, False, True, False]
        assert loaded.states == [None] * 4
        loaded.predict(X[:, :4])
        assert loaded.states[0] is not None
