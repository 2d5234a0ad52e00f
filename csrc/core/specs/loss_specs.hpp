// A loss as JSON and back, and the ranges of its settings.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "lstm_native/training.hpp"

namespace lstm_native {

nlohmann::json to_json(const LossSpec& loss);

/// Throws InvalidArgument for an unknown or missing key, a value of another type, and whatever
/// `validate` refuses. `path` names the value in the message.
LossSpec loss_from_json(const nlohmann::json& value, const std::string& path = "loss");

/// The same from and to text, for callers without a JSON library.
LossSpec parse_loss(const std::string& text);
std::string json_text(const LossSpec& loss);

/// Throws InvalidArgument, with expected and actual, when a value is out of range.
void validate(const LossSpec& loss, const std::string& path = "loss");

}  // namespace lstm_native
