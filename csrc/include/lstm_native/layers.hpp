// What a layer is, as plain data. A network is built from a list of these.
#pragma once

#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "lstm_native/cell_function.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

enum class Activation { linear, relu, sigmoid, tanh, softmax };

/// A function of the gates, with its parameters (cell_function.hpp).
struct CellActivation {
  CellFunction function = CellFunction::tanh;
  double alpha = 0.0, beta = 0.0;
};

/// What the outputs of two directions become: one behind the other, or their sum.
enum class Merge { concat, sum };

/// What all recurrent layers have in common.
/// (N, T, F) -> (N, T, H), or (N, H) of the last step when return_sequences is false. With two
/// directions that are not summed 2H instead of H: the forward one, then the reverse one, whose
/// last step is the first of the sequence.
struct RecurrentOptions {
  Index hidden_size = 0;
  Index num_layers = 1;
  bool return_sequences = true;
  double dropout = 0.0;  // between stacked layers, in [0, 1)
  // Each stacked layer runs in both directions and hands both on (Schuster & Paliwal 1997).
  bool bidirectional = false;
  bool reverse = false;  // runs from the end of the sequence; not with bidirectional
  Merge merge = Merge::concat;
  bool residual = false;  // stacked layers but the first add their input to their output
  // In training only, one mask per sequence (Gal & Ghahramani 2016): on the input of each stacked
  // layer, and on the output that recurs.
  double input_dropout = 0.0;
  double recurrent_dropout = 0.0;
  double weight_drop = 0.0;  // on the recurrent weights, in training only (Merity et al. 2018)
  double zoneout = 0.0;      // share of outputs that stay as they were (Krueger et al. 2017)
  double gate_clip = 0.0;    // 0: none. Sums are clipped before the gates' functions, as in ONNX
  bool stateful = false;     // a pass begins with the state that the last one ended with
  // A training pass keeps the state at some steps only and computes the others again on its way
  // back: memory of the order of the square root of the steps (Chen et al. 2016).
  bool checkpoint = false;
  bool bias = true;  // false: nothing is added to the sums, and there are no such parameters
};

/// Long short-term memory (Hochreiter & Schmidhuber 1997, forget gate of Gers et al. 2000).
struct LSTMSpec : RecurrentOptions {
  double forget_bias = 1.0;    // initial value of the forget gate's bias; as it is without bias
  Index proj_size = 0;         // 0: none. Size of the output, smaller than H (Sak et al. 2014)
  bool peephole = false;       // gates see the cell state (Gers & Schmidhuber 2000)
  bool coupled_gates = false;  // forget gate = 1 - input gate (Greff et al. 2017)
  bool input_gate = true, forget_gate = true, output_gate = true;  // false: always open
  bool layer_norm = false;    // Ba et al. 2016; without bias its gains stay
  double cell_zoneout = 0.0;  // zoneout of the cell state
  double cell_clip = 0.0;     // 0: none
  CellActivation gate_activation{CellFunction::sigmoid, 0.0, 0.0};
  CellActivation cell_activation{CellFunction::tanh, 0.0, 0.0};    // of the candidate
  CellActivation output_activation{CellFunction::tanh, 0.0, 0.0};  // of the cell state
};

/// Gated recurrent unit (Cho et al. 2014).
struct GRUSpec : RecurrentOptions {
  bool reset_after = true;  // the reset gate acts behind the recurrent product, or before it
  CellActivation gate_activation{CellFunction::sigmoid, 0.0, 0.0};
  CellActivation candidate_activation{CellFunction::tanh, 0.0, 0.0};
};

/// The plain recurrent network (Elman 1990).
struct RNNSpec : RecurrentOptions {
  CellActivation activation{CellFunction::tanh, 0.0, 0.0};
  bool identity_init = false;  // recurrent weights begin as the identity (Le et al. 2015)
};

/// The cells of Feng et al. 2024, whose gates see the input alone. They have no recurrent weights:
/// recurrent_dropout, weight_drop, zoneout and gate_clip must be 0.
struct MinLSTMSpec : RecurrentOptions {};
struct MinGRUSpec : RecurrentOptions {};

/// activation(x W^T + b) on the last axis.
struct DenseSpec {
  Index units = 0;
  Activation activation = Activation::linear;
  bool bias = true;
  // W is the weight of the Embedding that the network begins with (Press & Wolf 2017), whose
  // vocabulary are the units and whose features the inputs. Not inside other layers.
  bool tied = false;
};

/// Token indices -> learned vectors: (N, T) -> (N, T, features).
struct EmbeddingSpec {
  Index vocabulary = 0;
  Index features = 0;
};

/// Inverted dropout (Srivastava et al. 2014): acts in training only.
struct DropoutSpec {
  double rate = 0.5;
};

/// Layer normalisation over the last axis (Ba et al. 2016).
struct LayerNormSpec {
  double epsilon = 1e-5;
};

struct ActivationSpec {
  Activation activation = Activation::linear;
};

/// Hands its input on. In training it adds activity * mean(y^2) and temporal * mean((y_t -
/// y_{t-1})^2) to the loss, means over all values and all differences of the batch without padding
/// (Merity, Keskar & Socher 2018).
struct ActivityRegularizationSpec {
  double activity = 0.0, temporal = 0.0;  // not negative; temporal > 0 needs a time axis
};

struct LayerSpec;

/// A linear highway beside other layers (the autoregressive component of Lai et al. 2018):
/// layers(x) + W vec(last `window` steps of x) + b. The inner layers must end without time axis.
struct HighwaySpec {
  Index window = 0;
  std::vector<LayerSpec> layers;
};

/// x + layers(x): a residual connection (He et al. 2016). The inner layers keep steps and features.
struct ResidualSpec {
  std::vector<LayerSpec> layers;
};

/// Long short-term memory over images, with convolutions in the place of products (Shi et al.
/// 2015): (N, T, height * width * channels) -> (N, T, height * width * filters), rows of images,
/// row-major; or (N, ...) of the last step when return_sequences is false. Stride 1, zeros beyond
/// the edges.
struct ConvLSTMSpec {
  Index filters = 0;
  Index height = 0, width = 0, channels = 0;
  Index kernel_height = 3, kernel_width = 3;  // at most 2 height - 1, 2 width - 1
  bool return_sequences = true;
  double forget_bias = 1.0;
  bool peephole = false;  // i, f and o look at the cell state, each value with a weight of its own
  bool reverse = false;   // runs from the end of the sequence
  bool bias = true;
};

namespace detail {
template <class T, class Variant>
struct is_one_of;
template <class T, class... Known>
struct is_one_of<T, std::variant<Known...>> : std::disjunction<std::is_same<T, Known>...> {};
}  // namespace detail

/// Any of the above; made of one of them, as in Network<float>({lstm, dense}, 1).
struct LayerSpec {
  using Options = std::variant<LSTMSpec, DenseSpec, EmbeddingSpec, DropoutSpec, LayerNormSpec,
                               ActivationSpec, HighwaySpec, GRUSpec, RNNSpec, MinLSTMSpec,
                               MinGRUSpec, ActivityRegularizationSpec, ResidualSpec, ConvLSTMSpec>;
  Options options;

  LayerSpec() = default;
  LayerSpec(Options any) : options(std::move(any)) {}
  template <class Spec, class = std::enable_if_t<detail::is_one_of<Spec, Options>::value>>
  LayerSpec(Spec spec) : options(std::move(spec)) {}
};

}  // namespace lstm_native
