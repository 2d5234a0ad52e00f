#include "lstm_native/weight_average.hpp"

#include <algorithm>

#include "core/base/float_mode.hpp"
#include "core/base/message_text.hpp"
#include "core/network/handles.hpp"
#include "core/network/network_impl.hpp"
#include "core/training/optimizer.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
class WeightAverageImpl {
 public:
  explicit WeightAverageImpl(const Network<T>& network) : network_(network) {
    for (const auto& [name, p] : impl().parameters()) means_.emplace_back(p->value.size());
  }

  /// mean += share * (weights - mean), the first weights whole.
  void add(double share) {
    const FloatMode mode;
    const T part = static_cast<T>(share);
    for (std::size_t i = 0; i < means_.size(); ++i) {
      const T* weights = impl().parameters()[i].second->value.data();
      std::vector<T>& mean = means_[i];
      if (count == 0)
        std::copy_n(weights, mean.size(), mean.begin());
      else
        for (std::size_t j = 0; j < mean.size(); ++j) mean[j] += part * (weights[j] - mean[j]);
    }
    ++count;
  }

  void copy_to(const Network<T>& network) const {
    NetworkImpl<T>& to = Access::impl(network);
    if (count == 0) throw InvalidArgument("expected a mean of weights, but none were taken in");
    bool same = to.parameters().size() == means_.size();
    for (std::size_t i = 0; same && i < means_.size(); ++i)
      same = to.parameters()[i].second->info.shape == impl().parameters()[i].second->info.shape;
    if (!same) throw InvalidArgument("network: expected one of the layers that the mean is of");
    for (std::size_t i = 0; i < means_.size(); ++i) to.parameters()[i].second->value = means_[i];
    to.parameters_changed();
  }

  std::vector<T>& mean(const std::string& name) {
    const std::size_t place = impl().place_of(name);
    if (place >= means_.size())
      throw InvalidArgument("no parameter named '" + printable(name) + "'");
    return means_[place];
  }

  Index count = 0;

 private:
  NetworkImpl<T>& impl() const { return Access::impl(network_); }

  Network<T> network_;
  std::vector<std::vector<T>> means_;
};

namespace {

template <class Impl>
Impl& full(const std::unique_ptr<Impl>& impl) {
  if (!impl) throw InvalidArgument("WeightAverage: expected one of a network, got an empty one");
  return *impl;
}

}  // namespace

template <class T>
WeightAverage<T>::WeightAverage(const Network<T>& network)
    : impl_(std::make_unique<WeightAverageImpl<T>>(network)) {}
template <class T>
WeightAverage<T>::WeightAverage() noexcept = default;
template <class T>
WeightAverage<T>::~WeightAverage() = default;
template <class T>
WeightAverage<T>::WeightAverage(WeightAverage&&) noexcept = default;
template <class T>
WeightAverage<T>& WeightAverage<T>::operator=(WeightAverage&&) noexcept = default;

template <class T>
void WeightAverage<T>::add() {
  auto& impl = full(impl_);
  impl.add(1.0 / static_cast<double>(impl.count + 1));
}

template <class T>
void WeightAverage<T>::add_exponential(double decay) {
  if (!(decay >= 0 && decay <= 1))
    throw InvalidArgument("decay: expected 0 to 1, got " + number_text(decay));
  full(impl_).add(1 - decay);
}

template <class T>
Index WeightAverage<T>::count() const {
  return full(impl_).count;
}

template <class T>
void WeightAverage<T>::reset() {
  full(impl_).count = 0;
}

template <class T>
void WeightAverage<T>::copy_to(const Network<T>& network) const {
  full(impl_).copy_to(network);
}

template <class T>
std::vector<T> WeightAverage<T>::get(const std::string& name) const {
  return full(impl_).mean(name);
}

template <class T>
void WeightAverage<T>::set(const std::string& name, const T* values, Index count) {
  std::vector<T>& mean = full(impl_).mean(name);
  check_count(name, static_cast<Index>(mean.size()), count);
  std::copy_n(values, count, mean.begin());
}

template <class T>
void WeightAverage<T>::set_count(Index count) {
  if (count < 0 || count > kMaxIterations)
    throw InvalidArgument("count: expected 0 to " + std::to_string(kMaxIterations) + ", got " +
                          std::to_string(count));
  full(impl_).count = count;
}

template class WeightAverage<float>;
template class WeightAverage<double>;

}  // namespace lstm_native
