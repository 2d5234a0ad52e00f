#include "core/conv_lstm/conv_lstm_gradient.hpp"

#include "core/runtime/threads.hpp"
#include "kernels/kernel_table.hpp"
#include "kernels/product_args.hpp"
#include "kernels/step_args.hpp"

namespace lstm_native {
namespace {

/// Rows that one product sums over, about: each reads and writes all sums.
constexpr Index kRows = 256;

/// The kernels' gradients, summed as (patch value, column of gates).
template <class T>
struct Sums {
  T* input;
  T* recurrent;
  T* bias;
};

/// The columns [begin, end) of all sums. patches: chunk * pixels x (both patches); scratch: of
/// gradient_product.
template <class T>
void sum_columns(const ConvLSTMWeights<T>& w, const std::vector<ConvLSTMSample<T>>& samples,
                 Index chunk, Index begin, Index end, const Sums<T>& sums, T* patches, T* scratch) {
  const Index pixels = w.shape.pixels(), P = w.order.padded(), columns = w.order.columns();
  const Index input = w.input_patch(), recurrent = w.recurrent_patch();
  T* of_h = patches + chunk * pixels * input;
  for (const ConvLSTMSample<T>& sample : samples)
    for (Index s = 0; s < sample.steps; s += chunk) {
      const Index count = std::min(chunk, sample.steps - s);
      for (Index i = 0; i < count; ++i) {
        gather_patches<T>(w.shape, {sample.x + (s + i) * sample.x_stride, w.channels}, w.channels,
                          patches + i * pixels * input);
        gather_patches<T>(w.shape, {sample.h + (s + i) * w.state_size(), P}, w.filters(),
                          of_h + i * pixels * recurrent);
      }
      GradientProductArgs<T> args;
      args.samples = args.per_step = count * pixels;
      args.left[0] = {input, patches, 0, input, sums.input};
      args.left[1] = {recurrent, of_h, 0, recurrent, sums.recurrent};
      args.b = sample.gates + s * w.gates_size();
      args.b_stride = args.out_stride = columns;
      args.begin = begin;
      args.end = end;
      args.sums = sums.bias;
      args.scratch = scratch;
      w.kernels->gradient_product(args);
    }
}

/// From (tap, channel) x columns to (4 filters, channels, taps).
template <class T>
void deliver(const ConvLSTMWeights<T>& w, Index channels, const T* sums, T* gradient) {
  const Index taps = w.shape.taps(), columns = w.order.columns();
  w.order.for_each([&](Index g, Index u, Index column) {
    T* to = gradient + (g * w.filters() + u) * channels * taps;
    for (Index c = 0; c < channels; ++c)
      for (Index t = 0; t < taps; ++t, ++to) *to += sums[(t * channels + c) * columns + column];
  });
}

/// The peepholes of i and f look at c before the step, that of o at c behind it.
template <class T>
void add_peephole(const ConvLSTMWeights<T>& w, const std::vector<ConvLSTMSample<T>>& samples,
                  T* gradient) {
  const Index pixels = w.shape.pixels(), filters = w.filters(), P = w.order.padded();
  const double work = static_cast<double>(samples.size()) * static_cast<double>(w.gates_size());
  parallel_for(pixels, work, [&](Index begin, Index end) {
    for (const ConvLSTMSample<T>& sample : samples)
      for (Index s = 0; s < sample.steps; ++s)
        for (Index p = begin; p < end; ++p) {
          const T* gates = sample.gates + s * w.gates_size() + p * w.order.columns();
          const T* before = sample.c + s * w.state_size() + p * P;
          const T* behind = before + w.state_size();
          T* to = gradient + p * filters;
          for (Index u = 0; u < filters; ++u) {
            to[u] += gates[w.order.column(0, u)] * before[u];
            to[pixels * filters + u] += gates[w.order.column(1, u)] * before[u];
            to[2 * pixels * filters + u] += gates[w.order.column(3, u)] * behind[u];
          }
        }
  });
}

}  // namespace

template <class T>
void add_conv_lstm_gradients(const ConvLSTMWeights<T>& w,
                             const std::vector<ConvLSTMSample<T>>& samples, T* const* gradients,
                             Workspace& workspace) {
  const Workspace::Scope scope(workspace);
  const Index pixels = w.shape.pixels(), columns = w.order.columns();
  const Index input = w.input_patch(), recurrent = w.recurrent_patch();
  const Sums<T> sums{workspace.take_zeros<T>(input * columns),
                     workspace.take_zeros<T>(recurrent * columns),
                     workspace.take_zeros<T>(columns)};
  Index steps = 0, longest = 1;
  for (const auto& sample : samples) {
    steps += sample.steps;
    longest = std::max(longest, sample.steps);
  }
  const Index chunk = std::min(longest, std::max<Index>(kRows / pixels, 1));
  const Index width = 4 * w.kernels->lanes, panels = (columns + width - 1) / width;
  const double work =
      static_cast<double>(steps * pixels) * static_cast<double>((input + recurrent) * columns);
  const Index parts = parallel_parts(panels, work);
  const Index patches = chunk * pixels * (input + recurrent);
  const Index scratch = w.kernels->gradient_scratch(chunk * pixels, input + recurrent);
  T* memory = workspace.take<T>(parts * (patches + scratch));
  run_parts(parts, panels, [&](Index part, Index begin, Index end) {
    T* own = memory + part * (patches + scratch);
    sum_columns(w, samples, chunk, begin * width, std::min(end * width, columns), sums, own,
                own + patches);
  });
  deliver(w, w.channels, sums.input, gradients[0]);
  deliver(w, w.filters(), sums.recurrent, gradients[1]);
  if (w.has_bias)
    w.order.for_each([&](Index g, Index u, Index column) {
      gradients[2][g * w.filters() + u] += sums.bias[column];
    });
  if (!w.peephole.empty()) add_peephole(w, samples, gradients[w.has_bias ? 3 : 2]);
}

template void add_conv_lstm_gradients(const ConvLSTMWeights<float>&,
                                      const std::vector<ConvLSTMSample<float>>&, float* const*,
                                      Workspace&);
template void add_conv_lstm_gradients(const ConvLSTMWeights<double>&,
                                      const std::vector<ConvLSTMSample<double>>&, double* const*,
                                      Workspace&);

}  // namespace lstm_native
