"""An independent reference in float64 NumPy: slow, readable, and importing nothing of the product.

Every function works on float64 arrays and says which shapes it takes. Forward functions return
what their backward partner needs; nothing is fused, padded or reordered for speed, so that each
line can be read beside the paper it comes from.

Words: N samples, T timesteps, F features, H hidden units, R output features of a cell; gate order
i, f, g, o and r, z, n.
"""

from reference.activations import CELL_FUNCTIONS, cell_function, cell_slope
from reference.conv_lstm import conv_lstm_forward, convolve
from reference.initialisers import glorot_bound, orthogonality_defect
from reference.layers import (
    activate,
    activate_backward,
    activity_penalty,
    dense_backward,
    dense_forward,
    embedding_backward,
    embedding_forward,
    highway_forward,
    highway_linear_backward,
    layer_norm_backward,
    layer_norm_forward,
    sigmoid,
)
from reference.loss_kinds import ROW_LOSSES, ctc
from reference.losses import LOSSES, loss_and_gradient
from reference.numeric import (
    central_difference,
    directional_difference,
    relative_error,
)
from reference.optimizers import OPTIMIZERS, clip_gradients, global_norm
from reference.recurrent import (
    CELLS,
    Masks,
    Stack,
    lstm_backward,
    lstm_forward,
    make_stack,
    random_lstm,
)
from reference.steps import (
    batch_norm,
    conv1d,
    dot,
    each_alone,
    merge,
    moved_statistics,
    pool,
    pool1d,
    windows,
)

__all__ = [
    "CELLS",
    "CELL_FUNCTIONS",
    "LOSSES",
    "OPTIMIZERS",
    "ROW_LOSSES",
    "Masks",
    "Stack",
    "activate",
    "activate_backward",
    "activity_penalty",
    "batch_norm",
    "cell_function",
    "cell_slope",
    "central_difference",
    "clip_gradients",
    "conv1d",
    "conv_lstm_forward",
    "convolve",
    "ctc",
    "dense_backward",
    "dense_forward",
    "directional_difference",
    "dot",
    "each_alone",
    "embedding_backward",
    "embedding_forward",
    "global_norm",
    "glorot_bound",
    "highway_forward",
    "highway_linear_backward",
    "layer_norm_backward",
    "layer_norm_forward",
    "loss_and_gradient",
    "lstm_backward",
    "lstm_forward",
    "make_stack",
    "merge",
    "moved_statistics",
    "orthogonality_defect",
    "pool",
    "pool1d",
    "random_lstm",
    "relative_error",
    "sigmoid",
    "windows",
]
