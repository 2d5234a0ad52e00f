// The exceptions the library throws. It never prints and never aborts.
#pragma once

#include <cstdio>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>

namespace lstm_native {

/// A shape, range, name or value that does not fit (Python: ValueError).
class InvalidArgument : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// A model file that is damaged, hostile or of another version (Python: ValueError).
class FormatError : public InvalidArgument {
 public:
  using InvalidArgument::InvalidArgument;
};

/// There is not as much memory as was asked for (Python: MemoryError). Says how much, and for what.
class OutOfMemory : public std::bad_alloc {
 public:
  OutOfMemory(double bytes, const char* purpose) noexcept {
    static const char* const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    int unit = 0;
    for (; bytes >= 1024 && unit < 6; ++unit) bytes /= 1024;
    std::snprintf(text_, sizeof text_, "not enough memory: could not get %.*f %s for %s",
                  unit ? 1 : 0, bytes, units[unit], purpose);
  }
  const char* what() const noexcept override { return text_; }

 private:
  char text_[160];  // in place: there may be no memory for a string
};

/// The operating system refused to read or write a file (Python: OSError).
class FileError : public std::runtime_error {
 public:
  FileError(int error_number, const std::string& path, const std::string& failed)
      : std::runtime_error(failed + " '" + shortened(path) +
                           "': " + std::generic_category().message(error_number)),
        error_number_(error_number),
        path_(path),
        failed_(failed) {}

  int error_number() const { return error_number_; }
  const std::string& failed() const { return failed_; }  // "cannot open"
  const std::string& path() const { return path_; }

 private:
  /// No system has longer ones; a message need not.
  static std::string shortened(const std::string& path) {
    return path.size() > 4096 ? path.substr(0, 400) + "..." : path;
  }

  int error_number_;
  std::string path_;
  std::string failed_;
};

}  // namespace lstm_native
