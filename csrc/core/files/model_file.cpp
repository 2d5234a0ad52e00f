#include "core/files/model_file.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "core/base/finite.hpp"
#include "core/base/message_text.hpp"
#include "core/files/foreign_file.hpp"
#include "core/files/graph_json.hpp"
#include "core/files/model_description.hpp"
#include "core/network/handles.hpp"
#include "core/specs/json_specs.hpp"
#include "core/specs/loss_specs.hpp"
#include "core/specs/parameter_count.hpp"
#include "core/training/optimizer_specs.hpp"
#include "core/training/trainer_impl.hpp"
#include "lstm_native/error.hpp"
#include "lstm_native/runtime.hpp"

namespace lstm_native {
namespace {

using nlohmann::json;

/// Runs `read`, whose complaints are all about this file.
template <class Read>
auto in_file(const std::string& name, Read read) {
  try {
    return read();
  } catch (const InvalidArgument& error) {
    throw FormatError(name + ": " + error.what());
  }
}

/// A network of these layers is only worth allocating when the file can fill it: with values, and
/// with tensors, each of which costs memory beside its values.
template <class T>
void check_size(const ParameterTotals& needed, const SafetensorsFile& file) {
  // So few cost nothing, and the message about the first that is missing is better.
  constexpr Index kTensorsLeft = 1024;
  if (static_cast<std::uint64_t>(needed.values) > file.data_size() / sizeof(T))
    throw FormatError("expected tensors of " + std::to_string(needed.values) + " " +
                      dtype_name<T>() + " values for the layers, got " +
                      std::to_string(file.data_size()) + " bytes");
  const auto there = static_cast<Index>(file.header().tensors.size());
  if (needed.tensors > there + kTensorsLeft)
    throw FormatError("expected " + std::to_string(needed.tensors) +
                      " tensors for the layers, got " + std::to_string(there));
}

/// Hands out the file's tensors by name, and knows in the end which nobody asked for.
class TensorReader {
 public:
  explicit TensorReader(const SafetensorsFile& file) : file_(file) {}

  /// Fills `values` with the tensor, which must have as many of the type.
  template <class T>
  void read(const std::string& name, const std::vector<Index>& shape, std::vector<T>& values) {
    const auto& tensors = file_.header().tensors;
    const auto found = tensors.find(name);
    if (found == tensors.end())
      throw FormatError("expected tensor " + in_quotes(name) + ", got none of this name");
    const StoredTensor& tensor = found->second;
    if (tensor.dtype != safetensors_dtype<T>() || tensor.shape != shape)
      throw FormatError("tensor " + in_quotes(name) + ": expected " + safetensors_dtype<T>() + ' ' +
                        shape_text(shape) + ", got " + tensor.dtype + ' ' +
                        shape_text(tensor.shape));
    file_.read(tensor, values.data());
    read_.push_back(&tensor);
  }

  /// The extras are not asked for by name; `to` may be null.
  void read_extras(std::vector<Extras::Tensor>* to) {
    const auto& tensors = file_.header().tensors;
    for (auto entry = tensors.lower_bound(std::string(kExtraPrefix));
         entry != tensors.end() && starts(entry->first, kExtraPrefix); ++entry) {
      const StoredTensor& tensor = entry->second;
      read_.push_back(&tensor);
      if (!to) continue;
      to->push_back({entry->first.substr(kExtraPrefix.size()), tensor.dtype, tensor.shape, {}});
      to->back().bytes.resize(static_cast<std::size_t>(tensor.end - tensor.begin));
      file_.read(tensor, to->back().bytes.data());
    }
  }

  void finish() {
    if (read_.size() == file_.header().tensors.size()) return;
    std::sort(read_.begin(), read_.end());
    for (const auto& entry : file_.header().tensors)
      if (!std::binary_search(read_.begin(), read_.end(), &entry.second))
        throw FormatError("expected the tensors of the layers and the optimizer only, got " +
                          in_quotes(entry.first));
  }

 private:
  const SafetensorsFile& file_;
  std::vector<const StoredTensor*> read_;  // each once
};

template <class Error, class T>
void check_finite(const std::string& name, const std::vector<T>& values) {
  if (all_finite(values.data(), static_cast<Index>(values.size()))) return;
  const auto bad =
      std::find_if(values.begin(), values.end(), [](T v) { return !std::isfinite(v); });
  throw Error("tensor " + in_quotes(name) + ": expected finite weights, got " +
              number_text(static_cast<double>(*bad)) + " at position " +
              std::to_string(bad - values.begin()));
}

template <class T>
Graph<T> graph_of(const Description& description, const SafetensorsFile& file) {
  if (!description.graph) {
    check_size<T>(parameter_totals(description.layers, description.input_features), file);
    return Graph<T>(make_layers<T>(description.layers, description.input_features, std::nullopt));
  }
  const auto check = [&](const ParameterTotals& totals) { check_size<T>(totals, file); };
  return Graph<T>(*description.graph, make_layers<T>(*description.graph, std::nullopt, check));
}

template <class T>
LoadedModel<T> build(Description& description, const SafetensorsFile& file, bool with_extras) {
  TensorReader tensors(file);
  auto network =
      Access::make<Network<T>>(std::make_shared<NetworkImpl<T>>(graph_of<T>(description, file)));
  for (const auto& [name, parameter] : Access::impl(network).parameters()) {
    tensors.read(name, parameter->info.shape, parameter->value);
    check_finite<FormatError>(name, parameter->value);
  }
  Access::impl(network).parameters_changed();
  LoadedModel<T> model{network, std::nullopt, std::move(description.user), {}};
  if (description.trainer) {
    const TrainerDescription& saved = *description.trainer;
    Trainer<T>& trainer =
        model.trainer.emplace(Access::make<Trainer<T>>(std::make_shared<TrainerImpl<T>>(
            network, saved.losses, saved.optimizer, /*from_file=*/true)));
    trainer.set_iterations(saved.iterations);
    Optimizer<T>& optimizer = Access::impl(trainer).optimizer();
    const auto place_of = [&](const std::string& name) {
      const std::size_t place = Access::impl(network).place_of(name);
      if (place == Access::impl(network).parameters().size())
        throw FormatError("trainer: expected names of parameters, got " + in_quotes(name));
      return place;
    };
    for (const auto& [name, factor] : saved.rate_factors)
      optimizer.set_rate_factor(place_of(name), factor);
    for (const auto& [name, missed] : saved.missed_updates)
      optimizer.set_missed(place_of(name), missed);
    for (const auto& slot : optimizer.slots())
      tensors.read(kStatePrefix + slot.name, slot.parameter->info.shape, *slot.values);
  }
  if (description.extra_tensors) tensors.read_extras(with_extras ? &model.extras.tensors : nullptr);
  tensors.finish();
  if (with_extras) model.extras.text = std::move(description.extras);
  return model;
}

/// What a file holds, as its writer wants it. The sources refer to the content.
template <class T>
struct FileContent {
  Metadata metadata;
  std::vector<TensorSource> tensors;

  explicit FileContent(const ModelContent<T>& content) {
    const Network<T>& network = content.network;
    const Trainer<T>* trainer = content.trainer;
    if (trainer && &Access::impl(trainer->network()) != &Access::impl(network))
      throw InvalidArgument("trainer: expected one of this network, got one of another network");
    const bool row = Access::impl(network).graph().is_row();
    const bool several = trainer && (trainer->losses().size() > 1 || !is_plain(*trainer));
    json description = {{"dtype", dtype_name<T>()}};
    if (row) {
      description["input_features"] = network.input_features();
      description["layers"] = to_json(network.layers());
    } else {
      description["graph"] = to_json(network.graph());
    }
    const char* version = content.extra_tensors.empty() ? kFormatVersion : kExtrasVersion;
    if (!row || several) version = kGraphVersion;
    metadata = {{"format", kFormat},
                {"format_version", version},
                {"lstm_native_version", lstm_native::version()},
                {"network", description.dump()}};
    for (const auto& [name, parameter] : Access::impl(network).parameters()) {
      check_finite<InvalidArgument>(name, parameter->value);  // nobody could load it
      add(name, parameter->info.shape, parameter->value);
    }
    if (trainer) {
      json state = {{"iterations", trainer->iterations()},
                    {"optimizer", to_json(trainer->optimizer())}};
      if (several)
        state["losses"] = losses_json(trainer->losses());
      else
        state["loss"] = to_json(trainer->loss());
      const Optimizer<T>& optimizer = Access::impl(*trainer).optimizer();
      for (std::size_t i = 0; i < Access::impl(network).parameters().size(); ++i) {
        const std::string& name = Access::impl(network).parameters()[i].first;
        if (optimizer.rate_factor(i) != 1) state["rate_factors"][name] = optimizer.rate_factor(i);
        if (optimizer.missed(i)) state["missed_updates"][name] = optimizer.missed(i);
      }
      metadata["trainer"] = state.dump();
      for (const auto& slot : Access::impl(*trainer).optimizer().slots())
        add(kStatePrefix + slot.name, slot.parameter->info.shape, *slot.values);
    }
    for (const auto& [key, text] : content.metadata)
      metadata[std::string(kUserPrefix) + key] = text;
    if (!content.extra_text.empty()) metadata[kExtras] = content.extra_text;
    for (TensorSource tensor : content.extra_tensors) {
      tensor.name.insert(0, kExtraPrefix);
      tensors.push_back(std::move(tensor));
    }
  }

 private:
  /// Whether one loss with its key is all there is to say.
  static bool is_plain(const Trainer<T>& trainer) {
    const OutputLoss& only = trainer.losses().front();
    return only.output == 0 && only.factor == 1.0;
  }

  static json losses_json(const std::vector<OutputLoss>& losses) {
    json list = json::array();
    for (const OutputLoss& one : losses)
      list.push_back({{"output", one.output}, {"loss", to_json(one.loss)}, {"factor", one.factor}});
    return list;
  }

  void add(const std::string& name, const std::vector<Index>& shape, const std::vector<T>& values) {
    tensors.push_back({name, safetensors_dtype<T>(), shape, [&values](void* out) {
                         std::copy(values.begin(), values.end(), static_cast<T*>(out));
                       }});
  }
};

}  // namespace

template <class T>
void save_model(const std::string& path, const ModelContent<T>& content) {
  const FileContent<T> file(content);
  write_safetensors(path, file.tensors, file.metadata);
}

template <class T>
std::vector<std::byte> model_bytes(const ModelContent<T>& content) {
  const FileContent<T> file(content);
  return safetensors_content(file.tensors, file.metadata);
}

ModelSource::ModelSource(const std::string& path)
    : name_("model file '" + printable(path, 400) + "'") {
  in_file(name_, [&] { return &file_.emplace(path); });
}

ModelSource::ModelSource(const void* data, std::size_t size) : name_("model bytes") {
  in_file(name_, [&] { return &file_.emplace(data, size); });
}

AnyModel ModelSource::load_any(bool with_extras) && {
  Description description = in_file(name_, [&] { return describe(*file_); });
  return in_file(name_, [&]() -> AnyModel {
    if (description.dtype == dtype_name<double>())
      return build<double>(description, *file_, with_extras);
    return build<float>(description, *file_, with_extras);
  });
}

template <class T>
LoadedModel<T> ModelSource::load(bool with_extras) && {
  Description description = in_file(name_, [&] { return describe(*file_); });
  // Asking for the wrong dtype is the caller's mistake, not the file's.
  if (description.dtype != dtype_name<T>())
    throw InvalidArgument(name_ + ": expected dtype " + dtype_name<T>() + ", got " +
                          description.dtype);
  return in_file(name_, [&] { return build<T>(description, *file_, with_extras); });
}

namespace {

template <class T>
BasicModel<T> without_trainer(LoadedModel<T> loaded) {
  return {std::move(loaded.network), std::move(loaded.metadata)};
}

}  // namespace

template <class T>
BasicModel<T> BasicModel<T>::load(const std::string& path) {
  return without_trainer(ModelSource(path).load<T>());
}

template <class T>
BasicModel<T> BasicModel<T>::load(const void* data, std::size_t size) {
  return without_trainer(ModelSource(data, size).load<T>());
}

template <class T>
void BasicModel<T>::save(const std::string& path) const {
  save_model(path, ModelContent<T>{network, nullptr, metadata, {}, {}});
}

template <class T>
std::vector<std::byte> BasicModel<T>::to_bytes() const {
  return model_bytes(ModelContent<T>{network, nullptr, metadata, {}, {}});
}

template void save_model(const std::string&, const ModelContent<float>&);
template void save_model(const std::string&, const ModelContent<double>&);
template std::vector<std::byte> model_bytes(const ModelContent<float>&);
template std::vector<std::byte> model_bytes(const ModelContent<double>&);
template LoadedModel<float> ModelSource::load(bool) &&;
template LoadedModel<double> ModelSource::load(bool) &&;
template struct BasicModel<float>;
template struct BasicModel<double>;

}  // namespace lstm_native
