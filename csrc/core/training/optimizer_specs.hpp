// An optimiser as JSON and back, and the ranges of its settings.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "lstm_native/training.hpp"

namespace lstm_native {

nlohmann::json to_json(const OptimizerSpec& optimizer);

/// Throws InvalidArgument for an unknown or missing key, a value of another type, and whatever
/// `validate` refuses. `path` names the value in the message.
OptimizerSpec optimizer_from_json(const nlohmann::json& value,
                                  const std::string& path = "optimizer");

/// The same from and to text, for callers without a JSON library.
OptimizerSpec parse_optimizer(const std::string& text);
std::string json_text(const OptimizerSpec& optimizer);

/// Throws InvalidArgument, with expected and actual, when a value is out of range.
void validate(const OptimizerSpec& optimizer, const std::string& path = "optimizer");

}  // namespace lstm_native
