# The native core (csrc/bindings). Arrays are C-contiguous; 32 and 64 name the float dtype.
# States: one array (layers * directions, N, features) each; None stands for zeros.
# The quick methods do all that their Python callers do, for arrays in the form the core wants; for
# any other input they return None and the caller converts or refuses it.
from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

_Values32 = NDArray[np.float32]
_Values64 = NDArray[np.float64]
_Indices = NDArray[np.int64]
# For each layer: None (begins with zeros every time), () (with zeros this time), or its tensors.
_States = Sequence[tuple[NDArray[Any], ...] | None]

__version__: str

def build_info() -> dict[str, Any]: ...
def set_isa(name: str) -> None: ...
def set_num_threads(threads: int) -> None: ...
def get_num_threads() -> int: ...
def all_finite(values: NDArray[Any], lengths: _Indices | None = None) -> bool: ...
def derive_seed(seed: int, index: int) -> int: ...
def layer_seed(seed: int, name: str) -> int: ...  # of a layer of this name in a graph

# For benchmarks: (operations or bytes, seconds they took) of the instruction set in use.
def probe_multiply_add(iterations: int) -> tuple[float, float]: ...
def probe_read(buffer_bytes: int, repetitions: int) -> tuple[float, float]: ...

# (parts of the samples, parts of the hidden units, the model's speed-up) for so many threads.
def plan_step(
    threads: int, samples: int, inputs: int, hidden_size: int
) -> tuple[int, int, float]: ...

class Tape32:
    def backward(
        self, dy: _Values32, dstate: Sequence[_Values32] | None
    ) -> tuple[_Values32 | None, tuple[_Values32, ...], dict[str, _Values32]]: ...
    def quick(self, dy: Any, dstate: Any, /) -> tuple[Any, Any, dict[str, _Values32]] | None: ...

class Tape64:
    def backward(
        self, dy: _Values64, dstate: Sequence[_Values64] | None
    ) -> tuple[_Values64 | None, tuple[_Values64, ...], dict[str, _Values64]]: ...
    def quick(self, dy: Any, dstate: Any, /) -> tuple[Any, Any, dict[str, _Values64]] | None: ...

class _Layer:
    # Without a seed: zeros, for weights to come.
    # Of a layer of several inputs the features of each.
    def __init__(
        self, spec: str, input_features: int | Sequence[int], seed: int | None
    ) -> None: ...
    @property
    def spec(self) -> str: ...
    @property
    def input_features(self) -> int: ...
    @property
    def output_features(self) -> int: ...
    @property
    def takes_tokens(self) -> bool: ...
    @property
    def state_count(self) -> int: ...
    # Ports: (name, features, "values", "tokens" or "state", stacked runs, whether optional).
    @property
    def inputs(self) -> list[tuple[str, int, str, int, bool]]: ...
    @property
    def outputs(self) -> list[tuple[str, int, str, int, bool]]: ...
    def output_shape(self, timesteps: int) -> tuple[int, int]: ...
    def parameters(self) -> dict[str, NDArray[Any]]: ...
    def set_parameters(self, values: dict[str, NDArray[Any]]) -> None: ...
    # Whether these are the parameters, bit for bit, in arrays as the core wants them.
    def holds(self, values: dict[str, Any]) -> bool: ...
    def forward(
        self,
        x: NDArray[Any],
        state: Sequence[NDArray[Any]] | None,
        remember: bool,
        seed: int,
        lengths: _Indices | None = None,
        training: bool = True,  # of what is remembered
        frozen: Sequence[str] = (),  # prefixes of names of parameters
    ) -> tuple[NDArray[Any], tuple[NDArray[Any], ...], Any]: ...
    def quick_call(self, x: Any, state: Any, lengths: Any, /) -> tuple[Any, Any] | None: ...
    def quick_forward(
        self, x: Any, state: Any, lengths: Any, seed: int, pass_index: int, /
    ) -> tuple[Any, Any, Any] | None: ...

class Layer32(_Layer): ...
class Layer64(_Layer): ...

# (name, features, vocabulary), (name, number of the layer, sources), (name, source); a source is
# (place, port), place -1 for nothing.
_GraphInput = tuple[str, int, int]
_GraphNode = tuple[str, int, Sequence[tuple[int, int]]]
_GraphOutput = tuple[str, tuple[int, int]]

class _Network:
    @overload
    def __init__(self, layers: Sequence[Any]) -> None: ...
    @overload
    def __init__(
        self,
        inputs: Sequence[_GraphInput],
        names: Sequence[str],
        nodes: Sequence[_GraphNode],
        outputs: Sequence[_GraphOutput],
        layers: Sequence[Any],
    ) -> None: ...
    @property
    def structure(
        self,
    ) -> tuple[list[_GraphInput], list[str], list[_GraphNode], list[_GraphOutput]]: ...
    @property
    def is_row(self) -> bool: ...
    @property
    def layers(self) -> list[Any]: ...
    @property
    def input_features(self) -> int: ...
    @property
    def takes_tokens(self) -> bool: ...
    @property
    def parameter_count(self) -> int: ...
    def output_shape(self, timesteps: int) -> tuple[int, int]: ...
    # For so many steps of each input (0: no time axis): (timesteps, features) of each output, and
    # of each input and each port of each node, in order.
    def output_shapes(self, timesteps: Sequence[int]) -> list[tuple[int, int]]: ...
    def value_shapes(self, timesteps: Sequence[int]) -> list[tuple[int, int]]: ...
    def end_activation(self, output: int = 0) -> str: ...
    def reads_probabilities(self, loss: _Loss, output: int = 0) -> bool: ...
    def why_not_in_windows(self) -> str: ...
    # With states: (output, states).
    def predict(
        self, x: NDArray[Any], lengths: _Indices | None = None, states: _States | None = None
    ) -> Any: ...
    # One entry for each input, and for each output: (outputs, their lengths, states).
    # (samples, steps of each input, their lengths) to (steps, lengths) of each output, as far as
    # they are known before a pass.
    def output_steps(
        self,
        samples: int,
        timesteps: Sequence[int],
        lengths: list[_Indices | None] | None = None,
    ) -> tuple[list[int], list[_Indices | None]]: ...
    def predict_all(
        self,
        x: list[NDArray[Any]],
        lengths: list[_Indices | None] | None = None,
        states: _States | None = None,
    ) -> tuple[list[NDArray[Any]], list[_Indices | None], _States | None]: ...
    # The same, remembered: (outputs, tape).
    def forward_all(
        self,
        x: list[NDArray[Any]],
        lengths: list[_Indices | None] | None,
        seed: int,
        training: bool,
    ) -> tuple[list[NDArray[Any]], Any]: ...
    def quick_predict(self, x: Any, batch_size: int, /) -> NDArray[Any] | None: ...

class _NetworkTape:
    # Of each output its lengths, None where all steps are true.
    @property
    def lengths(self) -> list[_Indices | None]: ...
    # dy: one for each output, None for zeros. Returns (of each input, None for tokens, {name: of
    # each parameter that is trained}).
    def backward(
        self, dy: list[NDArray[Any] | None]
    ) -> tuple[list[NDArray[Any] | None], dict[str, NDArray[Any]]]: ...

class NetworkTape32(_NetworkTape): ...
class NetworkTape64(_NetworkTape): ...
class Network32(_Network): ...
class Network64(_Network): ...

class _Stream:
    # held: for each input its array, None where it is stepped.
    def __init__(
        self,
        network: Any,
        batch_size: int,
        check: Callable[[Any], NDArray[Any]] | None,
        held: list[NDArray[Any] | None] | None = None,
        lengths: list[_Indices | None] | None = None,
    ) -> None: ...
    @property
    def single(self) -> bool: ...  # whether `step` serves
    @property
    def inputs(self) -> list[int]: ...  # that are stepped
    @property
    def outputs(self) -> list[int]: ...
    def step_all(self, x: list[NDArray[Any]]) -> list[NDArray[Any]] | None: ...
    def reorder(self, rows: _Indices) -> None: ...
    def step(self, x: Any, *, out: NDArray[Any] | None = None) -> NDArray[Any]: ...
    def reset(self) -> None: ...
    def state(self) -> list[list[NDArray[Any]]]: ...
    def set_state(self, layers: list[list[NDArray[Any]]]) -> None: ...

class Stream32(_Stream): ...
class Stream64(_Stream): ...

# (loss, sum of weights, norm of the gradients, whether all is finite, predictions if asked for,
# states, [(loss, weight)] of each of several losses)
_Step = tuple[float, float, float, bool, Any, Any, list[tuple[float, float]]]

# JSON, or with the function of a loss of one's own: (y_true, y_pred, whether rows are weighted) ->
# (each row's loss, each row's gradient)
_Loss = str | tuple[str, Callable[..., tuple[NDArray[Any], NDArray[Any]]]]
# The loss of the only output, or for several (number of the output, loss, factor).
_Losses = _Loss | list[tuple[int, _Loss, float]]

# (values of a target's row, whether labels are taken, whether sequences of them)
def target_shape(loss: _Loss, features: int) -> tuple[int, bool, bool]: ...
def loss_value(
    loss: _Loss,
    output: NDArray[Any],
    y: NDArray[Any] | None,
    weights: NDArray[Any] | None,
    lengths: _Indices | None,
    gradient: bool,
) -> tuple[float, NDArray[Any]]: ...

# Lists have an entry for each input, loss (y, weights) or output; without there is one of each.
class _Trainer:
    def __init__(self, network: Any, loss: _Losses, optimizer: str) -> None: ...
    def with_losses(self, losses: _Losses) -> Any: ...
    @property
    def loss(self) -> str: ...
    @property
    def losses(self) -> list[tuple[int, str, float]]: ...
    @property
    def optimizer(self) -> str: ...
    @property
    def iterations(self) -> int: ...
    def set_learning_rate(self, learning_rate: float) -> None: ...
    def step(
        self,
        x: NDArray[Any] | list[NDArray[Any]],
        y: Any,
        weights: NDArray[Any] | list[NDArray[Any] | None] | None,
        rows: _Indices | None,
        seed: int,
        output: bool = False,
        lengths: _Indices | list[_Indices | None] | None = None,
        states: _States | None = None,
        first_step: int = 0,
        steps: int = 0,
        mean_weight: float = 0.0,
        update: bool = True,  # False: the gradients are added to those that wait
        # For each input the array that receives its gradient, or None.
        input_gradients: list[NDArray[Any] | None] | None = None,
    ) -> _Step: ...
    @property
    def accumulated(self) -> int: ...  # batches whose gradients wait
    def forget_gradients(self) -> None: ...
    def gradients(self) -> dict[str, NDArray[Any]]: ...
    def apply(self) -> tuple[float, float, float, bool]: ...  # loss, weight, norm, finite
    # One for each parameter, in their order: (norm, finite).
    def apply_gradients(self, gradients: list[NDArray[Any]]) -> tuple[float, bool]: ...
    @property
    def parameter_names(self) -> list[str]: ...
    @property
    def rate_factors(self) -> dict[str, float]: ...  # those that are not 1
    def set_rate_factor(self, name: str, factor: float) -> None: ...
    def evaluate(
        self,
        x: NDArray[Any] | list[NDArray[Any]],
        y: Any,
        weights: NDArray[Any] | list[NDArray[Any] | None] | None,
        rows: _Indices | None,
        output: bool = False,
        lengths: _Indices | list[_Indices | None] | None = None,
        states: _States | None = None,
        first_step: int = 0,
        steps: int = 0,
    ) -> _Step: ...

class Trainer32(_Trainer): ...
class Trainer64(_Trainer): ...

# An optimiser and its state for parameters of these names and shapes, whose arrays come along with
# each update, in this order, and are changed in place. (norm of the gradients, whether it was done)
class _Optimizer:
    def __init__(self, settings: str, parameters: list[tuple[str, tuple[int, ...]]]) -> None: ...
    def update(
        self,
        learning_rate: float,
        values: list[NDArray[Any]],
        gradients: list[NDArray[Any]],
    ) -> tuple[float, bool]: ...
    def state(self) -> tuple[int, list[NDArray[Any]]]: ...
    def set_state(self, iterations: int, tensors: list[NDArray[Any]]) -> None: ...

class Optimizer32(_Optimizer): ...
class Optimizer64(_Optimizer): ...

# A running mean of a network's weights; tensors in the order of its parameters.
class _WeightAverage:
    def __init__(self, network: Any) -> None: ...
    def add(self) -> None: ...
    def add_exponential(self, decay: float) -> None: ...
    def copy_to(self, network: Any) -> None: ...
    @property
    def count(self) -> int: ...
    def state(self) -> dict[str, NDArray[Any]]: ...
    def set_state(self, count: int, tensors: list[NDArray[Any]]) -> None: ...

class WeightAverage32(_WeightAverage): ...
class WeightAverage64(_WeightAverage): ...

# Tokens and held arrays as those of a stream; end and output: -1 for none.
_Allow = Callable[[list[NDArray[np.int64]]], NDArray[np.bool_] | None]

def generate(
    network: Any,
    prompts: NDArray[np.int64],
    lengths: _Indices | None,
    held: list[NDArray[Any] | None] | None,
    held_lengths: list[_Indices | None] | None,
    *,
    steps: int,
    end: int,
    temperature: float,
    top_k: int,
    top_p: float,
    seed: int,
    allow: _Allow | None,
    output: int,
) -> list[NDArray[np.int64]]: ...

# (tokens, log probability, score), best first.
_Found = list[list[tuple[NDArray[np.int64], float, float]]]

def beam_search(
    network: Any,
    prompts: NDArray[np.int64],
    lengths: _Indices | None,
    held: list[NDArray[Any] | None] | None,
    held_lengths: list[_Indices | None] | None,
    *,
    steps: int,
    end: int,
    width: int,
    n_best: int,
    length_penalty: float,
    allow: _Allow | None,
    output: int,
) -> _Found: ...
def ctc_greedy(
    outputs: NDArray[Any], lengths: _Indices | None, blank: int
) -> list[NDArray[np.int64]]: ...
def ctc_beam_search(
    outputs: NDArray[Any],
    lengths: _Indices | None,
    blank: int,
    width: int,
    n_best: int,
    scorer: Callable[[NDArray[np.int64]], NDArray[np.float64]] | None,
    logits: bool,
) -> _Found: ...

# Kept in a model file unread: JSON text, and (name, dtype, C-contiguous array) for each tensor.
_Extras = tuple[str, list[tuple[str, str, NDArray[Any]]]]
# Network, trainer or None, metadata, extras: tensors as {name: (dtype, shape, bytes)}.
_Loaded = tuple[Any, Any, dict[str, str], tuple[str, dict[str, tuple[str, list[int], bytearray]]]]

def save_model(
    path: bytes, network: Any, trainer: Any, metadata: dict[str, str], extras: _Extras
) -> None: ...
def model_bytes(network: Any, trainer: Any, metadata: dict[str, str], extras: _Extras) -> bytes: ...
def load_model(path: bytes) -> _Loaded: ...
def load_model_bytes(content: bytes | bytearray | memoryview) -> _Loaded: ...
