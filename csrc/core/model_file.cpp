#include "core/model_file.hpp"

#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json_specs.hpp"
#include "core/message_text.hpp"
#include "core/network_impl.hpp"
#include "core/safetensors.hpp"
#include "core/spec_checks.hpp"
#include "lstm_native/error.hpp"
#include "lstm_native/runtime.hpp"

namespace lstm_native {
namespace {

using nlohmann::json;
using Metadata = std::map<std::string, std::string>;

const char* const kFormat = "lstm_native";
const char* const kFormatVersion = "1";
constexpr std::string_view kUserPrefix = "user.";
constexpr Index kMaxIterations = Index{1} << 53;  // leaves room to count on
const char* const kStatePrefix = "optimizer.";

template <class T>
constexpr const char* dtype_name() {
  return sizeof(T) == sizeof(float) ? "float32" : "float64";
}

struct TrainerDescription {
  LossSpec loss;
  OptimizerSpec optimizer;
  Index iterations = 0;
};

/// What the metadata of a model file say, with every spec in range.
struct Description {
  std::string dtype;
  Index input_features = 0;
  std::vector<LayerSpec> layers;
  std::optional<TrainerDescription> trainer;
  Metadata user;
};

/// Runs `read`, whose complaints are all about this file.
template <class Read>
auto in_file(const std::string& path, Read read) {
  try {
    return read();
  } catch (const InvalidArgument& error) {
    throw FormatError("model file '" + printable(path, 4096) + "': " + error.what());
  }
}

const std::string* find(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? nullptr : &found->second;
}

void check_format(const Metadata& metadata) {
  const auto shown = [](const std::string* text) { return text ? in_quotes(*text) : "none"; };
  const std::string* format = find(metadata, "format");
  if (!format || *format != kFormat)
    throw FormatError(std::string("expected metadata \"format\" of \"") + kFormat + "\", got " +
                      shown(format) + ": a safetensors file, but no model of this library");
  const std::string* version = find(metadata, "format_version");
  if (!version || *version != kFormatVersion)
    throw FormatError(std::string("expected format_version \"") + kFormatVersion +
                      "\", which lstm_native " + lstm_native::version() + " reads, got " +
                      shown(version) + ", written by lstm_native " +
                      shown(find(metadata, "lstm_native_version")));
}

TrainerDescription parse_trainer(const std::string& text) {
  const json value = parse_json(text, "trainer");
  ObjectReader reader(value, "trainer");
  TrainerDescription trainer;
  trainer.iterations = reader.integer("iterations");
  if (trainer.iterations < 0 || trainer.iterations > kMaxIterations)
    throw FormatError("trainer.iterations: expected 0 to " + std::to_string(kMaxIterations) +
                      ", got " + std::to_string(trainer.iterations));
  trainer.loss = loss_from_json(reader.required("loss"), reader.path_of("loss"));
  trainer.optimizer =
      optimizer_from_json(reader.required("optimizer"), reader.path_of("optimizer"));
  reader.finish();
  return trainer;
}

Description describe(const Metadata& metadata) {
  check_format(metadata);
  const std::string* network = find(metadata, "network");
  if (!network) throw FormatError("expected metadata \"network\", got none");
  const json value = parse_json(*network, "network");
  ObjectReader reader(value, "network");
  Description description;
  description.dtype = reader.string("dtype");
  if (description.dtype != dtype_name<float>() && description.dtype != dtype_name<double>())
    throw FormatError("network.dtype: expected \"float32\" or \"float64\", got " +
                      in_quotes(description.dtype));
  description.input_features = reader.integer("input_features");
  description.layers = layers_from_json(reader.required("layers"), reader.path_of("layers"));
  reader.finish();
  if (const std::string* trainer = find(metadata, "trainer"))
    description.trainer = parse_trainer(*trainer);
  for (const auto& [key, text] : metadata)
    if (key.compare(0, kUserPrefix.size(), kUserPrefix) == 0)
      description.user.emplace(key.substr(kUserPrefix.size()), text);
  return description;
}

/// A network of these layers is only worth allocating when the file can fill it.
template <class T>
void check_size(const Description& description, const SafetensorsFile& file) {
  const Index count = parameter_count(description.layers, description.input_features);
  if (static_cast<std::uint64_t>(count) <= file.data_size() / sizeof(T)) return;
  throw FormatError("expected tensors of " + std::to_string(count) + " " + dtype_name<T>() +
                    " values for the layers, got " + std::to_string(file.data_size()) + " bytes");
}

/// Hands out the file's tensors by name, and knows in the end which nobody asked for.
template <class T>
class TensorReader {
 public:
  explicit TensorReader(const SafetensorsFile& file) : file_(file) {}

  /// The values live until the next call.
  const T* read(const std::string& name, const std::vector<Index>& shape) {
    const auto& tensors = file_.header().tensors;
    const auto found = tensors.find(name);
    if (found == tensors.end())
      throw FormatError("expected tensor " + in_quotes(name) + ", got none of this name");
    const StoredTensor& tensor = found->second;
    if (tensor.dtype != safetensors_dtype<T>() || tensor.shape != shape)
      throw FormatError("tensor " + in_quotes(name) + ": expected " + safetensors_dtype<T>() + ' ' +
                        shape_text(shape) + ", got " + tensor.dtype + ' ' +
                        shape_text(tensor.shape));
    names_.insert(name);
    values_.resize(static_cast<std::size_t>(tensor.end - tensor.begin) / sizeof(T));
    file_.read(tensor, values_.data());
    return values_.data();
  }

  void finish() const {
    for (const auto& entry : file_.header().tensors)
      if (names_.count(entry.first) == 0)
        throw FormatError("expected the tensors of the layers and the optimizer only, got " +
                          in_quotes(entry.first));
  }

 private:
  const SafetensorsFile& file_;
  std::set<std::string> names_;
  std::vector<T> values_;
};

template <class T>
LoadedModel<T> build(const Description& description, const SafetensorsFile& file) {
  check_size<T>(description, file);
  TensorReader<T> tensors(file);
  Network<T> network(std::make_shared<NetworkImpl<T>>(
      make_layers<T>(description.layers, description.input_features, std::nullopt)));
  for (const TensorInfo& info : network.parameters())
    network.set_parameter(info.name, tensors.read(info.name, info.shape), info.size());
  LoadedModel<T> model{network, std::nullopt, description.user};
  if (description.trainer) {
    const TrainerDescription& saved = *description.trainer;
    Trainer<T>& trainer = model.trainer.emplace(
        std::make_shared<TrainerImpl<T>>(network, saved.loss, saved.optimizer, /*from_file=*/true));
    trainer.set_iterations(saved.iterations);
    for (const TensorInfo& info : trainer.state())
      trainer.set_state(info.name, tensors.read(kStatePrefix + info.name, info.shape), info.size());
  }
  tensors.finish();
  return model;
}

}  // namespace

template <class T>
void save_model(const std::string& path, const Network<T>& network, const Trainer<T>* trainer,
                const std::map<std::string, std::string>& metadata) {
  if (trainer && trainer->network().impl() != network.impl())
    throw InvalidArgument("trainer: expected one of this network, got one of another network");
  const json description = {{"dtype", dtype_name<T>()},
                            {"input_features", network.input_features()},
                            {"layers", to_json(network.layers())}};
  Metadata all = {{"format", kFormat},
                  {"format_version", kFormatVersion},
                  {"lstm_native_version", lstm_native::version()},
                  {"network", description.dump()}};
  std::vector<TensorSource> tensors;
  for (const TensorInfo& info : network.parameters())
    tensors.push_back(
        {info.name, safetensors_dtype<T>(), info.shape, [&network, name = info.name](void* out) {
           network.get_parameter(name, static_cast<T*>(out));
         }});
  if (trainer) {
    const json state = {{"iterations", trainer->iterations()},
                        {"loss", to_json(trainer->loss())},
                        {"optimizer", to_json(trainer->optimizer())}};
    all["trainer"] = state.dump();
    for (const TensorInfo& info : trainer->state())
      tensors.push_back({kStatePrefix + info.name, safetensors_dtype<T>(), info.shape,
                         [trainer, name = info.name](void* out) {
                           trainer->get_state(name, static_cast<T*>(out));
                         }});
  }
  for (const auto& [key, text] : metadata) all[std::string(kUserPrefix) + key] = text;
  write_safetensors(path, tensors, all);
}

template <class T>
LoadedModel<T> load_model(const std::string& path) {
  std::optional<SafetensorsFile> file;
  const Description description = in_file(path, [&] {
    file.emplace(path);
    return describe(file->header().metadata);
  });
  // Asking for the wrong dtype is the caller's mistake, not the file's.
  if (description.dtype != dtype_name<T>())
    throw InvalidArgument("model file '" + printable(path, 4096) + "': expected dtype " +
                          dtype_name<T>() + ", got " + description.dtype);
  return in_file(path, [&] { return build<T>(description, *file); });
}

std::string file_dtype(const std::string& path) {
  return in_file(path, [&] { return describe(SafetensorsFile(path).header().metadata).dtype; });
}

template <class T>
BasicModel<T> BasicModel<T>::load(const std::string& path) {
  LoadedModel<T> loaded = load_model<T>(path);
  return {std::move(loaded.network), std::move(loaded.metadata)};
}

template <class T>
void BasicModel<T>::save(const std::string& path) const {
  save_model<T>(path, network, nullptr, metadata);
}

template void save_model(const std::string&, const Network<float>&, const Trainer<float>*,
                         const std::map<std::string, std::string>&);
template void save_model(const std::string&, const Network<double>&, const Trainer<double>*,
                         const std::map<std::string, std::string>&);
template LoadedModel<float> load_model(const std::string&);
template LoadedModel<double> load_model(const std::string&);
template struct BasicModel<float>;
template struct BasicModel<double>;

}  // namespace lstm_native
