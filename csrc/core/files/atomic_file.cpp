#include "core/files/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/message_text.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

namespace fs = std::filesystem;

// One call moves at most this much: Linux stops near 2 GiB.
constexpr std::size_t kMaxTransfer = std::size_t{1} << 30;

using Status = struct stat;

bool is_directory(const Status& status) { return S_ISDIR(status.st_mode); }
bool is_regular(const Status& status) { return S_ISREG(status.st_mode); }
int status_of(const std::string& path, Status* out) { return ::stat(path.c_str(), out); }
int status_of(int fd, Status* out) { return ::fstat(fd, out); }
int open_input(const std::string& path) {
  // O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever.
  return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}
int create_new(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}
int copy_permissions(int fd, const Status& status) { return ::fchmod(fd, status.st_mode & 0777); }
ssize_t read_at(int fd, std::uint64_t offset, void* out, std::size_t count) {
  return ::pread(fd, out, count, static_cast<off_t>(offset));
}
ssize_t write_some(int fd, const void* data, std::size_t count) { return ::write(fd, data, count); }
int close_file(int fd) { return ::close(fd); }
int flush_to_disk(int fd) { return ::fsync(fd); }
void remove_file(const std::string& path) { ::unlink(path.c_str()); }
int process_id() { return static_cast<int>(::getpid()); }

bool replace_file(const std::string& from, const std::string& to) {
  return ::rename(from.c_str(), to.c_str()) == 0;
}

/// A file in this directory that has no name and vanishes with its last descriptor; -1 where there
/// is no such thing.
int create_nameless(const std::string& directory) {
#ifdef O_TMPFILE
  const int fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
  // It gets its name by way of /proc, which not every container has.
  if (fd >= 0 && ::access(("/proc/self/fd/" + std::to_string(fd)).c_str(), F_OK) == 0) return fd;
  if (fd >= 0) ::close(fd);
#else
  static_cast<void>(directory);
#endif
  return -1;
}

/// Names such a file. False, with errno (EEXIST: the name is taken).
bool name_file(int fd, const std::string& path) {
#ifdef O_TMPFILE
  const std::string open_file = "/proc/self/fd/" + std::to_string(fd);
  return ::linkat(AT_FDCWD, open_file.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0;
#else
  static_cast<void>(fd), static_cast<void>(path);
  errno = ENOSYS;
  return false;
#endif
}

/// Makes the rename itself durable. File systems that cannot do it, and directories that may not
/// be read, are no reason to report a file as unwritten that is there.
bool flush_directory(const std::string& directory) {
  const Descriptor file(::open(directory.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  return file.get() < 0 || ::fsync(file.get()) == 0 || errno != EIO;
}

/// Repeats a call that a signal interrupted.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

[[noreturn]] void fail(const std::string& action, const std::string& path, int error = errno) {
  throw FileError(error, path, "cannot " + action);
}

void check_path(const std::string& path) {
  if (path.empty()) fail("use the empty path", path, ENOENT);
  if (path.find('\0') != std::string::npos)
    throw InvalidArgument("path: expected no null character, got " + in_quotes(path));
}

/// A name that no other thread or process uses at this moment; O_EXCL settles the rest.
std::string temporary_name() {
  static std::atomic<unsigned> counter{0};
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  return ".lstm_native-" + std::to_string(process_id()) + '-' + std::to_string(counter++) + '-' +
         std::to_string(now) + ".tmp";
}

std::string directory_of(const std::string& path) {
  const fs::path directory = fs::path(path).parent_path();
  return directory.empty() ? "." : directory.string();
}

/// The file that a symbolic link leads to, be it there or not, so that saving keeps the link.
std::string follow_links(const std::string& path) {
  constexpr int kMaxLinks = 40;  // as Linux has it
  std::error_code error;
  fs::path at = path;
  for (int links = 0; fs::is_symlink(at, error); ++links) {
    if (links == kMaxLinks) fail("write", path, ELOOP);
    const fs::path target = fs::read_symlink(at, error);
    if (error) fail("write", path, error.value());
    at = at.parent_path() / target;  // which is the target alone where that is absolute
  }
  return at.string();
}

}  // namespace

void Descriptor::reset(int fd) {
  close();
  fd_ = fd;
}

bool Descriptor::close() {
  if (fd_ < 0) return true;
  const int fd = fd_;
  fd_ = -1;
  return close_file(fd) == 0;
}

InputFile::InputFile(const std::string& path) : path_(path) {
  check_path(path);
  Status status;
  if (status_of(path, &status) != 0) fail("open", path);
  if (!is_directory(status)) {
    file_.reset(uninterrupted([&] { return open_input(path); }));
    if (file_.get() < 0 || status_of(file_.get(), &status) != 0) fail("open", path);
  }
  if (is_directory(status)) fail("open", path, EISDIR);
  if (!is_regular(status))
    throw FormatError("expected a regular file, got a device, FIFO or socket");
  size_ = static_cast<std::uint64_t>(status.st_size);
}

void InputBytes::read(std::uint64_t offset, void* out, std::size_t count) const {
  if (offset > size_ || count > size_ - offset)
    throw FormatError("expected at least " + std::to_string(offset + count) + " bytes, got " +
                      std::to_string(size_));
  std::copy_n(data_ + offset, count, static_cast<char*>(out));
}

void InputFile::read(std::uint64_t offset, void* out, std::size_t count) const {
  char* bytes = static_cast<char*>(out);
  while (count > 0) {
    const auto got = uninterrupted(
        [&] { return read_at(file_.get(), offset, bytes, std::min(count, kMaxTransfer)); });
    if (got < 0) fail("read", path_);
    if (got == 0)
      throw FormatError("expected a file of at least " + std::to_string(offset + count) +
                        " bytes, got " + std::to_string(offset));
    bytes += got;
    offset += static_cast<std::uint64_t>(got);
    count -= static_cast<std::size_t>(got);
  }
}

AtomicFile::AtomicFile(const std::string& path) : path_(path) {
  check_path(path);
  target_ = follow_links(path);
  Status old;
  const bool exists = status_of(target_, &old) == 0;
  if (!exists && errno != ENOENT) fail("write", path);
  if (exists && is_directory(old)) fail("write", path, EISDIR);
  // Renaming over a device or FIFO would destroy it.
  if (exists && !is_regular(old)) fail("write to what is no regular file", path, EINVAL);
  file_.reset(uninterrupted([&] { return create_nameless(directory_of(target_)); }));
  if (file_.get() < 0) create_temporary();
  if (exists && copy_permissions(file_.get(), old) != 0) {
    const int error = errno;
    if (!temporary_.empty()) remove_file(temporary_);
    fail("set the permissions of", path, error);
  }
}

/// Calls make(name), which says whether that went well, with names beside the target until one is
/// not taken.
template <class Make>
void AtomicFile::with_temporary_name(const Make& make) {
  const std::string directory = directory_of(target_);
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::string name = (fs::path(directory) / temporary_name()).string();
    if (make(name)) {
      temporary_ = std::move(name);
      return;
    }
    if (errno != EEXIST) break;
  }
  fail("write", path_);
}

void AtomicFile::give_name() {
  if (name_file(file_.get(), target_)) return;
  if (errno == EEXIST) {
    with_temporary_name([&](const std::string& name) { return name_file(file_.get(), name); });
    return;
  }
  // Rare: a security module lets nothing be linked. A copy then, in a file that has had its name
  // from the start.
  Descriptor nameless;
  nameless.swap(file_);
  create_temporary();
  Status status;
  if (status_of(nameless.get(), &status) != 0 || copy_permissions(file_.get(), status) != 0)
    fail("write", path_);
  std::vector<char> buffer(std::size_t{1} << 20);
  for (std::uint64_t at = 0;;) {
    const auto got =
        uninterrupted([&] { return read_at(nameless.get(), at, buffer.data(), buffer.size()); });
    if (got < 0) fail("write", path_);
    if (got == 0) break;
    write(buffer.data(), static_cast<std::size_t>(got));
    at += static_cast<std::uint64_t>(got);
  }
  if (uninterrupted([&] { return flush_to_disk(file_.get()); }) != 0) fail("write", path_);
}

void AtomicFile::create_temporary() {
  with_temporary_name([&](const std::string& name) {
    file_.reset(uninterrupted([&] { return create_new(name); }));
    return file_.get() >= 0;
  });
}

AtomicFile::~AtomicFile() {
  if (temporary_.empty()) return;
  file_.close();  // Windows does not remove a file that is open
  remove_file(temporary_);
}

void AtomicFile::write(const void* data, std::size_t count) {
  const char* bytes = static_cast<const char*>(data);
  while (count > 0) {
    const auto done = uninterrupted(
        [&] { return write_some(file_.get(), bytes, std::min(count, kMaxTransfer)); });
    if (done < 0) fail("write", path_);
    bytes += done;
    count -= static_cast<std::size_t>(done);
  }
}

void AtomicFile::commit() {
  if (uninterrupted([&] { return flush_to_disk(file_.get()); }) != 0) fail("write", path_);
  if (temporary_.empty()) give_name();
  if (!file_.close()) fail("write", path_);
  if (!temporary_.empty() && !replace_file(temporary_, target_)) fail("replace", path_);
  temporary_.clear();
  if (!flush_directory(directory_of(target_))) fail("write the directory entry of", path_);
}

}  // namespace lstm_native
