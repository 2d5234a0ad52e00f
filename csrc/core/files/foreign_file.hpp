// Files that are no model files: what they seem to be, and how their weights come to us.
#pragma once

#include <string>
#include <string_view>

#include "core/files/atomic_file.hpp"
#include "core/files/safetensors.hpp"

namespace lstm_native {

inline bool starts(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

/// What to say of bytes that are no safetensors file at first sight: "not a model file of
/// lstm_native: it looks like ...; to use it, ...". Empty for what may be one. Throws FileError.
std::string foreign_file(const ByteSource& source);

/// What to say of a safetensors file that another program wrote, in the words of foreign_file.
std::string foreign_tensors(const SafetensorsHeader& header);

}  // namespace lstm_native
