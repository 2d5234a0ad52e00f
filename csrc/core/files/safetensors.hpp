// The safetensors format: 8 bytes of header length, a JSON header, the tensors' bytes.
// https://huggingface.co/docs/safetensors
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/files/atomic_file.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

constexpr const char* kMetadataKey = "__metadata__";  // of the header, beside the tensors' names

/// The format's name for the element type: "F32" or "F64".
template <class T>
constexpr const char* safetensors_dtype() {
  return sizeof(T) == sizeof(float) ? "F32" : "F64";
}

/// Bytes of one element; empty for a dtype that the format does not have.
std::optional<std::uint64_t> element_size(std::string_view dtype);

/// Bytes that a shape of extents >= 0 needs; empty when 63 bits do not hold the number.
std::optional<std::uint64_t> byte_size(const std::vector<Index>& shape, std::uint64_t element);

/// A tensor as the header describes it.
struct StoredTensor {
  std::string dtype;  // "F32", "BF16", ...
  std::vector<Index> shape;
  std::uint64_t begin = 0;  // bytes, from the first tensor byte of the file
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::map<std::string, StoredTensor> tensors;
};

/// Reads a header that may be hostile: every key, type, length and offset is checked, and the
/// tensors must fill `data_size` bytes without hole or overlap. Memory stays within about twelve
/// times the length of `text`, which a header of nothing but tiny entries needs. Throws
/// FormatError.
SafetensorsHeader parse_safetensors_header(const std::string& text, std::uint64_t data_size);

/// A file whose header has been read and checked; tensors are read on request.
class SafetensorsFile {
 public:
  /// Throw FileError and FormatError. Bytes in memory must stay alive.
  explicit SafetensorsFile(const std::string& path);
  SafetensorsFile(const void* data, std::size_t size);

  const SafetensorsHeader& header() const { return header_; }
  /// The metadata, to be kept by somebody else.
  std::map<std::string, std::string> take_metadata() { return std::move(header_.metadata); }
  std::uint64_t data_size() const { return source_->size() - data_begin_; }

  /// Copies the tensor's end - begin bytes to `out`.
  void read(const StoredTensor& tensor, void* out) const;

 private:
  explicit SafetensorsFile(std::unique_ptr<const ByteSource> source);

  std::unique_ptr<const ByteSource> source_;
  std::uint64_t data_begin_ = 0;
  SafetensorsHeader header_;
};

/// A tensor to be written.
struct TensorSource {
  std::string name;
  std::string dtype;
  std::vector<Index> shape;
  std::function<void(void* out)> copy;  // writes the tensor's bytes to `out`
};

/// Writes a file atomically: the same content always gives the same bytes. Tensors are ordered by
/// falling element size, then name, so that each is aligned to its element size. Throws FileError,
/// and InvalidArgument for a repeated name, an unknown dtype or text that is not UTF-8.
void write_safetensors(const std::string& path, const std::vector<TensorSource>& tensors,
                       const std::map<std::string, std::string>& metadata);

/// The bytes of that file.
std::vector<std::byte> safetensors_content(const std::vector<TensorSource>& tensors,
                                           const std::map<std::string, std::string>& metadata);

}  // namespace lstm_native
