"""Looking at gradients: how they vanish, explode or last on their way back through time.

`gradient_flow(model, x, y)` gives the norms of dL/dh_t and dL/dc_t at every step, what the gates
do, and the spectral norms of the recurrent weights; `.plot()` compares models in one figure.
"""

from lstm_native.diagnostics.comparison import GradientFlow
from lstm_native.diagnostics.flow import gradient_flow
from lstm_native.diagnostics.results import GateFlow, LayerFlow, ModelFlow

__all__ = ["GateFlow", "GradientFlow", "LayerFlow", "ModelFlow", "gradient_flow"]
