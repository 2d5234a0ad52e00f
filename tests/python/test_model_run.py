"""Models of graphs: run, given as arrays, lists and dicts, with lengths, masks and sequences."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from graph_helpers import (
    LOSSES,
    VOCABULARY,
    F,
    H,
    N,
    T,
    data_of_two,
    fit_two,
    same_bits,
    two_by_two,
)

import lstm_native as ln


def row_and_graph(dtype: str = "float32") -> tuple[ln.Sequential, ln.Model]:
    """The same network as layers in a row and as a graph, with the same weights."""
    row = ln.Sequential(
        [ln.LSTM(H, input_size=F), ln.Dropout(0.3), ln.GRU(H), ln.Dense(2)], dtype=dtype, seed=0
    )
    x = ln.Input(features=F)
    y = ln.Dropout(0.3, name="1")(ln.LSTM(H, name="0")(x)[0])
    graph = ln.Model(x, ln.Dense(2, name="3")(ln.GRU(H, name="2")(y)[0]), dtype=dtype)
    graph.load_state_dict(row.state_dict())
    return row, graph


@pytest.fixture
def arrays():
    rng = np.random.default_rng(1)
    return rng.normal(size=(N, T, F)).astype("float32"), rng.normal(size=(N, T, 2))


LENGTHS = [5, 3, 0, 1, 5, 4]


def test_a_row_written_as_a_graph_predicts_the_same_bits(arrays):
    row, graph = row_and_graph()
    x, _ = arrays
    assert same_bits(graph.predict(x), row.predict(x))
    assert same_bits(graph.predict(x, batch_size=4), row.predict(x))
    assert same_bits(graph.predict(x, lengths=LENGTHS), row.predict(x, lengths=LENGTHS))
    mask = np.arange(T) % 2 == 0
    mask = np.broadcast_to(mask, (N, T))
    assert same_bits(graph.predict(x, mask=mask), row.predict(x, mask=mask))
    parts = [one[:end] for one, end in zip(x, LENGTHS, strict=True)]
    assert same_bits(graph.predict(parts), row.predict(parts))


@pytest.mark.parametrize("options", [{}, {"lengths": LENGTHS}, {"tbptt": 2}, {"accumulate": 2}])
def test_a_row_written_as_a_graph_learns_the_same_bits(arrays, options):
    row, graph = row_and_graph()
    x, y = arrays
    given = {"epochs": 2, "batch_size": 3, "seed": 4, "verbose": 0, "loss": "mae"} | options
    histories = [model.fit(x, y, **given).history for model in (row, graph)]
    assert histories[0] == histories[1]
    assert same_bits(list(row.state_dict().values()), list(graph.state_dict().values()))


def test_lists_dicts_and_arrays():
    model = two_by_two()
    (x, t), _ = data_of_two()
    found = model.predict([x, t])
    assert isinstance(found, list)
    assert [one.shape for one in found] == [(N, T, 2), (N, 3)]
    assert same_bits(model.predict({"t": t, "x": x}), found)
    assert same_bits(model.predict((x, t)), found)
    assert same_bits(model.predict([x, t], batch_size=2), found)
    assert same_bits(model.predict_on_batch([x, t]), found)


def test_outputs_have_the_form_they_were_given_in(tmp_path):
    x = ln.Input(features=F)
    y, _ = ln.GRU(H, return_sequences=False)(x)
    given = np.ones((2, 3, F), "float32")
    for outputs, kind in ((y, np.ndarray), ([y], list), ({"z": y}, dict)):
        model = ln.Model(x, outputs)
        model.save(tmp_path / "m")
        for same in (model, ln.load_model(tmp_path / "m"), copy.deepcopy(model)):
            assert type(same.predict(given)) is kind
            assert type(same.predict([np.ones((2, F), "float32")] * 2)) is kind
    assert list(ln.Model(x, {"z": y}).predict({"input": given})) == ["z"]


def test_no_samples():
    found = two_by_two().predict([np.zeros((0, T, F)), np.zeros((0, T), int)])
    assert [one.shape for one in found] == [(0, T, 2), (0, 3)]


def test_each_input_has_its_own_lengths():
    model = two_by_two()
    (x, t), _ = data_of_two()
    ends = np.array([6, 1, 2, 3, 4, 6])
    spoilt = x.copy()
    spoilt[1, 3:] = np.nan
    found = model.predict([spoilt, t], lengths=[LENGTHS, ends])
    assert not found[0][1, 3:].any()
    for n in (0, 1, 3):
        alone = model.predict([x[n : n + 1, : LENGTHS[n]], t[n : n + 1, : ends[n]]])
        assert same_bits(found[0][n : n + 1, : LENGTHS[n]], alone[0])
        assert same_bits(found[1][n : n + 1], alone[1])
    parts = [[one[:end] for one, end in zip(x, LENGTHS, strict=True)], t]
    in_lists = model.predict(parts, lengths={"t": ends})
    assert [len(one) for one in in_lists[0]] == LENGTHS
    assert same_bits(in_lists[1], found[1])


def test_lengths_of_outputs_follow_from_strides():
    x = ln.Input(features=F)
    y = ln.Dense(2)(ln.Conv1D(4, 3, stride=2)(x))
    model = ln.Model(x, y, seed=0)
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=(n, F)).astype("float32") for n in (9, 3, 6)]
    found = model.predict(parts)
    assert [len(one) for one in found] == [4, 1, 2]
    targets = [np.ones((len(one), 2)) for one in found]
    assert model.fit(parts, targets, verbose=0, seed=0).history["loss"][0] > 0
    with pytest.raises(ValueError, match=r"y\[0\]: expected 4 steps"):
        model.evaluate(parts, [np.ones((9, 2))] * 3)


def test_rows_do_not_depend_on_batch_and_threads():
    model = two_by_two()
    (x, t), _ = data_of_two()
    whole = model.predict([x, t])
    before = ln.get_num_threads()
    try:
        for threads in (1, 3):
            ln.set_num_threads(threads)
            for n in range(N):
                alone = model.predict([x[n : n + 1], t[n : n + 1]])
                assert same_bits(alone, [one[n : n + 1] for one in whole])
    finally:
        ln.set_num_threads(before)


def test_files_bytes_and_copies_give_the_same_bits(tmp_path):
    model = two_by_two()
    fit_two(model)
    model.metadata = {"a": "b"}
    model.save(tmp_path / "m.safetensors")
    x, _ = data_of_two()
    wanted = model.predict(x)
    for other in (
        ln.load_model(tmp_path / "m.safetensors"),
        ln.load_model(model.to_bytes()),
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
    ):
        assert isinstance(other, ln.Model)
        assert same_bits(other.predict(x), wanted)
        assert list(other.state_dict()) == list(model.state_dict())
        assert other.metadata == {"a": "b"}
        assert other.loss == model.loss
        assert other.summary() == model.summary()
        # They go on alike.
        again = copy.deepcopy(model)
        assert fit_two(other, loss=None).history == fit_two(again, loss=None).history
        assert same_bits(other.state_dict(), again.state_dict())


def test_stateful_layers_carry_their_states():
    x = ln.Input(features=F)
    y, _ = ln.LSTM(H, stateful=True)(x)
    model = ln.Model(x, y, seed=0)
    given = np.random.default_rng(0).normal(size=(2, 6, F)).astype("float32")
    whole = model.predict(given)
    model.reset_states()
    parts = [model.predict(given[:, :2]), model.predict(given[:, 2:])]
    assert same_bits(np.concatenate(parts, axis=1), whole)
    assert model.states[0][0].shape == (1, 2, H)


def test_batches_of_a_generator():
    model = two_by_two()
    (x, t), y = data_of_two()
    batches = [([x[:4], t[:4]], [one[:4] for one in y]), ([x[4:], t[4:]], [one[4:] for one in y])]
    found = model.predict(lambda: (list(one) for one, _ in batches))
    assert same_bits(found, model.predict([x, t]))
    other = copy.deepcopy(model)
    options = {"loss": ["mse", "categorical_crossentropy"], "seed": 0, "verbose": 0}
    named = [{"x": {"x": a, "t": b}, "y": {"value": c, "kind": d}} for ([a, b], [c, d]) in batches]
    first = model.fit(lambda: batches, **options)
    second = other.fit(lambda: named, **options)
    third = two_by_two().fit([x, t], y, batch_size=4, shuffle=False, **options)
    assert first.history == second.history == third.history


REFUSED_X = {
    "an array for two": (lambda x, t: x, TypeError, "a list of 2, one for each input"),
    "three": (lambda x, t: [x, t, t], ValueError, "a list of 2.*got 3"),
    "a name that is missing": (lambda x, t: {"x": x}, ValueError, "no entry for 't'"),
    "a name too many": (lambda x, t: {"x": x, "t": t, "u": t}, ValueError, "unknown 'u'"),
    "other samples": (lambda x, t: [x, t[:3]], ValueError, "input 't': expected 6 samples.*got 3"),
    "other features": (lambda x, t: [x[..., :2], t], ValueError, "input 'x'.*2"),
    "tokens out of range": (lambda x, t: [x, t + 5], ValueError, "input 't'"),
    "floats as tokens": (lambda x, t: [x, t + 0.5], TypeError, "input 't'"),
    "NaN": (lambda x, t: [x * np.nan, t], ValueError, "input 'x'"),
}


@pytest.mark.parametrize("case", REFUSED_X, ids=str)
def test_inputs_that_do_not_fit_are_refused_with_their_name(case):
    change, error, told = REFUSED_X[case]
    (x, t), _ = data_of_two()
    with pytest.raises(error, match=told):
        two_by_two().predict(change(x, t))


def test_lengths_that_disagree_are_refused_with_the_nodes_name():
    a, b = ln.Input(features=F, name="a"), ln.Input(features=F, name="b")
    model = ln.Model([a, b], ln.Add(name="both")([a, b]))
    x = np.ones((2, 4, F), "float32")
    with pytest.raises(ValueError, match=r"both.*lengths"):
        model.predict([x, x], lengths=[[1, 2], [2, 2]])
    with pytest.raises(ValueError, match="both"):
        model.predict([x, x[:, :2]])
    with pytest.raises(ValueError, match=r"lengths.*unknown 'c'"):
        model.predict([x, x], lengths={"c": [1, 2]})


def test_a_mask_with_holes_is_for_all_inputs():
    a, b = ln.Input(features=F, name="a"), ln.Input(features=F, name="b")
    model = ln.Model([a, b], ln.LSTM(H)(ln.concat([a, b]))[0], seed=0)
    x = np.random.default_rng(0).normal(size=(2, 4, F)).astype("float32")
    mask = np.array([[True, False, True, True], [False, True, True, False]])
    found = model.predict([x, x], mask=[mask, mask])
    kept = np.stack([x[0, [0, 2, 3]], np.concatenate([x[1, [1, 2]], np.zeros((1, F))])])
    wanted = model.predict([kept, kept], lengths=[[3, 2], [3, 2]])
    assert same_bits(found[0, [0, 2, 3]], wanted[0])
    assert same_bits(found[1, [1, 2]], wanted[1, :2])
    assert not found[~mask].any()
    with pytest.raises(ValueError, match="must have alike"):
        model.predict([x, x], mask=[mask, None])


def test_a_model_is_not_called():
    with pytest.raises(TypeError, match=r"a Model is not called: write model.predict"):
        two_by_two()(np.ones(3))


def test_vocabulary_is_that_of_the_input():
    t = ln.Input(tokens=4, name="few")
    model = ln.Model(t, ln.Embedding(VOCABULARY, 2)(t))
    with pytest.raises(ValueError, match=r"\[0, 4\)"):
        model.predict(np.array([[5]]))


@pytest.mark.parametrize("lists", [False, True])
def test_batches_of_predict_are_the_x_of_those_of_fit(lists):
    """By name, in a list, in a tuple; alone, or with targets."""
    model = two_by_two()
    (values, tokens), y = data_of_two()
    if lists:  # as many sequences as there are inputs: no pair of inputs
        values, tokens = [values[0], values[1, :3]], [tokens[0], tokens[1, :2]]
        y = [[y[0][0], y[0][1, :3]], y[1][:2]]
    forms = [{"x": values, "t": tokens}, [values, tokens], (values, tokens)]
    wanted = model.predict(forms[1])
    for x in forms:
        if not lists or not isinstance(x, tuple):
            assert same_bits(model.predict(iter([x])), wanted)
        assert same_bits(model.predict(iter([(x, y)])), wanted)
        assert same_bits(model.predict(iter([{"x": x}])), wanted)
        model.evaluate(iter([(x, y)]), loss=LOSSES)
