"""PyTorch's tensors at the door: taken where NumPy can read them, else told what to write."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import lstm_native as ln
from lstm_native._base.arrays import is_array_like

torch = pytest.importorskip("torch")

X = torch.from_numpy(np.random.default_rng(0).standard_normal((6, 4, 3)).astype("float32"))


def model() -> ln.Sequential:
    return ln.Sequential([ln.LSTM(4, input_size=3), ln.Dense(1)], seed=0)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: X.clone().requires_grad_(), r"x\.detach\(\)\.numpy\(\)"),
        (lambda: X.to(torch.bfloat16), r"x\.float\(\)\.numpy\(\)"),
        (lambda: X.to_sparse(), r"x\.to_dense\(\)\.numpy\(\)"),
        (lambda: torch.empty(6, 4, 3, device="meta"), r"x\.cpu\(\)\.numpy\(\)"),
        (
            lambda: torch.nn.utils.rnn.pack_padded_sequence(X, [4] * 6, batch_first=True),
            r"x is a PackedSequence; write x, lengths = pad_packed_sequence",
        ),
        (lambda: [X[0], X[1].clone().requires_grad_()], r"x\[1\]\.detach\(\)\.numpy\(\)"),
    ],
    ids=["gradient", "bfloat16", "sparse", "other_device", "packed", "in_a_list"],
)
def test_a_tensor_that_numpy_cannot_read_is_told_what_to_write(make, told):
    for call in (model().predict, ln.LSTM(4, input_size=3)):
        with pytest.raises(TypeError, match=told):
            call(make())


def test_tensors_are_taken_as_they_are():
    wanted = model().predict(X.numpy())
    assert_array_equal(model().predict(X), wanted)
    lengths = torch.tensor([4, 1, 2, 3, 4, 0])
    assert_array_equal(
        model().predict(X, lengths=lengths), model().predict(X.numpy(), lengths=lengths.numpy())
    )
    mask = torch.arange(4) >= 4 - lengths[:, None]
    assert_array_equal(model().predict(X, mask=mask), model().predict(X.numpy(), mask=mask.numpy()))


def test_a_list_of_tensors_is_a_list_of_sequences():
    found = model().predict([X[0], X[1, :2]])
    wanted = model().predict([X[0].numpy(), X[1, :2].numpy()])
    assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))
    tokens = ln.Sequential([ln.Embedding(7, 3), ln.LSTM(4)], seed=0)
    assert [len(part) for part in tokens.predict([torch.tensor([1, 2]), torch.tensor([3])])] == [
        2,
        1,
    ]


def test_a_loader_is_no_array():
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X), batch_size=2)
    assert not is_array_like(loader)
    assert is_array_like(X)
    with pytest.raises(TypeError, match="x is a DataLoader; expected an array of numbers"):
        ln.LSTM(4, input_size=3)(loader)


def test_pytorchs_padding_mask_has_the_opposite_sense_and_is_told():
    padding = torch.tensor([[0, 0, 1, 1]] * 6)
    with pytest.raises(TypeError, match="as in PyTorch's key_padding_mask, mask == 0"):
        model().predict(X, mask=padding)
