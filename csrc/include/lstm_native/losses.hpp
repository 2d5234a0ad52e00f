// Losses as plain data: one struct for each, with its settings.
//
// The loss of a batch is the weighted mean over its rows (a row: one sample, or one step of one
// sample when the output has a time axis). o is the output of a row, y its target; what is said of
// one value is the mean over the values of a row.
#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "lstm_native/types.hpp"

namespace lstm_native {

/// How a cross-entropy reads what the network answers. `automatic`: as probabilities where the
/// network ends with the sigmoid (binary) or softmax (categorical) of a Dense or an Activation,
/// else as logits. Either way the loss is computed from what stands before that function, so that
/// a network learns alike with it and without it. A Trainer refuses what contradicts its network.
enum class OutputReading { automatic, logits, probabilities };

/// (o - y)^2
struct MSELoss {
  static constexpr const char* kName = "mse";  // in files
};

/// |o - y|
struct MAELoss {
  static constexpr const char* kName = "mae";
};

/// (o - y)^2 / 2 within delta, else delta (|o - y| - delta / 2)   (Huber 1964)
struct HuberLoss {
  static constexpr const char* kName = "huber";
  double delta = 1.0;  // where the square turns into a line
};

/// max(o, 0) - o y + log(1 + exp(-|o|)), y from 0 to 1
struct BinaryCrossentropyLoss {
  static constexpr const char* kName = "binary_crossentropy";
  OutputReading outputs = OutputReading::automatic;
  // In [0, 1): y becomes y (1 - s) + s / 2 (Szegedy et al. 2016, "Rethinking the Inception
  // architecture").
  double label_smoothing = 0.0;
};

/// log(sum(exp(o))) sum(y) - sum(o y), y soft labels or the label's one-hot row
struct CategoricalCrossentropyLoss {
  static constexpr const char* kName = "categorical_crossentropy";
  OutputReading outputs = OutputReading::automatic;
  double label_smoothing = 0.0;  // y becomes y (1 - s) + s / K, K the number of classes
  // Rows of this label have no loss and no gradient, and do not count in the mean.
  std::optional<std::int64_t> ignore_index = std::nullopt;
};

namespace detail {
template <class T, class Variant>
struct is_loss;
template <class T, class... Known>
struct is_loss<T, std::variant<Known...>> : std::disjunction<std::is_same<T, Known>...> {};
}  // namespace detail

/// Any of the above, the squared error where nothing is said; made of one of them, as in
/// Trainer<float>(network, HuberLoss{0.5}, adam).
struct LossSpec {
  using Options = std::variant<MSELoss, MAELoss, HuberLoss, BinaryCrossentropyLoss,
                               CategoricalCrossentropyLoss>;
  Options options;

  LossSpec() = default;
  LossSpec(Options any) : options(std::move(any)) {}
  template <class Loss, class = std::enable_if_t<detail::is_loss<Loss, Options>::value>>
  LossSpec(Loss loss) : options(std::move(loss)) {}

  const char* name() const {
    return std::visit([](const auto& loss) { return loss.kName; }, options);
  }
};

/// What a network should have answered; which of them a loss wants says `target_shape`.
///   values   rows x the features of the loss's targets
///   labels   class indices, one for each row; where a loss's labels have steps of their own (CTC),
///            samples x timesteps
///   weights  one for each row, non-negative, or null for all ones; 0 masks a row out
/// rows is samples, or samples x timesteps when the network's output has a time axis.
template <class T>
struct Targets {
  const T* values = nullptr;
  const std::int64_t* labels = nullptr;
  const T* weights = nullptr;
  // Of labels with steps of their own: how many, and how many of them each sample has (null: all).
  Index timesteps = 0;
  const Index* lengths = nullptr;
};

/// Which targets a loss wants over an output of so many features.
struct TargetShape {
  Index features = 0;      // values of a row; 0: none are taken
  bool labels = false;     // class indices are taken: in place of values, or alone
  bool own_steps = false;  // labels have timesteps and lengths of their own, weights are of samples
};

/// Throws InvalidArgument where the loss cannot have an output of so many features.
TargetShape target_shape(const LossSpec& loss, Index output_features);

}  // namespace lstm_native
