// The settings of each loss, as files have them, and their ranges.
#pragma once

#include <limits>
#include <string>
#include <vector>

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

template <class Visitor>
void fields(Visitor& v, const BinaryFocalLoss&) {
  v.optional("gamma", &BinaryFocalLoss::gamma, not_negative());
  v.optional("alpha", &BinaryFocalLoss::alpha, fractions());
  v.optional("from_logits", &BinaryFocalLoss::outputs);
}
template <class Visitor>
void fields(Visitor& v, const CategoricalFocalLoss&) {
  v.optional("gamma", &CategoricalFocalLoss::gamma, not_negative());
  v.optional("from_logits", &CategoricalFocalLoss::outputs);
  v.optional("ignore_index", &CategoricalFocalLoss::ignore_index);
}
template <class Visitor>
void fields(Visitor&, const CosineLoss&) {}

/// Some numbers between 0 and 1, each above the one before.
struct Quantiles {};
inline void check_value(const std::string& path, const std::vector<double>& values,
                        const Quantiles&) {
  double before = 0;
  for (const double value : values) {
    if (!(value > before && value < 1))
      refuse(path, "ascending numbers between 0 and 1", number_text(value));
    before = value;
  }
  if (values.empty()) refuse(path, "at least one number", "none");
}
template <class Visitor>
void fields(Visitor& v, const QuantileLoss&) {
  v.always("quantiles", &QuantileLoss::quantiles, Quantiles{});
}

inline constexpr NamedValue<PositiveLink> kPositiveLinks[] = {{"softplus", PositiveLink::softplus},
                                                              {"exp", PositiveLink::exp}};
static_assert(in_order(kPositiveLinks));
template <class Visitor>
void fields(Visitor& v, const PoissonLoss&) {
  v.optional("link", &PoissonLoss::link, kPositiveLinks);
}
template <class Visitor>
void fields(Visitor& v, const NegativeBinomialLoss&) {
  v.optional("link", &NegativeBinomialLoss::link, kPositiveLinks);
}
template <class Visitor>
void fields(Visitor& v, const GaussianLoss&) {
  v.optional("link", &GaussianLoss::link, kPositiveLinks);
  v.optional("minimum_scale", &GaussianLoss::minimum_scale, not_negative());
}
template <class Visitor>
void fields(Visitor& v, const StudentTLoss&) {
  v.optional("link", &StudentTLoss::link, kPositiveLinks);
  v.optional("minimum_scale", &StudentTLoss::minimum_scale, not_negative());
}
template <class Visitor>
void fields(Visitor& v, const GaussianMixture2DLoss&) {
  v.optional("pen", &GaussianMixture2DLoss::pen);
  v.optional("link", &GaussianMixture2DLoss::link, kPositiveLinks);
  v.optional("minimum_scale", &GaussianMixture2DLoss::minimum_scale, not_negative());
}
template <class Visitor>
void fields(Visitor&, const UnitGaussianKLLoss&) {}
template <class Visitor>
void fields(Visitor& v, const CTCLoss&) {
  v.optional("blank", &CTCLoss::blank, integers(0, std::numeric_limits<Index>::max()));
  v.optional("zero_infinity", &CTCLoss::zero_infinity);
  v.optional("per_label", &CTCLoss::per_label);
  v.optional("from_logits", &CTCLoss::outputs);
}
template <class Visitor>
void fields(Visitor& v, const FunctionLoss&) {
  v.always("label", &FunctionLoss::label);
  v.optional("target_features", &FunctionLoss::target_features,
             integers(0, std::numeric_limits<Index>::max()));
  v.optional("labels", &FunctionLoss::labels);
}

}  // namespace lstm_native
