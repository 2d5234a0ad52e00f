"""The convolutional LSTM: sequences of images."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.checks import check_bool
from lstm_native._base.inputs import flat_images
from lstm_native._base.values import as_values
from lstm_native.layers._carried import State
from lstm_native.layers._recurrent import FORGET_BIAS, check_forget_bias
from lstm_native.layers.layer import Layer, check_size
from lstm_native.layers.symbols import is_symbolic
from lstm_native.layers.tape import Tape


class ConvLSTM(Layer):
    """Long short-term memory over images, with convolutions in the place of products.

    Shi et al. 2015, "Convolutional LSTM network: a machine learning approach for precipitation
    nowcasting". With ``conv(W, x)`` a convolution of stride 1 whose output is as large as its
    input, zeros standing beyond the edges, and ``*`` the product value by value::

        i = sigmoid(conv(W_i, x) + conv(U_i, h) + b_i [+ p_i * c])    c' = f * c + i * g
        f = sigmoid(conv(W_f, x) + conv(U_f, h) + b_f [+ p_f * c])    h' = o * tanh(c')
        g = tanh   (conv(W_g, x) + conv(U_g, h) + b_g)
        o = sigmoid(conv(W_o, x) + conv(U_o, h) + b_o [+ p_o * c'])

    where the parts in brackets are those of `peephole`.

    Called itself, the layer takes (N, T, height, width, channels), or (N, T, height * width *
    channels), and returns (N, T, height, width, filters), or the last step (N, height, width,
    filters) with `return_sequences=False`. The state is (h, c), each (1, N, height, width,
    filters). In a Sequential, which takes either form as its input, rows are flat: the layer hands
    on height * width * filters features, so that Dense and all others can follow, and where it
    comes last, outputs and targets are (N, T, height * width * filters). A sequence's output
    depends on that sequence and the weights alone, bit for bit.

    Parameters
    ----------
    filters : int
        Channels of h, c and the output.
    kernel_size : int or (int, int)
        Height and width of the kernels, at most 2 height - 1 and 2 width - 1. For even sizes the
        larger half of the padding lies below and to the right.
    input_shape : (int, int, int)
        Height, width and channels of an image.
    return_sequences : bool
        Output of every step, or of the last alone.
    forget_bias : float
        Initial bias of the forget gate. Another value than the default is a ValueError with
        `bias=False`.
    peephole : bool
        Whether i, f and o look at the cell state, each value with a weight of its own.
    reverse : bool
        Whether to run from the end of each sequence to its start. The output stands in the order
        of the input; the last step is the first of the sequence. Cannot be streamed.
    bias : bool
        False: nothing is added to the sums, and the parameter `bias` does not exist.
    dtype : {"float32", "float64"}
    seed : int, optional
        For the initial kernels, Glorot uniform per gate (Glorot & Bengio 2010); peepholes begin at
        zero.
    name : str, optional
        In a `Model`; by default after the kind of layer.

    Raises
    ------
    ValueError, TypeError
        A size or number out of range or of the wrong type.

    Notes
    -----
    Parameters, gates in the order i, f, g, o: `weight_ih` (4 filters, channels, kernel height,
    kernel width), `weight_hh` (4 filters, filters, kernel height, kernel width) as PyTorch's conv2d
    has them, `bias` (4 filters,) unless `bias=False`, and with `peephole` `peephole` (3, height,
    width, filters) of i, f and o.

    Examples
    --------
    >>> import numpy as np
    >>> import lstm_native as ln
    >>> layer = ln.ConvLSTM(4, 3, input_shape=(8, 8, 1), seed=0)
    >>> y, (h, c) = layer(np.zeros((2, 5, 8, 8, 1), dtype="float32"))
    >>> y.shape, h.shape
    ((2, 5, 8, 8, 4), (1, 2, 8, 8, 4))
    """

    type_name = "conv_lstm"
    _letters: ClassVar[str] = "hc"
    _gives_state = True

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        *,
        input_shape: tuple[int, int, int],
        return_sequences: bool = True,
        forget_bias: float = FORGET_BIAS,
        peephole: bool = False,
        reverse: bool = False,
        bias: bool = True,
        dtype: str = "float32",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype, seed=seed, name=name)
        self.filters = check_size(filters, name="filters")
        pair = kernel_size if isinstance(kernel_size, (tuple, list)) else (kernel_size,) * 2
        self.kernel_size = _sizes(pair, name="kernel_size", count=2)
        self.input_shape = _sizes(input_shape, name="input_shape", count=3)
        for size, side, name in zip(
            self.kernel_size, self.input_shape, ("height", "width"), strict=False
        ):
            if size > 2 * side - 1:
                raise ValueError(
                    f"kernel_size: expected a {name} of at most {2 * side - 1} for images of "
                    f"{name} {side}, got {size}"
                )
        self.return_sequences = check_bool(return_sequences, name="return_sequences")
        self.bias = check_bool(bias, name="bias")
        self.forget_bias = check_forget_bias(forget_bias, bias=self.bias)
        self.peephole = check_bool(peephole, name="peephole")
        self.reverse = check_bool(reverse, name="reverse")

    def _spec(self) -> dict[str, Any]:
        height, width, channels = self.input_shape
        return {
            "type": self.type_name,
            "filters": self.filters,
            "height": height,
            "width": width,
            "channels": channels,
            "kernel_height": self.kernel_size[0],
            "kernel_width": self.kernel_size[1],
            "return_sequences": self.return_sequences,
            "forget_bias": self.forget_bias,
            "peephole": self.peephole,
            "reverse": self.reverse,
            "bias": self.bias,
        }

    @classmethod
    def _from_spec(cls, spec: dict[str, Any]) -> Layer:
        kernel_size = spec.pop("kernel_height"), spec.pop("kernel_width")
        input_shape = spec.pop("height"), spec.pop("width"), spec.pop("channels")
        return cls(kernel_size=kernel_size, input_shape=input_shape, **spec)

    @property
    def _known_input_size(self) -> int | None:
        height, width, channels = self.input_shape
        size: int = height * width * channels
        return size

    @property
    def _output_image(self) -> tuple[int, int, int]:
        return (*self.input_shape[:2], self.filters)

    # -- running: images outside, flat rows inside -----------------------------------------

    def __call__(self, x: Any, state: State = None, *args: Any, **options: Any) -> Any:
        """Run the layer: parameters and errors as for any layer, shapes as above."""
        if is_symbolic(x):
            return super().__call__(x, state, *args, **options)
        y, final = super().__call__(
            flat_images(x, self.input_shape, name="x"), self._flat_state(state), *args, **options
        )
        return as_images(y, self._output_image), self._image_state(final)

    def forward(self, x: Any, state: State = None, *args: Any, **options: Any) -> Any:
        """Run the layer and remember it: as for any layer, shapes as above."""
        flat = flat_images(x, self.input_shape, name="x")
        y, final, tape = super().forward(flat, self._flat_state(state), *args, **options)
        image = self.input_shape if np.ndim(x) == 5 else None
        y = as_images(y, self._output_image)
        return y, self._image_state(final), _ImageTape(tape, self, image)

    def _flat_state(self, state: State) -> State:
        if not isinstance(state, (tuple, list)):
            return state
        return tuple(
            flat_images(part, self._output_image, name=f"state {letter}")
            for letter, part in zip("hc?", state, strict=False)
        )

    def _image_state(self, state: State) -> State:
        assert state is not None
        return tuple(as_images(part, self._output_image) for part in state)

    def _native_state(self, state: State, samples: int, *, name: str) -> Any:
        if state is None:
            return None
        if not isinstance(state, (tuple, list)) or len(state) != 2:
            raise ValueError(f"{name}: expected (h, c), got {type(state).__name__}")
        size = int(np.prod(self._output_image))
        return [
            as_values(part, name=f"{name} {letter}", dtype=self.dtype, shape=(1, samples, size))
            for letter, part in zip("hc", state, strict=True)
        ]

    def _public_state(self, state: Any) -> State:
        return tuple(state)


def as_images(rows: NDArray[Any], image: tuple[int, int, int]) -> NDArray[Any]:
    """Return rows of values as rows of images."""
    return rows.reshape(*rows.shape[:-1], *image)


def _sizes(value: Any, *, name: str, count: int) -> Any:
    if not isinstance(value, (tuple, list)) or len(value) != count:
        raise ValueError(f"{name}: expected {count} integers, got {value!r}")
    return tuple(check_size(size, name=name) for size in value)


class _ImageTape(Tape):
    """A tape that takes and gives images."""

    __slots__ = ("_conv", "_image", "_tape")

    def __init__(self, tape: Tape, layer: ConvLSTM, image: tuple[int, int, int] | None) -> None:
        self._tape = tape
        self._conv = layer
        self._image = image

    def backward(
        self, dy: Any, dstate: State = None
    ) -> tuple[NDArray[Any] | None, State, dict[str, NDArray[Any]]]:
        flat = flat_images(dy, self._conv._output_image, name="dy")
        dx, initial, grads = self._tape.backward(flat, self._conv._flat_state(dstate))
        if self._image is not None and dx is not None:
            dx = as_images(dx, self._image)
        return dx, self._conv._image_state(initial), grads
