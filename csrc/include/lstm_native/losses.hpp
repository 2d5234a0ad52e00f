// Losses as plain data: one struct for each, with its settings.
//
// The loss of a batch is the weighted mean over its rows (a row: one sample, or one step of one
// sample when the output has a time axis). o is the output of a row, y its target; what is said of
// one value is the mean over the values of a row.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

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

/// Cross-entropies that count less for what is known already (Lin et al. 2017, "Focal loss for
/// dense object detection"): -y (1 - p)^gamma log p, with p = sigmoid(o), and the like of 1 - y.
struct BinaryFocalLoss {
  static constexpr const char* kName = "binary_focal";
  double gamma = 2.0;
  std::optional<double> alpha = std::nullopt;  // weight of class 1, that of class 0 is 1 - alpha
  OutputReading outputs = OutputReading::automatic;
};

/// -sum(y (1 - p)^gamma log p), p = softmax(o), y soft labels or the label's one-hot row
struct CategoricalFocalLoss {
  static constexpr const char* kName = "categorical_focal";
  double gamma = 2.0;
  OutputReading outputs = OutputReading::automatic;
  std::optional<std::int64_t> ignore_index = std::nullopt;
};

/// 1 - cosine of the angle between o and y, each at least 1e-8 long
struct CosineLoss {
  static constexpr const char* kName = "cosine";
};

/// Pinball loss of several quantiles at once: max(q (y - o), (q - 1) (y - o))   (Koenker & Bassett
/// 1978), the mean over quantiles and values. The output has a block of as many values as the
/// target for each quantile.
struct QuantileLoss {
  static constexpr const char* kName = "quantile";
  std::vector<double> quantiles = {0.1, 0.5, 0.9};  // ascending, each between 0 and 1
};

/// How an output becomes a positive number.
enum class PositiveLink { softplus, exp };

// Minus the logarithm of the likelihood of the targets, complete with its constants. The output has
// a block of as many values as the target for each parameter of the distribution, in the order
// given; positive ones go through a PositiveLink.

/// Poisson of the rate. y >= 0
struct PoissonLoss {
  static constexpr const char* kName = "poisson";
  PositiveLink link = PositiveLink::softplus;
};

/// Negative binomial of the mean and the shape alpha, variance mean + alpha mean^2 (Salinas et al.
/// 2020, "DeepAR"). y >= 0
struct NegativeBinomialLoss {
  static constexpr const char* kName = "negative_binomial";
  PositiveLink link = PositiveLink::softplus;
};

/// Normal distribution of mean and scale; minimum_scale is added to the latter.
struct GaussianLoss {
  static constexpr const char* kName = "gaussian";
  PositiveLink link = PositiveLink::softplus;
  double minimum_scale = 1e-6;
};

/// Student's t of location, scale and degrees of freedom, the latter 2 + softplus(o).
struct StudentTLoss {
  static constexpr const char* kName = "student_t";
  PositiveLink link = PositiveLink::softplus;
  double minimum_scale = 1e-6;
};

/// Mixture of normal distributions of points (x1, x2) with full covariance and, beside it, a
/// probability that the pen is lifted (Graves 2013, "Generating sequences with recurrent neural
/// networks", equations 17 to 26). Of M components the output has the logit of the pen (with
/// `pen`), then blocks of M: logits of the weights, means of x1, of x2, scales of x1, of x2, and
/// what the tanh of is the correlation. The target is (x1, x2) and, with `pen`, 1 or 0.
struct GaussianMixture2DLoss {
  static constexpr const char* kName = "gaussian_mixture_2d";
  bool pen = true;
  PositiveLink link = PositiveLink::exp;
  double minimum_scale = 1e-6;
};

/// Divergence of normal distributions from the standard one, sum over the features (Kingma &
/// Welling 2014, "Auto-encoding variational Bayes", appendix B). The output is a block of means and
/// one of logarithms of variances; there is no target.
struct UnitGaussianKLLoss {
  static constexpr const char* kName = "unit_gaussian_kl";
};

/// Connectionist temporal classification (Graves et al. 2006): minus the logarithm of the
/// probability of a sequence of labels, wherever in time they stand. The output has logits at each
/// step. Labels are samples x timesteps with lengths of their own; a row is a sample, and its loss
/// the sum over its steps.
struct CTCLoss {
  static constexpr const char* kName = "ctc";
  Index blank = 0;  // the output that stands for no label
  // Sequences with more labels than steps can hold have no loss, instead of being refused.
  bool zero_infinity = false;
  bool per_label = false;  // divide by the number of labels, as torch's reduction="mean" does
  OutputReading outputs = OutputReading::automatic;
};

/// What a loss of the caller's own is given, and what it writes.
template <class T>
struct OwnLossBatch {
  Index samples = 0, timesteps = 0;      // timesteps 0: no time axis
  Index features = 0;                    // of the output
  Index target_features = 0;             // of values
  const T* output = nullptr;             // rows x features
  const T* values = nullptr;             // rows x target_features, or null
  const std::int64_t* labels = nullptr;  // rows, or null
  const T* weights = nullptr;            // rows, or null: all count alike
  double* losses = nullptr;              // rows, to be written
  T* gradient = nullptr;                 // rows x features, of each row's own loss; may be null
};

/// A loss of the caller's own, for one or both types of numbers. Rows that do not count may hold
/// anything, and what is written for them is not looked at. No file can hold it: it stands there by
/// its name alone, and a trainer that comes from the file cannot take a step.
struct FunctionLoss {
  static constexpr const char* kName = "function";
  std::string label;  // what it is called
  std::function<void(const OwnLossBatch<float>&)> float32;
  std::function<void(const OwnLossBatch<double>&)> float64;
  Index target_features = 0;  // 0: as many as the output has
  bool labels = false;        // class indices instead of values
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
  using Options =
      std::variant<MSELoss, MAELoss, HuberLoss, BinaryCrossentropyLoss, CategoricalCrossentropyLoss,
                   BinaryFocalLoss, CategoricalFocalLoss, CosineLoss, QuantileLoss, PoissonLoss,
                   NegativeBinomialLoss, GaussianLoss, StudentTLoss, GaussianMixture2DLoss,
                   UnitGaussianKLLoss, CTCLoss, FunctionLoss>;
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
