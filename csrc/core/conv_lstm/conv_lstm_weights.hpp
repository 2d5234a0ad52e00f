// The weights of a ConvLSTM as its kernels read them, and one step with them.
#pragma once

#include "core/base/aligned.hpp"
#include "core/conv_lstm/conv_patches.hpp"
#include "core/numeric/packing.hpp"
#include "lstm_native/conv_lstm.hpp"

namespace lstm_native {

/// Each pixel is a row for the pointwise kernels, with `filters` hidden units: P values, in gate
/// order 4 P. A patch holds its values tap by tap.
template <class T>
struct ConvLSTMWeights {
  const KernelTable<T>* kernels;
  ConvShape shape;
  GateOrder order;
  Index channels;
  // For products with patches of the input and of h; transposed, with gradients of the gates.
  AlignedVector<T> input, recurrent, input_back, recurrent_back;
  AlignedVector<T> bias;  // 4 P; zeros without one
  bool has_bias = true;
  AlignedVector<T> peephole;  // 3 x pixels x P, of i, f, o; empty: none

  Index filters() const { return order.hidden_size; }
  Index state_size() const { return shape.pixels() * order.padded(); }  // h or c of a sample
  Index gates_size() const { return shape.pixels() * order.columns(); }
  Index input_patch() const { return shape.taps() * channels; }
  Index recurrent_patch() const { return shape.taps() * filters(); }
  Index patches_size() const { return shape.pixels() * std::max(input_patch(), recurrent_patch()); }

  /// Images of so many samples, pixels `filters` values apart, to rows of P, zeros behind; and
  /// back.
  void pad(const T* images, Index samples, T* out) const;
  void unpad(const T* padded, Index samples, T* out) const;

  /// values: of weight_ih, weight_hh and, if there are such, bias and peephole.
  void pack(const ConvLSTMSpec& spec, const KernelTable<T>& k, const T* const* values);
};

/// One step of one sample. Images of h and c have pixels P values apart.
template <class T>
struct ConvLSTMStep {
  const T* x;  // pixels x channels
  const T* h_prev;
  const T* c_prev;
  T* h;        // may not alias h_prev
  T* c;        // may alias c_prev
  T* y;        // pixels x filters, or null
  T* gates;    // gates_size; receives what the way back reads when `remember`
  T* patches;  // patches_size, scratch
  bool remember;
};

template <class T>
void forward_step(const ConvLSTMWeights<T>& weights, const ConvLSTMStep<T>& step);

/// The way back through a step.
template <class T>
struct ConvLSTMStepBack {
  const T* c_prev;
  const T* c;
  const T* dy;  // pixels x filters, or null
  T* dh;        // in: of h, from the step after; out: of h_prev
  T* dc;        // in: of c, from the step after; out: of c_prev
  T* gates;     // in: as the step left them; out: gradients of the sums before activation
  T* dx;        // pixels x channels, or null
  T* patches;   // patches_size, scratch
};

template <class T>
void backward_step(const ConvLSTMWeights<T>& weights, const ConvLSTMStepBack<T>& step);

}  // namespace lstm_native
