// The safetensors format: bytes as documented, hostile headers refused, files whole or untouched.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/files/safetensors.hpp"
#include "file_helpers.hpp"
#include "lstm_native/error.hpp"

using namespace lstm_native;

namespace {

TensorSource floats(const std::string& name, std::vector<Index> shape, std::vector<float> values) {
  return {name, "F32", std::move(shape), [values](void* out) {
            if (!values.empty()) std::memcpy(out, values.data(), values.size() * sizeof(float));
          }};
}

/// The header of a file whose only entry is this tensor.
std::string one(const std::string& description) { return "{\"a\":" + description + "}"; }

bool has_nameless_files(const std::string& directory) {
#ifdef O_TMPFILE
  const int fd = open(directory.c_str(), O_TMPFILE | O_WRONLY, 0600);
  return fd >= 0 && close(fd) == 0;
#else
  return directory.empty();
#endif
}

int error_number_of(const std::string& path, bool write) {
  try {
    if (write)
      write_safetensors(path, {floats("a", {1}, {1})}, {});
    else
      SafetensorsFile file(path);
  } catch (const FileError& error) {
    CHECK(error.path() == path);
    return error.error_number();
  }
  return 0;
}

}  // namespace

TEST_CASE("safetensors: a written file has the documented bytes") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.safetensors";
  const double wide = 1.0;
  write_safetensors(path,
                    {floats("b", {2}, {1.0f, -2.0f}),
                     {"z", "F64", {}, [&](void* out) { std::memcpy(out, &wide, sizeof wide); }},
                     floats("a", {0, 3}, {})},
                    {{"k", "v\"\n"}, {"a", ""}});
  // Larger elements first, then by name; the header is padded to a multiple of 8.
  std::string header = R"({"__metadata__":{"a":"","k":"v\"\n"},)"
                       R"("z":{"data_offsets":[0,8],"dtype":"F64","shape":[]},)"
                       R"("a":{"data_offsets":[8,8],"dtype":"F32","shape":[0,3]},)"
                       R"("b":{"data_offsets":[8,16],"dtype":"F32","shape":[2]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const std::string data("\0\0\0\0\0\0\xf0\x3f\0\0\x80\x3f\0\0\0\xc0", 16);
  CHECK(read_bytes(path) == safetensors_bytes(header, data));
  CHECK(directory.entries() == 1);

  const SafetensorsFile file(path);
  CHECK(file.header().metadata == std::map<std::string, std::string>{{"k", "v\"\n"}, {"a", ""}});
  CHECK(file.header().tensors.size() == 3);
  const StoredTensor& b = file.header().tensors.at("b");
  CHECK(b.dtype == "F32");
  CHECK(b.shape == std::vector<Index>{2});
  float values[2] = {};
  file.read(b, values);
  CHECK(values[0] == 1.0f);
  CHECK(values[1] == -2.0f);
}

TEST_CASE("safetensors: what other writers do is read") {
  const auto tensors = [](const std::string& header, std::uint64_t size) {
    return parse_safetensors_header(header, size).tensors;
  };
  CHECK(tensors("{}", 0).empty());
  CHECK(tensors("{ } \n\t ", 0).empty());
  CHECK(tensors(R"({"__metadata__":{}})", 0).empty());
  // Any order of keys and tensors, escapes in names, elements of other types.
  const auto found = tensors(R"({"b":{"shape":[3],"data_offsets":[2,5],"dtype":"U8"},)"
                             R"("\u00e9":{"data_offsets":[0,2],"dtype":"BF16","shape":[1,1]}})",
                             5);
  CHECK(found.at("\xc3\xa9").end == 2);
  CHECK(found.at("b").begin == 2);
}

TEST_CASE("safetensors: a hostile header is refused, and the message says why") {
  const std::string deep(100000, '[');
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "JSON that starts with"},
      {" {}", "JSON that starts with"},
      {"\xef\xbb\xbf{}", "JSON that starts with"},
      {"[]", "JSON that starts with"},
      {"{", "expected JSON"},
      {"{}{}", "expected JSON"},
      {std::string("{}\0", 3), "expected JSON"},
      {"{\"a\xff\":{}}", "expected JSON in UTF-8"},
      {R"({"a":1e999})", "expected JSON"},
      {R"({"a":[]})", "tensor \"a\": expected an object, got an array"},
      {R"({"a":)" + deep, "tensor \"a\": expected an object, got an array"},
      {R"({"__metadata__":)" + deep, "__metadata__: expected an object, got an array"},
      {R"({"__metadata__":null})", "__metadata__: expected an object, got null"},
      {R"({"__metadata__":{"k":1}})", "__metadata__: expected strings only, got 1"},
      {R"({"__metadata__":{"k":{}}})", "__metadata__: expected strings only, got an object"},
      {R"({"__metadata__":{"k":"","k":""}})", "expected each key once, got \"k\" twice"},
      {R"({"__metadata__":{},"__metadata__":{}})", "\"__metadata__\" twice"},
      {one("{}"), "expected key \"dtype\", got none"},
      {one(R"({"dtype":"F32"})"), "expected key \"shape\", got none"},
      {one(R"({"dtype":"F32","shape":[1]})"), "expected key \"data_offsets\", got none"},
      {one(R"({"dtype":"F32","dtype":"F32"})"), "got \"dtype\" twice"},
      {one(R"({"stride":1})"),
       R"(expected only keys "dtype", "shape", "data_offsets", got "stride")"},
      {one(R"({"dtype":"F31"})"),
       "tensor \"a\".dtype: expected a dtype of the format, got \"F31\""},
      {one(R"({"dtype":4})"), "tensor \"a\".dtype: expected a dtype of the format, got 4"},
      {one(R"({"shape":4})"), "tensor \"a\".shape: expected an array, got 4"},
      {one(R"({"shape":[-1]})"),
       "tensor \"a\".shape: expected integers from 0 to 2^63 - 1, got -1"},
      {one(R"({"shape":[1.0]})"), "got 1.0"},
      {one(R"({"shape":[9223372036854775808]})"), "got 9223372036854775808"},
      {one(R"({"shape":[99999999999999999999999]})"), "got 99999999999999999999999"},
      {one(R"({"shape":["1"]})"), "got \"1\""},
      {one(R"({"shape":[[1]]})"), "got an array"},
      {one(R"({"shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]})"),
       "expected at most 32 axes"},
      {one(R"({"data_offsets":[0]})"), "tensor \"a\".data_offsets: expected two offsets, got 1"},
      {one(R"({"data_offsets":[0,1,2]})"), "expected two integers >= 0, got 2"},
      {one(R"({"data_offsets":[0,8.0]})"), "expected two integers >= 0, got 8.0"},
      {one(R"({"data_offsets":[-4,4]})"), "expected two integers >= 0, got -4"},
      {one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{})"), "got \"a\" twice"},
      {one(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"), "start at byte 0"},
      {one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,12]})"),
       "an end within the 8 bytes of data, got bytes 0 to 12"},
      {one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,8]})"),
       "tensor \"a\": expected 4 bytes for F32 (1), got bytes 0 to 8"},
      {one(R"({"dtype":"F64","shape":[2],"data_offsets":[0,8]})"), "expected 16 bytes for F64 (2)"},
      {one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})"),
       "tensors: expected 8 bytes in all, as in the file, got 4"},
      {one(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})"), "without hole or overlap"},
      {one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
           R"("b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]})"),
       "tensor \"b\": expected a start at byte 8, without hole or overlap"},
      {one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]})"),
       "an end within the 8 bytes"},
      // 2^31 * 2^31 * 2^2 wraps to 0 in 64 bits.
      {one(R"({"dtype":"F32","shape":[2147483648,2147483648],"data_offsets":[0,0]})"),
       "expected more than 2^63 bytes for F32 (2147483648, 2147483648)"}};
  for (const auto& entry : cases) {
    const std::string& header = entry.first;
    const std::string message =
        message_of<FormatError>([&] { parse_safetensors_header(header, 8); });
    CAPTURE(header.substr(0, 200));
    CAPTURE(message);
    CHECK(message.find(entry.second) != std::string::npos);
    CHECK(message.size() < 400);
  }
}

TEST_CASE("safetensors: a file that is too short, too long or no regular file") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.safetensors";
  const std::string good =
      safetensors_bytes(one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})"), "01234567");
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    write_bytes(path, good.substr(0, size));
    CHECK_THROWS_AS(SafetensorsFile{path}, FormatError);
  }
  write_bytes(path, good);
  CHECK_NOTHROW(SafetensorsFile{path});
  write_bytes(path, good + '8');
  CHECK_THROWS_AS(SafetensorsFile{path}, FormatError);
  write_bytes(path, std::string(16, '\xff'));
  CHECK(message_of<FormatError>([&] { SafetensorsFile{path}; }) ==
        "header: expected a length of at most 8 in a file of 16 bytes, got 18446744073709551615");

  CHECK(error_number_of(directory / "missing", false) == ENOENT);
  CHECK(error_number_of(directory.path(), false) == EISDIR);
  CHECK_THROWS_AS(SafetensorsFile{std::string("a\0b", 3)}, InvalidArgument);
  const std::string fifo = directory / "fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  CHECK_THROWS_AS(SafetensorsFile{fifo}, FormatError);  // and does not wait for a writer
  CHECK_THROWS_AS(SafetensorsFile{"/dev/zero"}, FormatError);
}

TEST_CASE("safetensors: an empty tensor needs no bytes, whatever the order of its extents") {
  constexpr Index kHuge = Index{1} << 62;
  for (const std::vector<Index>& shape :
       std::vector<std::vector<Index>>{{0, kHuge, kHuge}, {kHuge, 0, kHuge}, {kHuge, kHuge, 0}})
    CHECK(byte_size(shape, 4) == std::uint64_t{0});
  CHECK_FALSE(byte_size({kHuge, kHuge}, 4));
}

TEST_CASE("safetensors: the writer refuses what no reader would take") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.safetensors";
  const auto refusal = [&](const std::vector<TensorSource>& tensors,
                           const std::map<std::string, std::string>& metadata) {
    return message_of<InvalidArgument>([&] { write_safetensors(path, tensors, metadata); });
  };
  const TensorSource a = floats("a", {1}, {1});
  CHECK(refusal({a, {"a", "F64", {1}, [](void*) {}}}, {}).find("\"a\" twice") != std::string::npos);
  CHECK(refusal({floats("__metadata__", {1}, {1})}, {}) != "");
  CHECK(refusal({{"a", "float", {1}, [](void*) {}}}, {}).find("\"float\"") != std::string::npos);
  CHECK(refusal({floats("a", {-1}, {})}, {}).find("(-1)") != std::string::npos);
  CHECK(refusal({a}, {{"k", "\xff"}}).find("\\xff") != std::string::npos);
  CHECK(directory.entries() == 0);
}

TEST_CASE("safetensors: a write that fails leaves the old file and nothing else") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.safetensors";
  write_bytes(path, "old");
  const TensorSource failing{"a", "F32", {1}, [](void*) { throw std::runtime_error("no"); }};
  CHECK_THROWS_AS(write_safetensors(path, {failing}, {}), std::runtime_error);
  CHECK(read_bytes(path) == "old");
  CHECK(directory.entries() == 1);

  CHECK(error_number_of(directory.path(), true) == EISDIR);
  CHECK(error_number_of(directory / "missing/a", true) == ENOENT);
  CHECK(error_number_of(path + "/a", true) == ENOTDIR);
  CHECK(error_number_of("", true) == ENOENT);
  // A limit on the size of files stands for a full disk: it holds for root too.
  rlimit before;
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  int error = 0;
  try {
    write_safetensors(path, {floats("a", {2000}, std::vector<float>(2000, 1.0f))}, {});
  } catch (const FileError& caught) {
    error = caught.error_number();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(error == EFBIG);
  CHECK(read_bytes(path) == "old");
  CHECK(directory.entries() == 1);

  CHECK(error_number_of("/dev/null", true) == EINVAL);
  CHECK(std::filesystem::is_character_file("/dev/null"));
}

TEST_CASE("safetensors: permissions and links stay as a user expects") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.safetensors";
  const std::string link = directory / "link";
  const auto mode = [&] {
    struct stat status;
    REQUIRE(stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
  };
  const mode_t mask = umask(027);
  write_safetensors(path, {floats("a", {1}, {1})}, {});
  umask(mask);
  CHECK(mode() == 0640);

  REQUIRE(chmod(path.c_str(), 0604) == 0);
  std::filesystem::create_symlink("a.safetensors", link);
  write_safetensors(link, {floats("b", {1}, {1})}, {});
  CHECK(mode() == 0604);
  CHECK(std::filesystem::is_symlink(link));
  CHECK(SafetensorsFile(path).header().tensors.count("b") == 1);
  CHECK(directory.entries() == 2);
}

TEST_CASE("safetensors: a link is followed where nothing is yet, and over several links") {
  const TemporaryDirectory directory;
  const auto write = [](const std::string& path) {
    write_safetensors(path, {floats("a", {1}, {1})}, {});
  };
  std::filesystem::create_directory(directory / "models");
  std::filesystem::create_symlink("models/new", directory / "link");
  std::filesystem::create_symlink(directory / "link", directory / "second");
  write(directory / "second");
  CHECK(std::filesystem::is_symlink(directory / "second"));
  CHECK(std::filesystem::is_symlink(directory / "link"));
  CHECK_FALSE(std::filesystem::is_symlink(directory / "models/new"));
  CHECK(SafetensorsFile(directory / "models/new").header().tensors.count("a") == 1);

  std::filesystem::create_symlink("nowhere/new", directory / "broken");
  CHECK(error_number_of(directory / "broken", true) == ENOENT);
  CHECK(std::filesystem::is_symlink(directory / "broken"));
  std::filesystem::create_symlink("circle", directory / "circle");
  CHECK(error_number_of(directory / "circle", true) == ELOOP);
  CHECK(directory.entries() == 5);
}

TEST_CASE("safetensors: a save that is killed leaves nothing behind") {
  const TemporaryDirectory directory;
  if (!has_nameless_files(directory.path())) return;
  const std::string path = directory / "a.safetensors";
  write_bytes(path, "old");
  const pid_t child = fork();
  if (child == 0) {
    // Killed when the first tensor is in the file, and the second is asked for.
    const TensorSource fatal{"z", "F32", {1}, [](void*) { kill(getpid(), SIGKILL); }};
    write_safetensors(path, {floats("a", {5000}, std::vector<float>(5000)), fatal}, {});
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(read_bytes(path) == "old");
  CHECK(directory.entries() == 1);
}
