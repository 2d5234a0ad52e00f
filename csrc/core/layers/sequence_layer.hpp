// The usual layer: one sequence in, one out, and perhaps a state.
#pragma once

#include "core/layers/layer.hpp"

namespace lstm_native {

/// Recurrent state of a layer: `count` tensors of layers x samples x features (h and, for an LSTM,
/// c). count 0: no state.
struct StateShape {
  Index count = 0, layers = 0;
  Index output_features = 0;  // of h
  Index cell_features = 0;    // of c

  Index features(Index tensor) const { return tensor == 0 ? output_features : cell_features; }
  Index size(Index tensor, Index samples) const { return layers * samples * features(tensor); }
};

/// Initial states in, final states out; pointers to layers x samples x features, each may be
/// null (zeros in, not wanted out).
template <class T>
struct States {
  const T* initial[2] = {nullptr, nullptr};
  T* final[2] = {nullptr, nullptr};
};

/// Gradients of the final states in, of the initial states out; pointers as in States.
template <class T>
struct StateGradients {
  const T* final[2] = {nullptr, nullptr};
  T* initial[2] = {nullptr, nullptr};
};

/// The tape of a SequenceLayer: its ports of values and those of states apart.
template <class T>
class SequenceTape : public Tape<T> {
 public:
  /// dy, dx: of the output and of the input, which may be null. gradients: one pointer per
  /// parameter, added to.
  virtual void backward(const T* dy, T* dx, const StateGradients<T>& states, T* const* gradients,
                        Workspace& workspace) = 0;

  void backward(const T* const* dy, T* const* dx, T* const* gradients, Workspace& workspace) final;

 private:
  template <class>
  friend class SequenceLayer;
  Index states_ = 0;  // tensors of state
};

/// Ports: "x" in, "y" out, and for each tensor of the state, "h" and "c", one in and one out.
template <class T>
class SequenceLayer : public Layer<T> {
 public:
  virtual Index vocabulary() const { return 0; }  // of a layer that takes tokens
  bool takes_tokens() const { return vocabulary() > 0; }
  virtual Index input_features() const = 0;
  virtual Index output_features() const = 0;

  /// Throws InvalidArgument when this layer cannot take input of so many steps (0: no time axis).
  virtual OutputShape output_shape(Index timesteps) const = 0;
  virtual StateShape state_shape() const { return {}; }

  /// y: samples x output row. x was checked. Returns null unless pass.remember.
  virtual std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                                   const Pass& pass) const = 0;

  std::vector<Port> inputs() const final {
    Port x{"x", input_features()};
    if (takes_tokens()) x = {"x", vocabulary(), Port::Kind::tokens};
    return with_states(x, /*optional=*/true);
  }
  std::vector<Port> outputs() const final {
    return with_states({"y", output_features()}, /*optional=*/false);
  }
  OutputShape output_shape(std::size_t port, const OutputShape* in) const final {
    if (port == 0) return output_shape(in[0].timesteps);
    return {0, state_shape().features(static_cast<Index>(port) - 1)};
  }
  std::unique_ptr<Tape<T>> forward(const Batch<T>* in, T* const* out,
                                   const Pass& pass) const final {
    States<T> states;
    const Index count = state_shape().count;
    for (Index i = 0; i < count; ++i) {
      states.initial[i] = in[1 + i].values;
      states.final[i] = out[1 + i];
    }
    auto tape = forward(in[0], out[0], states, pass);
    if (tape) tape->states_ = count;
    return tape;
  }

 private:
  std::vector<Port> with_states(Port first, bool optional) const {
    static const char* const names[] = {"h", "c"};
    const StateShape shape = state_shape();
    std::vector<Port> ports{first};
    for (Index i = 0; i < shape.count; ++i)
      ports.push_back({names[i], shape.features(i), Port::Kind::state, shape.layers, optional});
    return ports;
  }
};

}  // namespace lstm_native
