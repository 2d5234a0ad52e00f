// What every layer is: parameters, a forward pass, and a tape that leads back.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/base/random.hpp"
#include "core/base/workspace.hpp"
#include "lstm_native/error.hpp"
#include "lstm_native/layers.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

template <class T>
struct Parameter {
  TensorInfo info;
  std::vector<T> value;
  bool trained = true;  // false: saved with the others, and left alone by the optimiser
};

/// A parameter of zeros. Throws OutOfMemory.
template <class T>
Parameter<T> make_parameter(std::string name, std::vector<Index> shape) {
  Parameter<T> parameter{{std::move(name), std::move(shape)}, {}};
  const TensorInfo& info = parameter.info;
  const auto refuse = [&] {
    const double bytes = static_cast<double>(info.size()) * sizeof(T);
    return OutOfMemory(bytes, ("parameter " + info.name).c_str());
  };
  try {
    parameter.value.resize(static_cast<std::size_t>(info.size()));
  } catch (const std::bad_alloc&) {
    throw refuse();
  } catch (const std::length_error&) {
    throw refuse();
  }
  return parameter;
}

/// How one pass is to run.
struct Pass {
  Workspace& workspace;    // what a tape keeps lives here
  bool remember = false;   // make a tape
  bool training = false;   // dropout acts
  std::uint64_t seed = 0;  // decides the dropout masks
  // What layers ask to be added to the loss goes here, in training. Null: there is no loss, and
  // the tape's gradients have no part of it either.
  double* penalty = nullptr;
  // What is to be done when the training step has been taken, and not when it is taken back:
  // running statistics move. Null: nothing.
  std::vector<std::function<void()>>* when_taken = nullptr;
  // A Dense or Activation leaves its activation out, also on the way back.
  bool before_activation = false;
  // No sequence of the batch has a step: the one row of zeros stands for none (TrueSteps).
  bool no_steps = false;
  // Addresses of the parameters that are not trained now (Parameter): frozen running statistics are
  // used in training too, and stay. Null: none.
  const std::vector<const void*>* frozen = nullptr;

  bool is_frozen(const void* parameter) const {
    return frozen && std::find(frozen->begin(), frozen->end(), parameter) != frozen->end();
  }
};

/// For an input port that takes any number of features.
constexpr Index kAnyFeatures = -1;

/// Where something enters a layer, or leaves it.
struct Port {
  enum class Kind {
    values,  // samples x timesteps x features
    tokens,  // samples x timesteps indices
    state    // stacked x samples x features
  };
  const char* name;    // "x", "memory", "h"
  Index features = 0;  // of a row; for tokens how many there are, 0: not said
  Kind kind = Kind::values;
  Index stacked = 1;      // of a state: runs one above the other
  bool optional = false;  // of an input: may be left out
};

/// What one forward pass remembers. Valid while the pass's workspace, its inputs (and their
/// lengths), its outputs (see Layer::tape_reads_output) and the layer's weights are; can lead back
/// once, for memory is reused on the way.
template <class T>
class Tape {
 public:
  virtual ~Tape() = default;

  /// dy: for each output port its gradient; null: zeros, but never for the first port.
  /// dx: for each input port what receives its gradient, or null. Written, not added to; zeros
  /// behind the end of a sequence.
  /// gradients: one pointer per parameter, added to.
  virtual void backward(const T* const* dy, T* const* dx, T* const* gradients,
                        Workspace& workspace) = 0;
};

template <class T>
class LayerStream;

/// What a layer does with sequences of different lengths.
enum class LengthsUse {
  refused,  // cannot take them
  by_rows,  // takes each step for itself, so that the true steps can be handed over as plain rows
  // Reads the inputs' lengths: nothing behind them, in x or dy; writes zeros there, in y and dx.
  honoured,
};

/// Computes with what stands at its input ports; what it answers leaves at its output ports. Most
/// layers have one of each and are a SequenceLayer.
template <class T>
class Layer {
 public:
  virtual ~Layer() = default;
  Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  virtual LayerSpec spec() const = 0;
  virtual std::vector<Port> inputs() const = 0;
  virtual std::vector<Port> outputs() const = 0;

  /// Of an output port, where such shapes stand at the input ports (features 0: an input that is
  /// left out). For a state port the shape of one of its stacked runs. Throws InvalidArgument when
  /// this layer cannot take them.
  virtual OutputShape output_shape(std::size_t port, const OutputShape* in) const = 0;

  /// The lengths of what leaves at a port with a time axis: null where all steps are true. In
  /// memory of the workspace, or the input's own.
  virtual const Index* output_lengths(std::size_t port, const Batch<T>* in,
                                      Workspace& workspace) const {
    (void)port;
    (void)workspace;
    return in[0].lengths;
  }
  virtual LengthsUse lengths_use() const { return LengthsUse::refused; }

  /// All that the layer computes with, in a fixed order: that of a tape's gradients. After writing
  /// to a value, call parameters_changed of the layer that owns it.
  virtual std::vector<Parameter<T>*> parameters() { return {}; }
  /// How many of them, the first, belong to another layer (a tied Dense).
  virtual std::size_t borrowed_parameters() const { return 0; }
  void parameters_changed() {
    ++version_;
    drop_packed();
  }
  Index version() const { return version_; }  // how often the weights have changed

  /// in: one batch for each input port, checked; without values and tokens where an optional input
  /// is left out. out: for each output port memory for samples x output row; null where it is not
  /// wanted, which the first port's never is. Returns null unless pass.remember.
  virtual std::unique_ptr<Tape<T>> forward(const Batch<T>* in, T* const* out,
                                           const Pass& pass) const = 0;

  /// Whether it may add to the loss in training (Pass::penalty), so that its tape is led back even
  /// where no gradient comes.
  virtual bool adds_to_loss() const { return false; }

  /// Whether a tape looks at the pass's outputs again, which must then stay as they were.
  virtual bool tape_reads_output() const { return true; }

  /// The layer one step at a time, for so many rows, with its present weights
  /// (core/layers/layer_stream.hpp). Throws InvalidArgument when it cannot run so.
  virtual std::unique_ptr<LayerStream<T>> stream(Index rows) const = 0;

 private:
  virtual void drop_packed() {}  // whatever was derived from the weights
  Index version_ = 0;
};

inline Index rows_of(Index samples, Index timesteps) {
  return samples * (timesteps ? timesteps : 1);
}

/// The rows of a sample that are not padding.
template <class T>
Index true_rows(const Batch<T>& x, Index sample) {
  return x.lengths ? x.lengths[sample] : rows_of(1, x.timesteps);
}

}  // namespace lstm_native
