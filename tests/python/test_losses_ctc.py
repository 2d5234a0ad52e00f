"""Connectionist temporal classification: against all alignments written down, and PyTorch."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import reference as ref
from hypothesis import given
from hypothesis import strategies as st

import lstm_native as ln
from lstm_native import losses

TOLERANCE = {np.dtype("float32"): 2e-6, np.dtype("float64"): 1e-12}


def padded(sequences):
    found = np.full((len(sequences), max(map(len, sequences), default=0)), -1, np.int64)
    for row, labels in zip(found, sequences, strict=True):
        row[: len(labels)] = labels
    return found


@given(data=st.data())
def test_all_alignments(isa, dtype, threads, data):
    """Lengths of both sides, repeated labels, any blank."""
    classes = data.draw(st.integers(2, 4))
    blank = data.draw(st.integers(0, classes - 1))
    symbols = [k for k in range(classes) if k != blank]
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    sequences, ends = [], []
    for _ in range(data.draw(st.integers(1, 3))):
        labels = data.draw(st.lists(st.sampled_from(symbols), max_size=3))
        least = len(labels) + sum(a == b for a, b in pairwise(labels))
        ends.append(data.draw(st.integers(max(least, 1), 5)))
        sequences.append(labels)
    o = (2 * rng.standard_normal((len(ends), 5, classes))).astype(dtype)
    loss = losses.CTC(blank=blank)

    def mean(at):
        return np.mean(
            [
                ref.ctc(one[:end], labels, blank)
                for one, end, labels in zip(at, ends, sequences, strict=True)
            ]
        )

    value, gradient = loss.value_and_gradient(padded(sequences), o, lengths=ends)
    assert value == pytest.approx(mean(o.astype("float64")), rel=TOLERANCE[dtype], abs=1e-6)
    for row, end in zip(gradient, ends, strict=True):
        assert not row[end:].any()
        assert np.abs(row.sum(axis=-1)).max() <= 1e-6
    if len(ends) == 1 and classes < 4:
        slopes = ref.central_difference(mean, o.astype("float64"))
        assert np.abs(gradient - slopes).max() <= (1e-7 if dtype == np.float64 else 1e-6)


def torch_ctc(o, sequences, ends, blank=0, **options):
    torch = pytest.importorskip("torch")
    at = torch.tensor(o.astype("float64"), requires_grad=True)
    flat = torch.tensor([k for labels in sequences for k in labels], dtype=torch.long)
    loss = torch.nn.functional.ctc_loss(
        at.log_softmax(-1).transpose(0, 1),
        flat,
        torch.tensor(ends),
        torch.tensor([len(labels) for labels in sequences]),
        blank=blank,
        **options,
    )
    loss.sum().backward()
    return loss.detach().numpy(), at.grad.numpy()


def problem(rng, samples, steps, classes, blank=0, size=1.0):
    ends = rng.integers(steps // 2, steps + 1, samples)
    symbols = [k for k in range(classes) if k != blank]
    sequences = [list(rng.choice(symbols, rng.integers(0, steps // 5))) for _ in ends]
    return size * rng.standard_normal((samples, steps, classes)), sequences, ends


@pytest.mark.parametrize("size", [0.1, 1.0, 10.0, 100.0, 1e4])
@pytest.mark.parametrize("steps", [20, 300, 1200])
def test_torch(dtype, size, steps):
    """Sure and unsure outputs, short and long ones: products are left where they would lose."""
    rng = np.random.default_rng(steps)
    o, sequences, ends = problem(rng, 3, steps, 12, blank=5, size=size)
    o = o.astype(dtype)
    expected, slopes = torch_ctc(o, sequences, ends, 5, reduction="none")
    value, gradient = losses.CTC(blank=5).value_and_gradient(padded(sequences), o, lengths=ends)
    assert value == pytest.approx(expected.mean(), rel=2e-5 if dtype == np.float32 else 1e-10)
    assert np.abs(3 * gradient - slopes).max() <= (2e-4 if dtype == np.float32 else 1e-7)
    assert np.isfinite(gradient).all()


def test_the_mean_over_labels_is_torch_s_mean():
    rng = np.random.default_rng(0)
    o, sequences, ends = problem(rng, 6, 30, 5)
    expected, slopes = torch_ctc(o, sequences, ends)
    value, gradient = losses.CTC(per_label=True).value_and_gradient(
        padded(sequences), o, lengths=ends
    )
    assert value == pytest.approx(float(expected), rel=1e-12)
    assert np.abs(gradient - slopes).max() <= 1e-12


def test_sequences_that_do_not_fit_are_refused_or_left_out():
    rng = np.random.default_rng(0)
    o = rng.standard_normal((3, 4, 3))
    sequences, ends = [[1, 2], [1, 1, 2], [2]], [4, 3, 4]
    y = padded(sequences)
    with pytest.raises(ValueError, match=r"sequence 1: its 3 labels need at least 4 steps.*got 3"):
        losses.CTC().value_and_gradient(y, o, lengths=ends)
    expected, slopes = torch_ctc(o, sequences, ends, reduction="none", zero_infinity=True)
    value, gradient = losses.CTC(zero_infinity=True).value_and_gradient(y, o, lengths=ends)
    assert value == pytest.approx(expected.mean(), rel=1e-12)
    assert np.abs(3 * gradient - slopes).max() <= 1e-12
    assert not gradient[1].any()


def test_a_sample_has_the_same_bits_in_any_batch(dtype, threads):
    rng = np.random.default_rng(0)
    o, sequences, ends = problem(rng, 9, 40, 7)
    o, y = o.astype(dtype), padded(sequences)
    loss = losses.CTC()
    _, whole = loss.value_and_gradient(y, o, sample_weight=np.full(9, 2.0), lengths=ends)
    for i, end in enumerate(ends):
        _, one = loss.value_and_gradient(y[i : i + 1], o[i : i + 1, :end], lengths=[end])
        share = dtype.type(1 / 9)
        alone = loss.value_and_gradient(
            np.repeat(y[i : i + 1], 9, axis=0),
            np.repeat(o[i : i + 1], 9, axis=0),
            lengths=np.repeat(end, 9),
        )[1][4]
        assert np.array_equal(whole[i], alone)
        assert np.allclose(whole[i, :end], one[0] * share, rtol=1e-6)


class TestFit:
    """Labels without their places in time."""

    @staticmethod
    def data():
        """Each label shows in one feature, for some steps at some place."""
        rng = np.random.default_rng(0)
        x = 0.1 * rng.standard_normal((24, 20, 3)).astype("float32")
        y = []
        for sample in x:
            labels = rng.integers(1, 4, rng.integers(1, 4))
            for place, label in zip((1, 8, 14), labels, strict=False):
                sample[place : place + 3, label - 1] += 1
            y.append(labels)
        return x, y, rng.integers(17, 21, 24)

    @staticmethod
    def model(last="linear"):
        return ln.Sequential([ln.GRU(16), ln.Dense(4, activation=last)], seed=0)

    def test_it_learns(self):
        x, y, ends = self.data()
        model = self.model()
        history = model.fit(
            x,
            y,
            loss="ctc",
            lengths=ends,
            epochs=60,
            optimizer=ln.Adam(0.02),
            seed=0,
            verbose=False,
        ).history["loss"]
        assert history[-1] < 0.2 * history[0]
        found = model.evaluate(x, padded(y), lengths=ends)["loss"]
        assert found == model.evaluate(x, y, lengths=ends)["loss"] < history[-2]
        restored = ln.load_model(model.to_bytes())
        assert restored.evaluate(x, y, lengths=ends)["loss"] == found
        p = model.predict(x, lengths=ends, probabilities=True)
        assert np.allclose(p[:, :10].sum(axis=-1), 1)

    def test_lists_batches_and_a_softmax_at_the_end_are_the_same(self):
        x, y, ends = self.data()
        options = {"loss": "ctc", "epochs": 2, "seed": 0, "verbose": False, "batch_size": 24}
        plain = self.model().fit(x, y, lengths=ends, shuffle=False, **options).history["loss"]
        softmax = self.model("softmax").fit(x, y, lengths=ends, shuffle=False, **options)
        assert softmax.history["loss"] == plain
        ragged = [sample[:end] for sample, end in zip(x, ends, strict=True)]
        listed = self.model().fit(ragged, y, shuffle=False, **options).history["loss"]
        assert np.allclose(listed, plain, rtol=1e-5)
        batch = {"x": x, "y": padded(y), "lengths": ends}
        del options["batch_size"]
        batches = self.model().fit(lambda: [batch], **options).history["loss"]
        assert batches == plain

    def test_weights_are_of_samples(self):
        x, y, ends = self.data()
        weights = np.zeros(24)
        weights[:5] = 2
        model = self.model()
        some = model.evaluate(x, y, loss="ctc", lengths=ends, sample_weight=weights)["loss"]
        alone = model.evaluate(x[:5], y[:5], loss="ctc", lengths=ends[:5])["loss"]
        assert some == pytest.approx(alone, rel=1e-6)

    def test_what_does_not_fit_is_refused(self):
        x, y, _ = self.data()
        model = self.model()

        def told(match, y=y, kind=ValueError, loss="ctc", model=model, **options):
            with pytest.raises(kind, match=match):
                model.fit(x, y, loss=loss, epochs=1, verbose=False, **options)

        told(
            "sequence 0 has the label 1, which is the blank", y=[[1]] * 24, loss=losses.CTC(blank=1)
        )
        told(
            "sequence 0: its 3 labels need at least 5 steps",
            y=[[2, 2, 2]] * 24,
            lengths=np.full(24, 4),
        )
        told("labels from 0 to 3", y=[[4]] * 24)
        told("expected 24 sequences of labels, got 3", y=[[1]] * 3)
        told("has labels behind a negative one", y=np.tile([[1, -1, 2]], (24, 1)))
        told("expected integer labels of shape", y=np.ones((24, 2)))
        told("looks at whole sequences", tbptt=5)
        told("class_weight", class_weight={1: 2.0})
        told("expected an output, 0 to 3, got 9", loss=losses.CTC(blank=9))
        told("at each step", model=ln.Sequential([ln.GRU(4, return_sequences=False), ln.Dense(4)]))
        assert model.loss is None
