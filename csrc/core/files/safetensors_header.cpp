// The header of a safetensors file, read as if an enemy had written it.
#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/base/message_text.hpp"
#include "core/files/safetensors.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxRank = 32;

[[noreturn]] void refuse(const std::string& what, const std::string& expected,
                         const std::string& actual) {
  throw FormatError(what + ": expected " + expected + ", got " + actual);
}

/// Receives the header piece by piece, accepts only what may come next, and so never builds a
/// tree: nesting and size are bounded by the format itself.
class HeaderHandler : public nlohmann::json_sax<json> {
 public:
  explicit HeaderHandler(SafetensorsHeader& header) : header_(header) {}

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("true or false"); }
  bool number_integer(number_integer_t value) override { return unexpected(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override {
    return unexpected(printable(text));
  }
  bool binary(binary_t&) override { return unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ == Place::shape) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<Index>::max()))
        return unexpected(std::to_string(value));
      if (tensor_->shape.size() == kMaxRank)
        refuse(where(), "at most " + std::to_string(kMaxRank) + " axes", "more");
      tensor_->shape.push_back(static_cast<Index>(value));
    } else if (place_ == Place::offsets && offsets_read_ < 2) {
      (offsets_read_++ == 0 ? tensor_->begin : tensor_->end) = value;
    } else {
      return unexpected(std::to_string(value));
    }
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::metadata_value) {
      *text_ = std::move(value);
      place_ = Place::metadata;
    } else if (place_ == Place::dtype) {
      if (!element_size(value)) return unexpected(in_quotes(value));
      tensor_->dtype = std::move(value);
      place_ = Place::tensor;
    } else {
      return unexpected(in_quotes(value));
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::start)
      place_ = Place::top;
    else if (place_ == Place::metadata_start)
      place_ = Place::metadata;
    else if (place_ == Place::tensor_start)
      place_ = Place::tensor;
    else
      return unexpected("an object");
    return true;
  }

  bool end_object() override {
    if (place_ == Place::tensor) finish_tensor();
    place_ = place_ == Place::top ? Place::done : Place::top;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::shape_start)
      place_ = Place::shape;
    else if (place_ == Place::offsets_start)
      place_ = Place::offsets;
    else
      return unexpected("an array");
    return true;
  }

  bool end_array() override {
    if (place_ == Place::offsets && offsets_read_ != 2)
      refuse(where(), "two offsets", std::to_string(offsets_read_));
    place_ = Place::tensor;
    return true;
  }

  bool key(string_t& key) override {
    if (place_ == Place::metadata) {
      const auto [entry, is_new] = header_.metadata.try_emplace(std::move(key));
      if (!is_new) repeated(entry->first);
      text_ = &entry->second;
      place_ = Place::metadata_value;
    } else if (place_ == Place::tensor) {
      tensor_key(key);
    } else if (key == kMetadataKey) {
      if (std::exchange(metadata_seen_, true)) repeated(key);
      place_ = Place::metadata_start;
    } else {
      const auto [entry, is_new] = header_.tensors.try_emplace(std::move(key));
      if (!is_new) repeated(entry->first);
      name_ = &entry->first;
      tensor_ = &entry->second;
      dtype_seen_ = shape_seen_ = offsets_seen_ = false;
      place_ = Place::tensor_start;
    }
    return true;
  }

  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception&) override {
    throw FormatError("header: expected JSON in UTF-8, got an error at byte " +
                      std::to_string(position) + " after " + in_quotes(token));
  }

 private:
  // What the next piece belongs to.
  enum class Place {
    start,
    top,
    metadata_start,
    metadata,
    metadata_value,
    tensor_start,
    tensor,
    dtype,
    shape_start,
    shape,
    offsets_start,
    offsets,
    done
  };

  void tensor_key(const std::string& key) {
    bool* seen = nullptr;
    if (key == "dtype") {
      seen = &dtype_seen_;
      place_ = Place::dtype;
    } else if (key == "shape") {
      seen = &shape_seen_;
      place_ = Place::shape_start;
    } else if (key == "data_offsets") {
      seen = &offsets_seen_;
      offsets_read_ = 0;
      place_ = Place::offsets_start;
    } else {
      refuse(where(), R"(only keys "dtype", "shape", "data_offsets")", in_quotes(key));
    }
    if (std::exchange(*seen, true)) repeated(key);
  }

  void finish_tensor() const {
    for (const auto& [seen, key] :
         {std::pair{dtype_seen_, "dtype"}, {shape_seen_, "shape"}, {offsets_seen_, "data_offsets"}})
      if (!seen) refuse(where(), std::string("key \"") + key + '"', "none");
  }

  std::string where() const {
    const std::string tensor = name_ ? "tensor " + in_quotes(*name_) : "tensor";
    switch (place_) {
      case Place::metadata_start:
      case Place::metadata:
      case Place::metadata_value: return kMetadataKey;
      case Place::tensor_start:
      case Place::tensor: return tensor;
      case Place::dtype: return tensor + ".dtype";
      case Place::shape_start:
      case Place::shape: return tensor + ".shape";
      case Place::offsets_start:
      case Place::offsets: return tensor + ".data_offsets";
      default: return "header";
    }
  }

  bool unexpected(const std::string& actual) const {
    switch (place_) {
      case Place::metadata_value: refuse(where(), "strings only", actual);
      case Place::dtype: refuse(where(), "a dtype of the format", actual);
      case Place::shape_start:
      case Place::offsets_start: refuse(where(), "an array", actual);
      case Place::shape: refuse(where(), "integers from 0 to 2^63 - 1", actual);
      case Place::offsets: refuse(where(), "two integers >= 0", actual);
      default: refuse(where(), "an object", actual);
    }
  }

  [[noreturn]] void repeated(const std::string& key) const {
    refuse(where(), "each key once", in_quotes(key) + " twice");
  }

  SafetensorsHeader& header_;
  Place place_ = Place::start;
  bool metadata_seen_ = false;
  std::string* text_ = nullptr;        // metadata value to come
  const std::string* name_ = nullptr;  // of the tensor being read
  StoredTensor* tensor_ = nullptr;
  bool dtype_seen_ = false, shape_seen_ = false, offsets_seen_ = false;
  int offsets_read_ = 0;
};

/// Each tensor must have the bytes that its shape needs, and together they must fill the data.
void check_layout(const SafetensorsHeader& header, std::uint64_t data_size) {
  std::vector<const std::pair<const std::string, StoredTensor>*> order;
  for (const auto& entry : header.tensors) order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  std::uint64_t at = 0;
  for (const auto* entry : order) {
    const StoredTensor& tensor = entry->second;
    const std::string what = "tensor " + in_quotes(entry->first);
    const std::string range =
        "bytes " + std::to_string(tensor.begin) + " to " + std::to_string(tensor.end);
    if (tensor.begin != at)
      refuse(what, "a start at byte " + std::to_string(at) + ", without hole or overlap", range);
    if (tensor.end < tensor.begin || tensor.end > data_size)
      refuse(what, "an end within the " + std::to_string(data_size) + " bytes of data", range);
    const auto needed = byte_size(tensor.shape, *element_size(tensor.dtype));
    if (!needed || *needed != tensor.end - tensor.begin)
      refuse(what,
             (needed ? std::to_string(*needed) : "more than 2^63") + " bytes for " + tensor.dtype +
                 ' ' + shape_text(tensor.shape),
             range);
    at = tensor.end;
  }
  if (at != data_size)
    refuse("tensors", std::to_string(data_size) + " bytes in all, as in the file",
           std::to_string(at));
}

}  // namespace

std::optional<std::uint64_t> element_size(std::string_view dtype) {
  static constexpr std::array<std::pair<std::string_view, std::uint64_t>, 16> sizes{{{"BOOL", 1},
                                                                                     {"U8", 1},
                                                                                     {"I8", 1},
                                                                                     {"F8_E5M2", 1},
                                                                                     {"F8_E4M3", 1},
                                                                                     {"F8_E8M0", 1},
                                                                                     {"I16", 2},
                                                                                     {"U16", 2},
                                                                                     {"F16", 2},
                                                                                     {"BF16", 2},
                                                                                     {"I32", 4},
                                                                                     {"U32", 4},
                                                                                     {"F32", 4},
                                                                                     {"I64", 8},
                                                                                     {"U64", 8},
                                                                                     {"F64", 8}}};
  for (const auto& [name, size] : sizes)
    if (name == dtype) return size;
  return std::nullopt;
}

std::optional<std::uint64_t> byte_size(const std::vector<Index>& shape, std::uint64_t element) {
  constexpr auto max = static_cast<std::uint64_t>(std::numeric_limits<Index>::max());
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;  // whatever the others
  std::uint64_t size = element;
  for (const Index extent : shape) {
    const auto n = static_cast<std::uint64_t>(extent);
    if (size > max / n) return std::nullopt;
    size *= n;
  }
  return size;
}

SafetensorsHeader parse_safetensors_header(const std::string& text, std::uint64_t data_size) {
  if (text.empty() || text[0] != '{')
    refuse("header", "JSON that starts with \"{\"", in_quotes(text.substr(0, 1)));
  // The JSON parser would take a null for the end.
  if (text.find('\0') != std::string::npos) refuse("header", "JSON", "text with a null byte");
  SafetensorsHeader header;
  HeaderHandler handler(header);
  json::sax_parse(text, &handler);
  check_layout(header, data_size);
  return header;
}

}  // namespace lstm_native
