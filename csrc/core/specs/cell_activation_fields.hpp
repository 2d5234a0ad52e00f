// A CellActivation as a field of a spec (see fields.hpp); its range is kCellFunctions.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "core/specs/activation_names.hpp"
#include "core/specs/fields.hpp"
#include "lstm_native/recurrent_layers.hpp"

namespace lstm_native {

template <std::size_t n>
void read_value(const nlohmann::json& from, const std::string& path, CellActivation& to,
                const NamedValue<CellFunction> (&functions)[n]) {
  ObjectReader reader(from, path);
  read_value(reader.required("function"), reader.path_of("function"), to.function, functions);
  to.alpha = reader.number("alpha", 0.0);
  to.beta = reader.number("beta", 0.0);
  reader.finish();
}

template <std::size_t n>
nlohmann::json write_value(const CellActivation& value,
                           const NamedValue<CellFunction> (&functions)[n]) {
  return {{"function", name_of(functions, value.function)},
          {"alpha", value.alpha},
          {"beta", value.beta}};
}

template <std::size_t n>
void check_value(const std::string& path, const CellActivation& value,
                 const NamedValue<CellFunction> (&functions)[n]) {
  check_value(path, value.function, functions);
  for (const double parameter : {value.alpha, value.beta})
    if (!std::isfinite(parameter)) refuse(path, "finite parameters", number_text(parameter));
}

inline bool same(const CellActivation& a, const CellActivation& b) {
  return a.function == b.function && a.alpha == b.alpha && a.beta == b.beta;
}

}  // namespace lstm_native
