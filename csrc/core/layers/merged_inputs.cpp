#include "core/layers/merged_inputs.hpp"

#include "lstm_native/error.hpp"

namespace lstm_native {

MergedInputs::MergedInputs(const char* layer, std::vector<Index> features)
    : layer_(layer), features_(std::move(features)) {
  if (features_.size() < 2)
    throw InvalidArgument(std::string(layer) + ": expected at least two inputs, got " +
                          std::to_string(features_.size()));
  for (std::size_t i = 0; i < features_.size(); ++i) names_.push_back("x" + std::to_string(i));
}

void MergedInputs::check_same_features() const {
  for (std::size_t i = 1; i < features_.size(); ++i)
    if (features_[i] != features_[0])
      throw InvalidArgument(std::string(layer_) + ": expected inputs of as many features, got " +
                            std::to_string(features_[0]) + " (" + names_[0] + ") and " +
                            std::to_string(features_[i]) + " (" + names_[i] + ")");
}

std::vector<Port> MergedInputs::ports() const {
  std::vector<Port> list;
  for (std::size_t i = 0; i < features_.size(); ++i)
    list.push_back({names_[i].c_str(), features_[i]});
  return list;
}

Index MergedInputs::timesteps(const OutputShape* in) const {
  std::size_t first = count();
  for (std::size_t i = 0; i < count(); ++i) {
    if (in[i].timesteps == 0) continue;
    if (first == count()) first = i;
    if (in[i].timesteps != in[first].timesteps)
      throw InvalidArgument(std::string(layer_) + ": expected inputs of as many timesteps, got " +
                            std::to_string(in[first].timesteps) + " (" + names_[first] + ") and " +
                            std::to_string(in[i].timesteps) + " (" + names_[i] + ")");
  }
  return first == count() ? 0 : in[first].timesteps;
}

template <class T>
const Index* MergedInputs::lengths(const Batch<T>* in) const {
  std::size_t first = count();
  for (std::size_t i = 0; i < count(); ++i) {
    if (in[i].timesteps == 0) continue;
    if (first == count()) first = i;
    for (Index n = 0; n < in[i].samples; ++n) {
      const Index expected = true_rows(in[first], n), found = true_rows(in[i], n);
      if (found != expected)
        throw InvalidArgument(std::string(layer_) + ": expected inputs of the same lengths, got " +
                              std::to_string(expected) + " (" + names_[first] + ") and " +
                              std::to_string(found) + " (" + names_[i] + ") for sequence " +
                              std::to_string(n));
    }
  }
  return first == count() ? nullptr : in[first].lengths;
}

template const Index* MergedInputs::lengths(const Batch<float>*) const;
template const Index* MergedInputs::lengths(const Batch<double>*) const;

}  // namespace lstm_native
