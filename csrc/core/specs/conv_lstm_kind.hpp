// The kind of the convolutional LSTM: its fields, and what is known of it.
#pragma once

#include "core/specs/forget_bias.hpp"
#include "core/specs/layer_kind.hpp"
#include "core/specs/limits.hpp"
#include "lstm_native/conv_lstm.hpp"

namespace lstm_native {

template <class Visitor>
void fields(Visitor& v, const ConvLSTMSpec& s) {
  using Spec = ConvLSTMSpec;
  const auto values_of_a_pixel = [&s] { return integers(1, kMaxWidth / (s.height * s.width)); };
  v.required("height", &Spec::height, integers(1, kMaxWidth));
  v.required("width", &Spec::width, [&s] { return integers(1, kMaxWidth / s.height); });
  v.required("channels", &Spec::channels, values_of_a_pixel);
  v.required("filters", &Spec::filters, values_of_a_pixel);
  // A larger kernel has weights that see no pixel.
  v.always("kernel_height", &Spec::kernel_height, [&s] { return integers(1, 2 * s.height - 1); });
  v.always("kernel_width", &Spec::kernel_width, [&s] { return integers(1, 2 * s.width - 1); });
  v.always("return_sequences", &Spec::return_sequences);
  v.always("forget_bias", &Spec::forget_bias, finite_numbers());
  v.always("peephole", &Spec::peephole);
  v.always("reverse", &Spec::reverse);
  v.optional("bias", &Spec::bias);
}

template <>
struct LayerKind<ConvLSTMSpec> : CommonKind {
  static constexpr const char* type = "conv_lstm";
  static constexpr const char* name = "ConvLSTM";
  static constexpr OverTime over_time = OverTime::carries_state;
  static bool runs_backward(const ConvLSTMSpec& spec) { return spec.reverse; }

  static void check(const ConvLSTMSpec& spec, const LayerPlace& place) {
    check_forget_bias(spec, place.path);
  }
  static LayerCount count(const ConvLSTMSpec& spec, const InputFeatures&) {
    const Index taps = multiply_sizes(spec.kernel_height, spec.kernel_width);
    const Index row =
        add_sizes(multiply_sizes(taps, spec.channels + spec.filters), spec.bias ? 1 : 0);
    const Index outputs = spec.height * spec.width * spec.filters;
    return {add_sizes(multiply_sizes(4 * spec.filters, row), spec.peephole ? 3 * outputs : 0),
            2 + (spec.bias ? 1 : 0) + (spec.peephole ? 1 : 0), outputs};
  }
};

}  // namespace lstm_native
