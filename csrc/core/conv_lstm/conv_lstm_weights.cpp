#include "core/conv_lstm/conv_lstm_weights.hpp"

#include <vector>

#include "kernels/cell_kinds.hpp"
#include "kernels/kernel_table.hpp"
#include "kernels/step_args.hpp"

namespace lstm_native {
namespace {

/// (rows, channels, taps) -> (rows, taps, channels): a patch holds its values tap by tap.
template <class T>
std::vector<T> tap_by_tap(const T* w, Index rows, Index channels, Index taps) {
  std::vector<T> out;
  out.reserve(static_cast<std::size_t>(rows * channels * taps));
  for (Index r = 0; r < rows; ++r)
    for (Index t = 0; t < taps; ++t)
      for (Index c = 0; c < channels; ++c) out.push_back(w[(r * channels + c) * taps + t]);
  return out;
}

/// The pointwise kernel, over all pixels at once; with peepholes, whose weights are a pixel's own,
/// pixel by pixel. call(kernels of the cell, first pixel, options or null) runs it for `rows`.
template <class T, class Call>
void for_pixels(const ConvLSTMWeights<T>& w, const Call& call) {
  const Index pixels = w.shape.pixels(), P = w.order.padded();
  if (w.peephole.empty())
    return call(cell_kernels(*w.kernels, CellKind::lstm), Index{0}, pixels,
                static_cast<const CellOptions<T>*>(nullptr));
  CellOptions<T> options;
  for (Index p = 0; p < pixels; ++p) {
    for (Index gate = 0; gate < 3; ++gate)
      options.peephole[gate] = w.peephole.data() + (gate * pixels + p) * P;
    call(cell_kernels(*w.kernels, CellKind::lstm_general), p, Index{1}, &options);
  }
}

template <class T>
void product(const ConvLSTMWeights<T>& w, const T* a, Index depth, Index cols,
             const AlignedVector<T>& packed, const T* bias, T* out, bool accumulate) {
  ProductArgs<T> args;
  args.rows = w.shape.pixels();
  args.depth = args.a_stride = depth;
  args.cols = args.out_stride = cols;
  args.a = a;
  args.packed = packed.data();
  args.bias = bias;
  args.out = out;
  args.accumulate = accumulate;
  w.kernels->product(args);
}

}  // namespace

template <class T>
void ConvLSTMWeights<T>::pack(const ConvLSTMSpec& spec, const KernelTable<T>& k,
                              const T* const* values) {
  kernels = &k;
  shape = {spec.height, spec.width, spec.kernel_height, spec.kernel_width};
  order = {4, spec.filters, kGateBlock<T>};
  channels = spec.channels;
  has_bias = spec.bias;
  const Index columns = order.columns();
  const auto both = [&](const T* w, Index from, AlignedVector<T>& there, AlignedVector<T>& back) {
    const Index depth = shape.taps() * from;
    const std::vector<T> by_tap = tap_by_tap(w, 4 * spec.filters, from, shape.taps());
    there.resize(static_cast<std::size_t>(columns * depth));
    pack_gates(k, order, depth, by_tap.data(), there.data());
    back.resize(static_cast<std::size_t>(packed_size(depth, columns, k.lanes)));
    pack_gates_transposed(k, order, depth, by_tap.data(), back.data());
  };
  both(values[0], channels, input, input_back);
  both(values[1], spec.filters, recurrent, recurrent_back);
  bias.assign(static_cast<std::size_t>(columns), T(0));
  if (has_bias)
    order.for_each([&](Index g, Index u, Index column) {
      bias[static_cast<std::size_t>(column)] = values[2][g * spec.filters + u];
    });
  peephole.clear();
  if (!spec.peephole) return;
  peephole.resize(static_cast<std::size_t>(3 * state_size()));
  pad(values[has_bias ? 3 : 2], 3, peephole.data());
}

template <class T>
void ConvLSTMWeights<T>::pad(const T* images, Index samples, T* out) const {
  const Index P = order.padded();
  for (Index p = 0; p < samples * shape.pixels(); ++p, out += P) {
    std::copy_n(images + p * filters(), filters(), out);
    std::fill_n(out + filters(), P - filters(), T(0));
  }
}

template <class T>
void ConvLSTMWeights<T>::unpad(const T* padded, Index samples, T* out) const {
  for (Index p = 0; p < samples * shape.pixels(); ++p)
    std::copy_n(padded + p * order.padded(), filters(), out + p * filters());
}

template <class T>
void forward_step(const ConvLSTMWeights<T>& w, const ConvLSTMStep<T>& s) {
  const Index columns = w.order.columns(), P = w.order.padded(), filters = w.filters();
  gather_patches<T>(w.shape, {s.x, w.channels}, w.channels, s.patches);
  product(w, s.patches, w.input_patch(), columns, w.input, w.bias.data(), s.gates, false);
  gather_patches<T>(w.shape, {s.h_prev, P}, filters, s.patches);
  product<T>(w, s.patches, w.recurrent_patch(), columns, w.recurrent, nullptr, s.gates, true);
  for_pixels(
      w, [&](const CellKernels<T>& cell, Index pixel, Index rows, const CellOptions<T>* options) {
        StepArgs<T> args;  // depth 0: the product is done
        args.rows = rows;
        args.hidden_size = args.unit_end = filters;
        args.recurrent = w.recurrent.data();
        args.gates = s.gates + pixel * columns;
        args.remember = s.remember;
        args.h_prev = s.h_prev + pixel * P;
        args.h_stride = P;
        args.c_prev = s.c_prev + pixel * P;
        args.h = s.h + pixel * P;
        args.c = s.c + pixel * P;
        args.y = s.y ? s.y + pixel * filters : nullptr;
        args.y_stride = filters;
        args.options = options;
        cell.step(args);
      });
}

template <class T>
void backward_step(const ConvLSTMWeights<T>& w, const ConvLSTMStepBack<T>& s) {
  const Index columns = w.order.columns(), P = w.order.padded(), filters = w.filters();
  for_pixels(
      w, [&](const CellKernels<T>& cell, Index pixel, Index rows, const CellOptions<T>* options) {
        StepBackwardArgs<T> args;
        args.rows = rows;
        args.hidden_size = args.unit_end = filters;
        args.c_prev = s.c_prev + pixel * P;
        args.c = s.c + pixel * P;
        args.dh = s.dh + pixel * P;
        args.dy = s.dy ? s.dy + pixel * filters : nullptr;
        args.dy_stride = filters;
        args.dc = s.dc + pixel * P;
        args.gates = s.gates + pixel * columns;
        args.options = options;
        cell.step_backward(args);
      });
  product<T>(w, s.gates, columns, w.recurrent_patch(), w.recurrent_back, nullptr, s.patches, false);
  std::fill_n(s.dh, w.state_size(), T(0));
  scatter_patches<T>(w.shape, s.patches, filters, {s.dh, P});
  if (!s.dx) return;
  product<T>(w, s.gates, columns, w.input_patch(), w.input_back, nullptr, s.patches, false);
  std::fill_n(s.dx, w.shape.pixels() * w.channels, T(0));
  scatter_patches<T>(w.shape, s.patches, w.channels, {s.dx, w.channels});
}

template struct ConvLSTMWeights<float>;
template struct ConvLSTMWeights<double>;
template void forward_step(const ConvLSTMWeights<float>&, const ConvLSTMStep<float>&);
template void forward_step(const ConvLSTMWeights<double>&, const ConvLSTMStep<double>&);
template void backward_step(const ConvLSTMWeights<float>&, const ConvLSTMStepBack<float>&);
template void backward_step(const ConvLSTMWeights<double>&, const ConvLSTMStepBack<double>&);

}  // namespace lstm_native
