"""Files that Keras writes, given to load_model."""

from __future__ import annotations

import pytest

keras = pytest.importorskip("keras")

import lstm_native as ln  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize(
    ("name", "kind"), [("model.keras", "a Keras model"), ("model.h5", "an HDF5 file")]
)
def test_keras_files_are_named(tmp_path, name, kind):
    model = keras.Sequential([keras.Input((5, 3)), keras.layers.LSTM(4), keras.layers.Dense(1)])
    model.save(tmp_path / name)
    with pytest.raises(ValueError, match=f"it looks like {kind}.*load_state_dict"):
        ln.load_model(tmp_path / name)
