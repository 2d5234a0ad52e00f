// What every layer is: parameters, a forward pass, and a tape that leads back.
#pragma once

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

/// Recurrent state of a layer: `count` tensors of layers x samples x features (h and, for an LSTM,
/// c). count 0: no state.
struct StateShape {
  Index count = 0, layers = 0;
  Index output_features = 0;  // of h
  Index cell_features = 0;    // of c

  Index features(Index tensor) const { return tensor == 0 ? output_features : cell_features; }
  Index size(Index tensor, Index samples) const { return layers * samples * features(tensor); }
};

/// How one pass is to run.
struct Pass {
  Workspace& workspace;    // what a tape keeps lives here
  bool remember = false;   // make a tape
  bool training = false;   // dropout acts
  std::uint64_t seed = 0;  // decides the dropout masks
  // What layers ask to be added to the loss goes here, in training. Null: there is no loss, and
  // the tape's gradients have no part of it either.
  double* penalty = nullptr;
  // A Dense or Activation leaves its activation out, also on the way back.
  bool before_activation = false;
};

/// Initial states in, final states out; pointers to layers x samples x features, each may be
/// null (zeros in, not wanted out).
template <class T>
struct States {
  const T* initial[2] = {nullptr, nullptr};
  T* final[2] = {nullptr, nullptr};
};

/// The same for gradients: of the final states in, of the initial states out.
template <class T>
struct StateGradients {
  const T* final[2] = {nullptr, nullptr};
  T* initial[2] = {nullptr, nullptr};
};

/// What one forward pass remembers. Valid while the pass's workspace, its input (and its lengths),
/// its output (see Layer::tape_reads_output) and the layer's weights are; can lead back once, for
/// memory is reused on the way.
template <class T>
class Tape {
 public:
  virtual ~Tape() = default;

  /// dy: gradient of the output. dx: receives the gradient of the input, or null.
  /// gradients: one pointer per parameter, added to.
  virtual void backward(const T* dy, T* dx, const StateGradients<T>& states, T* const* gradients,
                        Workspace& workspace) = 0;
};

template <class T>
class LayerStream;

/// What a layer does with sequences of different lengths.
enum class LengthsUse {
  refused,   // cannot take them
  by_rows,   // takes each step for itself, so that the true steps can be handed over as plain rows
  honoured,  // reads x.lengths: nothing behind them, in x or dy; writes zeros there, in y and dx
};

template <class T>
class Layer {
 public:
  virtual ~Layer() = default;
  Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  virtual LayerSpec spec() const = 0;
  virtual bool takes_tokens() const { return false; }
  virtual Index input_features() const = 0;
  virtual Index output_features() const = 0;

  /// Throws InvalidArgument when this layer cannot take input of so many steps (0: no time axis).
  virtual OutputShape output_shape(Index timesteps) const = 0;
  virtual StateShape state_shape() const { return {}; }
  virtual LengthsUse lengths_use() const { return LengthsUse::refused; }

  /// All that the layer computes with, in a fixed order: that of a tape's gradients. After writing
  /// to a value, call parameters_changed of the layer that owns it.
  virtual std::vector<Parameter<T>*> parameters() { return {}; }
  /// How many of them, the first, belong to another layer (see Chain).
  virtual std::size_t borrowed_parameters() const { return 0; }
  void parameters_changed() {
    ++version_;
    drop_packed();
  }
  Index version() const { return version_; }  // how often the weights have changed

  /// y: samples x output row. x was checked. Returns null unless pass.remember.
  virtual std::unique_ptr<Tape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const = 0;

  /// Whether a tape looks at the pass's output again, which must then stay as it was.
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
