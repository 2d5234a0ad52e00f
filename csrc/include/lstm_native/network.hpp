// Networks that run, train, save and load: the same ones Python uses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lstm_native/graph.hpp"
#include "lstm_native/layers.hpp"
#include "lstm_native/stream.hpp"
#include "lstm_native/training.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

struct Access;
template <class T>
class NetworkImpl;
template <class T>
class TrainerImpl;
template <class T>
class NetworkStates;
template <class T>
class GraphStates;

/// Layers with their weights: in a row, or a graph with any number of inputs and outputs. T is
/// float or double.
///
/// A handle: copies share one network with its weights, and what changes them through one, a
/// Trainer among them, is seen through all, also where another one is const. `clone` makes a
/// network of its own. `predict` may be called from several threads at once; anything that changes
/// weights may not run beside it.
///
/// A handle that was moved from or default-constructed is empty: every member but the test for it,
/// assignment and destruction throws InvalidArgument. So it is with the classes below.
template <class T>
class Network {
 public:
  /// Builds and initialises: input weights Glorot uniform (Glorot & Bengio 2010), recurrent
  /// weights orthogonal (Saxe et al. 2014), forget bias as given (Gers et al. 2000).
  /// input_features is ignored when the first layer is an Embedding.
  /// Throws InvalidArgument for sizes that do not fit.
  Network(const std::vector<LayerSpec>& layers, Index input_features, std::uint64_t seed = 0);
  /// A graph of layers. The weights of a layer depend on the seed and on its name, and not on the
  /// layers beside it. Throws InvalidArgument, with the node's name, for what does not fit.
  explicit Network(const GraphSpec& graph, std::uint64_t seed = 0);
  Network() noexcept = default;

  explicit operator bool() const noexcept { return impl_ != nullptr; }  // whether it is not empty

  /// The same layers and weights in memory of their own.
  Network clone() const;

  std::vector<LayerSpec> layers() const;
  /// Which layer reads what; for layers in a row, one after another, named "0", "1", ...
  GraphSpec graph() const;
  Index inputs() const;
  Index outputs() const;
  Index input_features() const;  // of the first input; 0 when it is tokens
  bool takes_tokens() const;     // at the first input

  /// Shape of the output for an input of so many steps. Throws InvalidArgument.
  OutputShape output_shape(Index timesteps) const;
  /// Of all outputs, for inputs of so many steps each (0: no time axis).
  std::vector<OutputShape> output_shapes(const std::vector<Index>& timesteps) const;

  /// Writes samples x output_shape(timesteps).row_size() values to y; zeros behind the end of a
  /// sequence, where x has lengths and the output a time axis. The recurrent layers begin with
  /// `states`, which must be those of this network, and leave there how they end; null: they begin
  /// with zeros. Throws InvalidArgument for shapes that do not fit and tokens out of range.
  ///
  /// Values are not looked at: from a NaN on, the outputs of its sequence are NaN, those of the
  /// others are untouched. Where input may hold some, ask std::isfinite of the input or the output.
  void predict(const Batch<T>& x, T* y, NetworkStates<T>* states = nullptr) const;
  /// Makes y as long as the output, whatever it held: no allocation where it was long enough.
  void predict(const Batch<T>& x, std::vector<T>& y, NetworkStates<T>* states = nullptr) const;
  std::vector<T> predict(const Batch<T>& x) const;
  /// The same of a network with any number of inputs and outputs: x and y have one entry for each,
  /// in order; the inputs have equally many samples. A null in y: that output is not wanted.
  void predict(const std::vector<Batch<T>>& x, const std::vector<T*>& y,
               NetworkStates<T>* states = nullptr) const;
  std::vector<std::vector<T>> predict(const std::vector<Batch<T>>& x) const;

  /// The network one step at a time, for so many sequences side by side. Throws InvalidArgument
  /// when a layer cannot run so (Highway), or one behind a return_sequences=false needs a time
  /// axis.
  Stream<T> stream(Index batch_size = 1) const;
  /// The same where some inputs are known as a whole beforehand, as the sentence that a decoder
  /// translates. held: one batch of batch_size sequences for each input, needed during this call
  /// alone; empty (without values and tokens) for those that are stepped. What depends on held
  /// inputs alone is computed once, here.
  Stream<T> stream(Index batch_size, const std::vector<Batch<T>>& held) const;

  /// Parameters in a fixed order, named "0.weight_ih_l0": layer index, then name in the layer.
  std::vector<TensorInfo> parameters() const;
  Index parameter_count() const;
  /// Unknown names, and counts that are not the parameter's, throw InvalidArgument.
  std::vector<T> get_parameter(const std::string& name) const;
  void get_parameter(const std::string& name, T* out, Index count) const;
  void set_parameter(const std::string& name, const T* values, Index count);

 private:
  friend struct Access;
  explicit Network(std::shared_ptr<NetworkImpl<T>> impl);
  std::shared_ptr<NetworkImpl<T>> impl_;
};

/// What the recurrent layers of a network carry from one pass to the next: for sequences that come
/// in pieces. Zeros at first, for any number of sequences. Layers inside a Highway carry nothing.
/// One pass at a time may use it. Moved, not copied.
template <class T>
class NetworkStates {
 public:
  explicit NetworkStates(const Network<T>& network);
  NetworkStates() noexcept;
  ~NetworkStates();
  NetworkStates(NetworkStates&&) noexcept;
  NetworkStates& operator=(NetworkStates&&) noexcept;

  explicit operator bool() const noexcept { return impl_ != nullptr; }  // whether it is not empty

  /// Sequences side by side, the same in every pass; 0: zeros, for any number.
  Index batch_size() const;
  /// Back to zeros, for any number of sequences or for so many.
  void reset(Index batch_size = 0);

  /// The tensors by name: "0.h", "0.c" for an LSTM that is layer 0, each of (stacked layers x
  /// directions, batch_size, units). Unknown names and wrong counts throw InvalidArgument.
  std::vector<TensorInfo> tensors() const;
  std::vector<T> get(const std::string& name) const;
  void get(const std::string& name, T* out, Index count) const;
  void set(const std::string& name, const T* values, Index count);

 private:
  friend struct Access;
  friend class Network<T>;
  friend class TrainerImpl<T>;
  GraphStates<T>& of(const Network<T>& network);  // throws InvalidArgument for another network
  T* find(const std::string& name, Index& count) const;
  Network<T> network_;
  std::unique_ptr<GraphStates<T>> impl_;
};

/// What a step goes on from, and which part of its batch's time axis it works on.
///
/// Truncated back-propagation through time (Williams & Peng 1990): one step for each window of a
/// batch, `states` carried from window to window and reset between batches. No gradient crosses
/// the border of a window.
template <class T>
struct StepOptions {
  NetworkStates<T>* states = nullptr;  // null: zeros. Not advanced by a step that is not finite
  Index first_step = 0;
  Index steps = 0;  // 0: all from first_step on
  // The gradient is sum(w_i g_i) / (n mean_weight), n the rows whose weight is not 0: with the mean
  // weight of a whole training set, a row counts by its weight in batches of any size. 0: the mean
  // of the batch itself, so that only ratios within the batch count. The loss that is reported is
  // the batch's own weighted mean in any case. Otherwise a positive number that T holds, and no
  // subnormal one.
  double mean_weight = 0.0;
  // Of step and accumulate: for each input of the network what receives the gradient of the loss
  // with respect to the batch's part of it, or null. Not written where nothing is learned: where
  // all weights are 0, or the loss is not finite. Null: none is wanted.
  T* const* input_gradients = nullptr;
};

/// Minimises a loss over a network; owns the optimiser's state. A handle, as Network is: copies
/// share one trainer.
template <class T>
class Trainer {
 public:
  /// Throws InvalidArgument for settings out of range, and for a loss that contradicts how the
  /// network ends (see OutputReading).
  Trainer(Network<T> network, const LossSpec& loss, const OptimizerSpec& optimizer);
  /// Several losses, of one output each: what is minimised is the sum of factor x loss.
  Trainer(Network<T> network, const std::vector<OutputLoss>& losses,
          const OptimizerSpec& optimizer);
  Trainer() noexcept = default;

  explicit operator bool() const noexcept { return impl_ != nullptr; }  // whether it is not empty

  /// A trainer of a clone of the network, which goes on as this one would.
  Trainer clone() const;

  /// A trainer of the same network with other losses, which goes on with the optimiser's state.
  Trainer with_losses(const std::vector<OutputLoss>& losses) const;

  /// Forward, loss, backward and one update.
  ///   rows   which samples of x and y form the batch: row_count indices into them; null takes all
  ///          in order, and row_count is their number
  ///   seed   with the number of updates so far, decides the dropout masks
  /// A loss or gradient that is not finite makes no update and undoes the one before, so that the
  /// network keeps the last weights known to be good; an update that makes a weight not finite is
  /// undone at once. Where an update is undone, the optimiser's state starts afresh.
  /// `output`, when given, receives the predictions, as `Network::predict` gives them.
  /// Where x has lengths and the output a time axis, the rows behind a sequence's end do not count.
  /// With a window in `options` only its steps are read and copied; it throws InvalidArgument for
  /// an output without time axis, and for layers that cannot run so (bidirectional, reverse).
  StepResult step(const Batch<T>& x, const Targets<T>& y, const Index* rows, Index row_count,
                  std::uint64_t seed, T* output = nullptr, const StepOptions<T>& options = {});
  /// All samples of x and y in order.
  StepResult step(const Batch<T>& x, const Targets<T>& y, std::uint64_t seed = 0,
                  const StepOptions<T>& options = {}) {
    return step(x, y, nullptr, x.samples, seed, nullptr, options);
  }

  /// step in two parts, for more samples than fit in memory at once. `accumulate` adds a batch's
  /// gradients to those of the batches since the last update; `apply` makes one update from their
  /// mean, in which each row counts as if all had stood in one batch: the numbers of that batch, up
  /// to rounding. Of several losses, a batch counts by the mean of its shares of their rows.
  /// Dropout has other masks in each. `step` makes its update from what was accumulated before and
  /// its own batch. The gradients wait in memory alone, in no file; a batch that is not finite
  /// undoes as in `step`, and forgets them.
  StepResult accumulate(const Batch<T>& x, const Targets<T>& y, const Index* rows, Index row_count,
                        std::uint64_t seed, T* output = nullptr,
                        const StepOptions<T>& options = {});
  StepResult accumulate(const Batch<T>& x, const Targets<T>& y, std::uint64_t seed = 0,
                        const StepOptions<T>& options = {}) {
    return accumulate(x, y, nullptr, x.samples, seed, nullptr, options);
  }
  StepResult accumulate(const std::vector<Batch<T>>& x, const std::vector<Targets<T>>& y,
                        const Index* rows, Index row_count, std::uint64_t seed,
                        const std::vector<T*>& output = {}, const StepOptions<T>& options = {});
  StepResult apply();         // loss and weight are those of all its batches
  Index accumulated() const;  // batches since the last update
  void forget_gradients();

  /// The gradients that `apply` would use, before clipping; zeros where nothing was accumulated,
  /// and of frozen parameters, whose gradients are not computed. They may be set to some of one's
  /// own, which must be finite.
  std::vector<T> get_gradient(const std::string& name) const;
  void set_gradient(const std::string& name, const T* values, Index count);

  /// The loss alone, without dropout. Like step, one call at a time on one trainer. `output`, when
  /// given, receives the predictions.
  StepResult evaluate(const Batch<T>& x, const Targets<T>& y, const Index* rows, Index row_count,
                      T* output = nullptr, const StepOptions<T>& options = {}) const;
  StepResult evaluate(const Batch<T>& x, const Targets<T>& y,
                      const StepOptions<T>& options = {}) const {
    return evaluate(x, y, nullptr, x.samples, nullptr, options);
  }

  /// The same of a network with any number of inputs, one batch for each, and of any number of
  /// losses, one entry of y for each; `output` has one entry for each output of the network, null
  /// where it is not wanted, or is empty.
  StepResult step(const std::vector<Batch<T>>& x, const std::vector<Targets<T>>& y,
                  const Index* rows, Index row_count, std::uint64_t seed,
                  const std::vector<T*>& output = {}, const StepOptions<T>& options = {});
  StepResult step(const std::vector<Batch<T>>& x, const std::vector<Targets<T>>& y,
                  std::uint64_t seed = 0, const StepOptions<T>& options = {}) {
    return step(x, y, nullptr, x.empty() ? 0 : x[0].samples, seed, {}, options);
  }
  StepResult evaluate(const std::vector<Batch<T>>& x, const std::vector<Targets<T>>& y,
                      const Index* rows, Index row_count, const std::vector<T*>& output = {},
                      const StepOptions<T>& options = {}) const;
  StepResult evaluate(const std::vector<Batch<T>>& x, const std::vector<Targets<T>>& y,
                      const StepOptions<T>& options = {}) const {
    return evaluate(x, y, nullptr, x.empty() ? 0 : x[0].samples, {}, options);
  }

  void set_learning_rate(double learning_rate);
  /// Multiplies the learning rate of the parameter of this name, or of all inside of what it stands
  /// for: "1" are those of layer 1. 0 freezes them, as a parameter that asks for no gradient in
  /// PyTorch: no update, no decay, no part in the norm that is clipped, and their state stands
  /// still; the way back ends where all before it are frozen. 1 at first. A step with all of them
  /// frozen throws InvalidArgument.
  void set_rate_factor(const std::string& name, double factor);
  void set_rate_factor(Index layer, double factor) {
    set_rate_factor(std::to_string(layer), factor);
  }
  double rate_factor(const std::string& name) const;  // of one parameter
  const LossSpec& loss() const;                       // the first
  const std::vector<OutputLoss>& losses() const;
  const OptimizerSpec& optimizer() const;  // with the learning rate in force
  const Network<T>& network() const;

  /// The optimiser's state: number of updates, and slot tensors named "slot.parameter"
  /// ("exp_avg.0.weight_ih_l0"). With the weights, it is all that resuming needs.
  Index iterations() const;
  void set_iterations(Index iterations);
  std::vector<TensorInfo> state() const;
  std::vector<T> get_state(const std::string& name) const;
  void get_state(const std::string& name, T* out, Index count) const;
  void set_state(const std::string& name, const T* values, Index count);

 private:
  friend struct Access;
  explicit Trainer(std::shared_ptr<TrainerImpl<T>> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<TrainerImpl<T>> impl_;
};

/// A model file: safetensors tensors plus JSON metadata. Reading one runs no code, reads no
/// byte outside the file and allocates no more than the file's size justifies.
///
/// A copy shares the network with its weights, also a copy of a const model; `clone` does not.
template <class T>
struct BasicModel {
  Network<T> network;
  std::map<std::string, std::string> metadata;  // free text that travels with the file

  /// Throws FileError, FormatError, or InvalidArgument when the file holds another dtype.
  static BasicModel load(const std::string& path);
  /// Loads from the bytes of a model file, which are needed during the call alone.
  static BasicModel load(const void* data, std::size_t size);

  /// Atomic: a file without a name beside the target, fsync, then the name. Throws FileError, and
  /// InvalidArgument for weights that are not finite or metadata that is not UTF-8.
  void save(const std::string& path) const;
  /// The bytes that `save` writes.
  std::vector<std::byte> to_bytes() const;

  BasicModel clone() const { return {network.clone(), metadata}; }

  void predict(const Batch<T>& x, T* y) const { network.predict(x, y); }
  void predict(const Batch<T>& x, std::vector<T>& y) const { network.predict(x, y); }
  std::vector<T> predict(const Batch<T>& x) const { return network.predict(x); }
  Stream<T> stream(Index batch_size = 1) const { return network.stream(batch_size); }
  Stream<T> stream(Index batch_size, const std::vector<Batch<T>>& held) const {
    return network.stream(batch_size, held);
  }
};

using Model = BasicModel<float>;
using ModelF64 = BasicModel<double>;

}  // namespace lstm_native
