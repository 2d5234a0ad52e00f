// Files as the operating system has them: careful reading, and writing that is all or nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

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
  void swap(Descriptor& other) { std::swap(fd_, other.fd_); }
  bool close();  // false, with errno, when the system reports an error

 private:
  int fd_ = -1;
};

/// Bytes to be read in any order.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  /// Throws FileError, and FormatError when there are fewer than offset + count bytes.
  virtual void read(std::uint64_t offset, void* out, std::size_t count) const = 0;
};

/// Bytes in memory, which must stay alive.
class InputBytes : public ByteSource {
 public:
  InputBytes(const void* data, std::size_t size)
      : data_(static_cast<const char*>(data)), size_(size) {}

  std::uint64_t size() const override { return size_; }
  void read(std::uint64_t offset, void* out, std::size_t count) const override;

 private:
  const char* data_;
  std::size_t size_;
};

/// A regular file open for reading. Opening never waits, not even for a FIFO.
class InputFile : public ByteSource {
 public:
  /// Throws FileError when it cannot be opened, FormatError when it is no regular file.
  explicit InputFile(const std::string& path);

  std::uint64_t size() const override { return size_; }  // when it was opened
  void read(std::uint64_t offset, void* out, std::size_t count) const override;

 private:
  std::string path_;
  Descriptor file_;
  std::uint64_t size_ = 0;
};

/// A file that appears under its name complete, on `commit`, or not at all. Until then the bytes
/// are in a file without a name, which the system takes back even when the process is killed; on
/// `commit` it gets the name if that is free, else a temporary one, by which it replaces what is
/// there. Where the file system has no files without names, it has a temporary one from the start,
/// which goes away with this object, but not when the process is killed.
/// A file that was there gives its permissions to the new one; symbolic links are followed, to
/// where there is nothing too. All throw FileError.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(const void* data, std::size_t count);
  void commit();

 private:
  template <class Make>
  void with_temporary_name(const Make& make);
  void create_temporary();
  void give_name();

  std::string path_;       // as the caller named it, for messages
  std::string target_;     // with a symbolic link followed
  std::string temporary_;  // its name, beside the target; empty: it has none
  Descriptor file_;
};

}  // namespace lstm_native
