// Means of a network's weights over a training.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lstm_native/network.hpp"

namespace lstm_native {

template <class T>
class WeightAverageImpl;

/// The mean of the weights that a network had at several times, which often answers better than
/// its last ones: of all alike (Polyak & Juditsky 1992; Izmailov et al. 2018), or with older ones
/// counting less and less. The numbers of torch.optim.swa_utils.AveragedModel. Moved, not copied.
template <class T>
class WeightAverage {
 public:
  /// Of nothing yet.
  explicit WeightAverage(const Network<T>& network);
  WeightAverage() noexcept;
  ~WeightAverage();
  WeightAverage(WeightAverage&&) noexcept;
  WeightAverage& operator=(WeightAverage&&) noexcept;

  explicit operator bool() const noexcept { return impl_ != nullptr; }  // whether it is not empty

  /// Takes the present weights in, so that all counted ones have the same share.
  void add();
  /// average = decay * average + (1 - decay) * weights, decay in [0, 1]. The first are taken whole.
  void add_exponential(double decay);
  Index count() const;  // of weights taken in
  void reset();

  /// Gives the network the mean. Throws InvalidArgument where nothing was taken in.
  void copy_to(const Network<T>& network) const;

  /// By the parameter's name. Unknown names and wrong counts throw InvalidArgument.
  std::vector<T> get(const std::string& name) const;
  void set(const std::string& name, const T* values, Index count);
  void set_count(Index count);  // 0: none of the values counts

 private:
  std::unique_ptr<WeightAverageImpl<T>> impl_;
};

}  // namespace lstm_native
