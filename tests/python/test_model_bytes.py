"""Models as bytes: those of the file, to and from memory and open files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import product as p
import pytest

import lstm_native as ln


def trained_model(dtype: str = "float32") -> ln.Sequential:
    rng = np.random.default_rng(0)
    model = ln.Sequential([ln.LSTM(5, return_sequences=False), ln.Dense(1)], dtype=dtype, seed=1)
    x, y = p.normal(rng, (12, 6, 3), dtype), p.normal(rng, (12, 1), dtype)
    model.fit(x, y, epochs=2, optimizer="rmsprop", seed=2, verbose=False)
    model.metadata["unit"] = "kWh"
    return model


def test_the_bytes_are_those_of_the_file(tmp_path, dtype):
    model = trained_model(dtype.name)
    model.save(tmp_path / "model", metadata={"more": "text"})
    assert model.to_bytes(metadata={"more": "text"}) == (tmp_path / "model").read_bytes()


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, io.BytesIO])
def test_all_kinds_of_bytes_load(kind):
    model = trained_model()
    content = model.to_bytes()
    loaded = ln.load_model(kind(content))
    assert loaded.to_bytes() == content
    assert loaded.metadata == {"unit": "kWh"}


def test_bytes_in_pieces_load():
    content = trained_model().to_bytes()
    spread = np.repeat(np.frombuffer(content, np.uint8), 2)[::2]
    assert ln.load_model(memoryview(spread)).to_bytes() == content
    as_words = memoryview(content[: len(content) // 4 * 4]).cast("I")
    assert len(content) % 4 == 0
    assert ln.load_model(as_words).to_bytes() == content


def test_open_files_take_and_give_models(tmp_path):
    model = trained_model()
    path = tmp_path / "model"
    with path.open("wb") as file:
        file.write(b"before")
        model.save(file)
    with path.open("rb") as file:
        assert file.read(6) == b"before"
        assert ln.load_model(file).to_bytes() == model.to_bytes()


class Slow(io.RawIOBase):
    """Takes a few bytes of each write, as a raw file may."""

    def __init__(self) -> None:
        self.content = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.content += bytes(data[:100])
        return min(len(data), 100)


def test_a_file_that_takes_a_part_is_asked_again():
    model, file = trained_model(), Slow()
    model.save(file)
    assert file.content == model.to_bytes()


def test_a_pipe_takes_and_gives_a_model():
    """Neither end can seek, and a pipe holds less than the model."""
    import os
    import threading

    model = ln.Sequential([ln.LSTM(64, input_size=3), ln.Dense(1)], seed=0)
    content = model.to_bytes()
    assert len(content) > 1 << 16
    source, target = os.pipe()

    def write() -> None:
        with os.fdopen(target, "wb", buffering=0) as file:
            model.save(file)

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(source, "rb") as file:
        loaded = ln.load_model(file)
    thread.join()
    assert loaded.to_bytes() == content


def test_a_compressed_file_takes_and_gives_a_model(tmp_path):
    import gzip

    model = trained_model()
    with gzip.open(tmp_path / "model.gz", "wb") as file:
        model.save(file)
    with gzip.open(tmp_path / "model.gz", "rb") as file:
        assert ln.load_model(file).to_bytes() == model.to_bytes()


class Full(io.BytesIO):
    """A file with room for 100 bytes."""

    def write(self, data: Any) -> int:
        room = 100 - self.tell()
        if room <= 0:
            raise OSError(28, "No space left on device")
        return super().write(bytes(data)[:room])


def test_a_write_that_fails_leaves_the_position_behind_what_was_taken():
    model, file = trained_model(), Full()
    with pytest.raises(OSError, match="No space left"):
        model.save(file)
    assert file.tell() == 100
    assert file.getvalue() == model.to_bytes()[:100]


class Busy(io.RawIOBase):
    """A raw file that does not wait."""

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> None:
        return None

    def readinto(self, buffer: Any) -> None:
        return None


def test_a_file_that_would_have_to_wait_is_no_success():
    with pytest.raises(BlockingIOError, match=r"Busy\.write would have to wait"):
        trained_model().save(Busy())
    with pytest.raises(TypeError, match=r"gives bytes, got NoneType from Busy\.read"):
        ln.load_model(Busy())


@pytest.mark.parametrize("count", [0, -1, 10**9, "all"])
def test_a_count_of_bytes_that_cannot_be_is_an_os_error(count):
    class Odd:
        def write(self, data: Any) -> Any:
            return count

    with pytest.raises(OSError, match=r"path: Odd\.write took .* of \d+ bytes"):
        trained_model().save(Odd())


def test_closed_files_and_files_for_the_other_direction_are_named(tmp_path):
    model, path = trained_model(), tmp_path / "model"
    closed = io.BytesIO()
    closed.close()
    with pytest.raises(ValueError, match=r"path: .* got one that is closed"):
        model.save(closed)
    with pytest.raises(ValueError, match=r"load_model: .* got one that is closed"):
        ln.load_model(closed)
    with path.open("wb") as file, pytest.raises(io.UnsupportedOperation, match="not open to read"):
        ln.load_model(file)
    with path.open("rb") as file, pytest.raises(io.UnsupportedOperation, match="open to write"):
        model.save(file)
    with path.open("w") as file, pytest.raises(TypeError, match=r"path: .* got one open for text"):
        model.save(file)
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (io.StringIO("text"), r"open\(path, 'rb'\)"),
        (None, "a path, bytes or a file, got NoneType"),
        (3, "got int"),
        (np.zeros(3), "got ndarray"),
    ],
)
def test_what_is_no_source_is_a_type_error(source, message):
    with pytest.raises(TypeError, match=message):
        ln.load_model(source)


def test_a_file_for_text_is_a_type_error():
    with pytest.raises(TypeError, match=r"open\(path, 'wb'\)"):
        trained_model().save(io.StringIO())


def test_every_cut_is_a_value_error_that_speaks_of_bytes():
    content = trained_model().to_bytes()
    for size in [*range(0, 400, 7), *range(400, len(content), 211), len(content) - 1]:
        with pytest.raises(ValueError, match=r"model bytes: .*expected"):
            ln.load_model(content[:size])


def test_the_bytes_may_change_behind_the_model(tmp_path):
    model = trained_model()
    content = bytearray(model.to_bytes())
    loaded = ln.load_model(content)
    content[:] = bytes(len(content))
    p.assert_same_weights(loaded.state_dict(), model.state_dict())


def test_a_file_replaced_while_it_is_read_is_one_or_the_other(tmp_path: Path):
    """The path is opened once: dtype and weights come from the same file."""
    import threading

    path = tmp_path / "model"
    models = [trained_model("float32"), trained_model("float64")]
    models[0].save(path)
    stop = threading.Event()

    def replace() -> None:
        while not stop.is_set():
            for model in models:
                model.save(path)

    thread = threading.Thread(target=replace)
    thread.start()
    try:
        for _ in range(100):
            loaded = ln.load_model(path)
            of_its_dtype = models[loaded.dtype == "float64"]
            p.assert_same_weights(loaded.state_dict(), of_its_dtype.state_dict())
    finally:
        stop.set()
        thread.join()
