// Files as the operating system has them: careful reading, and writing that is all or nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace lstm_native {

/// Owns an open file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }

  int get() const { return fd_; }
  void reset(int fd);
  bool close();  // false, with errno, when the system reports an error

 private:
  int fd_ = -1;
};

/// A regular file open for reading. Opening never waits, not even for a FIFO.
class InputFile {
 public:
  /// Throws FileError when it cannot be opened, FormatError when it is no regular file.
  explicit InputFile(const std::string& path);

  const std::string& path() const { return path_; }
  std::uint64_t size() const { return size_; }  // when it was opened

  /// Throws FileError, and FormatError when the file ends before offset + count.
  void read(std::uint64_t offset, void* out, std::size_t count) const;

 private:
  std::string path_;
  Descriptor file_;
  std::uint64_t size_ = 0;
};

/// A file that appears under its name complete, on `commit`, or not at all: until then the bytes
/// are in a temporary file beside it, which goes away with this object. A file that was there is
/// replaced and gives its permissions to the new one. All throw FileError.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(const void* data, std::size_t count);
  void commit();

 private:
  void create_temporary(const std::string& directory);

  std::string path_;       // as the caller named it, for messages
  std::string target_;     // with a symbolic link followed
  std::string temporary_;  // empty: there is none
  Descriptor file_;
};

}  // namespace lstm_native
