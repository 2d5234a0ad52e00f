#include "core/files/safetensors.hpp"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "core/base/message_text.hpp"
#include "core/files/foreign_file.hpp"
#include "lstm_native/error.hpp"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error "model files hold little-endian numbers; this code reads and writes them as they are"
#endif

namespace lstm_native {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxHeader = 100'000'000;  // what the format allows
constexpr std::size_t kAlignment = 8;  // of the first tensor byte in files that we write

[[noreturn]] void refuse(const std::string& what, const std::string& expected,
                         const std::string& actual) {
  throw FormatError(what + ": expected " + expected + ", got " + actual);
}

/// Tensors in the order in which they are written.
std::vector<const TensorSource*> file_order(const std::vector<TensorSource>& tensors) {
  std::vector<const TensorSource*> order;
  for (const TensorSource& tensor : tensors) {
    if (!element_size(tensor.dtype))
      throw InvalidArgument("tensor " + in_quotes(tensor.name) +
                            ": expected a dtype of the safetensors format, got " +
                            in_quotes(tensor.dtype));
    order.push_back(&tensor);
  }
  std::sort(order.begin(), order.end(), [](const TensorSource* a, const TensorSource* b) {
    const auto size_a = *element_size(a->dtype), size_b = *element_size(b->dtype);
    return size_a != size_b ? size_a > size_b : a->name < b->name;
  });
  return order;
}

std::uint64_t checked_byte_size(const TensorSource& tensor) {
  for (const Index extent : tensor.shape)
    if (extent < 0)
      throw InvalidArgument("tensor " + in_quotes(tensor.name) + ": expected extents >= 0, got " +
                            shape_text(tensor.shape));
  const auto size = byte_size(tensor.shape, *element_size(tensor.dtype));
  if (!size)
    throw InvalidArgument("tensor " + in_quotes(tensor.name) +
                          ": expected fewer than 2^63 bytes, got shape " +
                          shape_text(tensor.shape));
  return *size;
}

std::string json_string(const std::string& text) {
  try {
    return json(text).dump();
  } catch (const json::exception&) {
    throw InvalidArgument("model file: expected text in UTF-8, got " + in_quotes(text));
  }
}

/// The header as text, padded with spaces so that the data start aligned.
std::string header_text(const std::vector<const TensorSource*>& order,
                        const std::map<std::string, std::string>& metadata) {
  std::string text = "{";
  if (!metadata.empty()) {
    text += json_string(kMetadataKey) + ":{";
    for (const auto& [key, value] : metadata) {
      if (text.back() != '{') text += ',';
      text += json_string(key) + ':' + json_string(value);
    }
    text += '}';
  }
  std::uint64_t begin = 0;
  std::set<std::string_view> names{kMetadataKey};
  for (const TensorSource* tensor : order) {
    if (!names.insert(tensor->name).second)
      throw InvalidArgument("model file: expected distinct tensor names, got " +
                            in_quotes(tensor->name) + " twice");
    const std::uint64_t end = begin + checked_byte_size(*tensor);
    const json description = {
        {"dtype", tensor->dtype}, {"shape", tensor->shape}, {"data_offsets", {begin, end}}};
    if (text.size() > 1) text += ',';
    text += json_string(tensor->name) + ':' + description.dump();
    begin = end;
  }
  text += '}';
  while (text.size() % kAlignment != 0) text += ' ';
  if (text.size() > kMaxHeader)
    throw InvalidArgument("model file: expected a header of at most " + std::to_string(kMaxHeader) +
                          " bytes, got " + std::to_string(text.size()));
  return text;
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::string& path)
    : SafetensorsFile(std::make_unique<InputFile>(path)) {}

SafetensorsFile::SafetensorsFile(const void* data, std::size_t size)
    : SafetensorsFile(std::make_unique<InputBytes>(data, size)) {}

SafetensorsFile::SafetensorsFile(std::unique_ptr<const ByteSource> source)
    : source_(std::move(source)) {
  const std::string foreign = foreign_file(*source_);
  if (!foreign.empty()) throw FormatError(foreign);
  std::uint64_t length = 0;
  const std::string size = "a file of " + std::to_string(source_->size()) + " bytes";
  if (source_->size() < sizeof length) refuse("header", "a length of 8 bytes", size);
  source_->read(0, &length, sizeof length);
  const std::uint64_t limit = std::min(kMaxHeader, source_->size() - sizeof length);
  if (length > limit)
    refuse("header", "a length of at most " + std::to_string(limit) + " in " + size,
           std::to_string(length));
  std::string text(static_cast<std::size_t>(length), '\0');
  source_->read(sizeof length, text.data(), text.size());
  data_begin_ = sizeof length + length;
  header_ = parse_safetensors_header(text, data_size());
}

void SafetensorsFile::read(const StoredTensor& tensor, void* out) const {
  source_->read(data_begin_ + tensor.begin, out,
                static_cast<std::size_t>(tensor.end - tensor.begin));
}

void write_safetensors(const std::string& path, const std::vector<TensorSource>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::vector<const TensorSource*> order = file_order(tensors);
  const std::string header = header_text(order, metadata);
  const std::uint64_t length = header.size();
  AtomicFile file(path);
  file.write(&length, sizeof length);
  file.write(header.data(), header.size());
  std::uint64_t largest = 0;
  for (const TensorSource* tensor : order) largest = std::max(largest, checked_byte_size(*tensor));
  std::vector<std::max_align_t> buffer(
      static_cast<std::size_t>(largest) / sizeof(std::max_align_t) + 1);
  for (const TensorSource* tensor : order) {
    tensor->copy(buffer.data());
    file.write(buffer.data(), static_cast<std::size_t>(checked_byte_size(*tensor)));
  }
  file.commit();
}

std::vector<std::byte> safetensors_content(const std::vector<TensorSource>& tensors,
                                           const std::map<std::string, std::string>& metadata) {
  const std::vector<const TensorSource*> order = file_order(tensors);
  const std::string header = header_text(order, metadata);
  const std::uint64_t length = header.size();
  std::uint64_t total = sizeof length + length;
  for (const TensorSource* tensor : order) total += checked_byte_size(*tensor);
  std::vector<std::byte> content(static_cast<std::size_t>(total));
  std::memcpy(content.data(), &length, sizeof length);
  std::memcpy(content.data() + sizeof length, header.data(), header.size());
  // As aligned as in the file: the header's end and the order see to that.
  std::byte* at = content.data() + sizeof length + length;
  for (const TensorSource* tensor : order) {
    tensor->copy(at);
    at += checked_byte_size(*tensor);
  }
  return content;
}

}  // namespace lstm_native
