// The settings of each loss, as files have them, and their ranges.
#pragma once

#include "core/specs/fields.hpp"
#include "lstm_native/losses.hpp"

namespace lstm_native {

/// A file says from_logits: true, false, or nothing.
inline void read_value(const nlohmann::json& from, const std::string& path, OutputReading& to,
                       const Any&) {
  to = from.is_null()           ? OutputReading::automatic
       : as_boolean(from, path) ? OutputReading::logits
                                : OutputReading::probabilities;
}
inline nlohmann::json write_value(OutputReading value, const Any&) {
  return value == OutputReading::logits;
}
inline void check_value(const std::string& path, OutputReading value, const Any&) {
  check_value(path, static_cast<Index>(value),
              integers(0, static_cast<Index>(OutputReading::probabilities)));
}

template <class Visitor>
void fields(Visitor&, const MSELoss&) {}
template <class Visitor>
void fields(Visitor&, const MAELoss&) {}
template <class Visitor>
void fields(Visitor& v, const HuberLoss&) {
  v.always("delta", &HuberLoss::delta, positive());
}
template <class Visitor>
void fields(Visitor& v, const BinaryCrossentropyLoss&) {
  v.optional("from_logits", &BinaryCrossentropyLoss::outputs);
  v.optional("label_smoothing", &BinaryCrossentropyLoss::label_smoothing, fractions());
}
template <class Visitor>
void fields(Visitor& v, const CategoricalCrossentropyLoss&) {
  v.optional("from_logits", &CategoricalCrossentropyLoss::outputs);
  v.optional("label_smoothing", &CategoricalCrossentropyLoss::label_smoothing, fractions());
  v.optional("ignore_index", &CategoricalCrossentropyLoss::ignore_index);
}

}  // namespace lstm_native
