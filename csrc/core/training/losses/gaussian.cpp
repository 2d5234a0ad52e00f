// Likelihoods of values with an error of unknown size: Gaussian and Student's t.
#include <cmath>

#include "core/numeric/special_functions.hpp"
#include "core/training/losses/likelihoods.hpp"
#include "core/training/losses/loss_list.hpp"
#include "core/training/losses/positive.hpp"

namespace lstm_native {
namespace {

constexpr double kHalfLogTwoPi = 0.91893853320467274178, kLogPi = 1.1447298858494001741;

struct Gaussian : LikelihoodRules<Gaussian> {
  static constexpr Index kParameters = 2;
  static constexpr const char* kName = GaussianLoss::kName;
  explicit Gaussian(const GaussianLoss& given) : spec(given) {}

  double value(const double* outputs, double y, double* slopes) const {
    const Positive scale = positive_of(spec.link, outputs[1], spec.minimum_scale);
    const double z = (y - outputs[0]) / scale.value;
    slopes[0] = -z / scale.value;
    slopes[1] = (1 - z * z) * scale.log_slope;
    return scale.log + 0.5 * z * z + kHalfLogTwoPi;
  }
  GaussianLoss spec;
};

struct StudentT : LikelihoodRules<StudentT> {
  static constexpr Index kParameters = 3;
  static constexpr const char* kName = StudentTLoss::kName;
  explicit StudentT(const StudentTLoss& given) : spec(given) {}

  double value(const double* outputs, double y, double* slopes) const {
    const Positive scale = positive_of(spec.link, outputs[1], spec.minimum_scale);
    const double freedom = 2 + softplus_of(outputs[2]);  // a variance below infinity
    const double z = (y - outputs[0]) / scale.value, square = z * z;
    const double share = (freedom + 1) / (freedom + square), tail = std::log1p(square / freedom);
    slopes[0] = -share * z / scale.value;
    slopes[1] = (1 - share * square) * scale.log_slope;
    slopes[2] = 0.5 *
                (digamma(0.5 * freedom) - digamma(0.5 * (freedom + 1)) + 1 / freedom + tail -
                 share * square / freedom) *
                sigmoid_of(outputs[2]);
    return log_gamma(0.5 * freedom) - log_gamma(0.5 * (freedom + 1)) +
           0.5 * (std::log(freedom) + kLogPi) + scale.log + 0.5 * (freedom + 1) * tail;
  }
  StudentTLoss spec;
};

}  // namespace

template <class T>
LossPointer<T> new_loss(const GaussianLoss& spec) {
  return std::make_unique<RowLoss<T, Gaussian>>(Gaussian(spec));
}
template <class T>
LossPointer<T> new_loss(const StudentTLoss& spec) {
  return std::make_unique<RowLoss<T, StudentT>>(StudentT(spec));
}

template LossPointer<float> new_loss(const GaussianLoss&);
template LossPointer<double> new_loss(const GaussianLoss&);
template LossPointer<float> new_loss(const StudentTLoss&);
template LossPointer<double> new_loss(const StudentTLoss&);

}  // namespace lstm_native
