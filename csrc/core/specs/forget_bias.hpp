// The rule of forget_bias, for the cells that have a forget gate.
#pragma once

#include <string>

#include "core/base/message_text.hpp"
#include "core/specs/ranges.hpp"

namespace lstm_native {

/// Without bias there is nothing that it could be the initial value of.
template <class Spec>
void check_forget_bias(const Spec& spec, const std::string& path) {
  const double standard = Spec{}.forget_bias;
  if (!spec.bias && spec.forget_bias != standard)
    refuse(path + ".forget_bias", number_text(standard) + ", as it is by default, without bias",
           number_text(spec.forget_bias));
}

}  // namespace lstm_native
