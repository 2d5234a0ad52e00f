// The exceptions the library throws. It never prints and never aborts.
#pragma once

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

/// The operating system refused to read or write a file (Python: OSError).
class FileError : public std::runtime_error {
 public:
  FileError(int error_number, const std::string& path, const std::string& failed)
      : std::runtime_error(failed + " '" + path +
                           "': " + std::generic_category().message(error_number)),
        error_number_(error_number),
        path_(path),
        failed_(failed) {}

  int error_number() const { return error_number_; }
  const std::string& failed() const { return failed_; }  // "cannot open"
  const std::string& path() const { return path_; }

 private:
  int error_number_;
  std::string path_;
  std::string failed_;
};

}  // namespace lstm_native
