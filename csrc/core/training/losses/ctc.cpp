// Connectionist temporal classification: labels without their places in time (Graves et al. 2006).
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/numeric/activations.hpp"
#include "core/runtime/threads.hpp"
#include "core/training/losses/ctc_alignments.hpp"
#include "core/training/losses/loss_list.hpp"
#include "kernels/dispatch.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

// Below it a softmax's probability is made anew in double: in float it may have lost digits.
constexpr double kLeastProbability = 1e-30;

[[noreturn]] void refuse_sequence(Index sequence, const std::string& told) {
  throw InvalidArgument("y: sequence " + std::to_string(sequence) + ": " + told);
}

template <class T>
class Ctc final : public Loss<T> {
 public:
  explicit Ctc(const CTCLoss& spec) : spec_(spec) {}

  TargetShape target_shape(Index output_features) const override {
    if (output_features < 2)
      throw InvalidArgument("loss: ctc expects an output for the blank and for each label, got " +
                            std::to_string(output_features) + " output");
    if (spec_.blank >= output_features)
      throw InvalidArgument("loss.blank: expected an output, 0 to " +
                            std::to_string(output_features - 1) + ", got " +
                            std::to_string(spec_.blank));
    return {0, true, true};
  }

  Targets<T> prepare(const LossOutput<T>& output, const Targets<T>& targets,
                     Workspace& /*workspace*/) const override {
    if (!output.timesteps)
      throw InvalidArgument(
          "loss: ctc expects an output at each step (return_sequences=True), got one without time "
          "axis");
    if (!targets.labels) throw InvalidArgument("y: ctc expects integer labels, got none");
    check_weights(output.samples, targets.weights);
    for (Index i = 0; i < output.samples; ++i) {
      const Index count = length_of(targets, i);
      if (count < 0 || count > targets.timesteps)
        refuse_sequence(i, "expected a length from 0 to " + std::to_string(targets.timesteps) +
                               ", got " + std::to_string(count));
      if (targets.weights && targets.weights[i] == 0) continue;
      check_sequence(i, output, count, targets.labels + i * targets.timesteps);
    }
    return targets;
  }

  LossValue compute(const LossOutput<T>& output, const Targets<T>& targets, double mean_weight,
                    T* gradient, Workspace& workspace) const override {
    const Workspace::Scope scope(workspace);
    const RowWeights<T> weights(output.samples, targets.weights, mean_weight);
    double* losses = workspace.take_zeros<double>(output.samples);
    const Index states = ctc_states(targets.timesteps), steps = output.timesteps;
    const double work =
        static_cast<double>(output.rows()) * static_cast<double>(4 * states + 8 * output.features);
    const Index parts = parallel_parts(output.samples, work);
    // Of each part: three tables of probabilities, what the alignments need, a row of outputs.
    const Index of_part = (steps + 3) * states + steps + 3 * steps * (1 + targets.timesteps);
    double* memory = workspace.take<double>(parts * of_part);
    T* scratch = gradient ? nullptr : workspace.take<T>(parts * output.features);
    run_parts(parts, output.samples, [&](Index part, Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        T* to = gradient ? gradient + i * steps * output.features : nullptr;
        const double weight = weights.of(i);
        if (weight == 0) {
          if (to) std::fill_n(to, steps * output.features, T(0));
          continue;
        }
        losses[i] = weight * sequence_loss(output, targets, i, weight / weights.whole, to,
                                           to ? nullptr : scratch + part * output.features,
                                           memory + part * of_part);
      }
    });
    LossValue result{0, weights.total};
    for (Index i = 0; i < output.samples; ++i) result.loss += losses[i];
    if (result.weight > 0) result.loss /= result.weight;
    return result;
  }

 private:
  static Index length_of(const Targets<T>& targets, Index sample) {
    return targets.lengths ? targets.lengths[sample] : targets.timesteps;
  }
  static Index steps_of(const LossOutput<T>& output, Index sample) {
    return output.lengths ? output.lengths[sample] : output.timesteps;
  }

  void check_sequence(Index sample, const LossOutput<T>& output, Index count,
                      const std::int64_t* labels) const {
    for (Index j = 0; j < count; ++j) {
      if (labels[j] < 0 || labels[j] >= output.features)
        refuse_sequence(sample, "expected labels from 0 to " + std::to_string(output.features - 1) +
                                    ", got " + std::to_string(labels[j]));
      if (labels[j] == spec_.blank)
        refuse_sequence(sample, "expected labels other than the blank, got " +
                                    std::to_string(labels[j]) +
                                    "; another blank is chosen with CTC(blank=...)");
    }
    const Index least = ctc_least_steps(count, labels), steps = steps_of(output, sample);
    if (steps >= least || spec_.zero_infinity) return;
    refuse_sequence(
        sample, "its " + std::to_string(count) + " labels need at least " + std::to_string(least) +
                    " steps (one each, and a blank between two that are the same), got " +
                    std::to_string(steps) + ". CTC(zero_infinity=True) leaves such sequences out");
  }

  /// Loss of one sequence; scale * its gradient, when wanted.
  double sequence_loss(const LossOutput<T>& output, const Targets<T>& targets, Index sample,
                       double scale, T* gradient, T* scratch, double* memory) const {
    CtcSequence s;
    s.steps = steps_of(output, sample);
    s.labels = length_of(targets, sample);
    s.label = targets.labels + sample * targets.timesteps;
    const Index classes = output.features, width = 1 + s.labels, all = output.timesteps * classes;
    const auto leave_out = [&](double loss) {
      if (gradient) std::fill_n(gradient, all, T(0));
      return spec_.zero_infinity && !std::isnan(loss) ? 0.0 : loss;
    };
    if (s.steps < ctc_least_steps(s.labels, s.label))
      return leave_out(std::numeric_limits<double>::infinity());
    double* chances = memory;
    double* logarithms = chances + s.steps * width;
    double* occupied = logarithms + s.steps * width;
    double* rest = occupied + s.steps * width;
    const T* logits = output.values + sample * all;
    for (Index t = 0; t < s.steps; ++t) {
      const T* row = logits + t * classes;
      T* softmax_row = gradient ? gradient + t * classes : scratch;
      const double log_sum = softmax(kernels<T>(), classes, row, softmax_row);
      for (Index j = 0; j < width; ++j) {
        const std::int64_t symbol = j ? s.label[j - 1] : spec_.blank;
        const auto chance = static_cast<double>(softmax_row[symbol]);
        const double logarithm = static_cast<double>(row[symbol]) - log_sum;
        logarithms[t * width + j] = logarithm;
        chances[t * width + j] = chance >= kLeastProbability ? chance : std::exp(logarithm);
      }
    }
    s.probabilities = chances;
    s.log_probabilities = logarithms;
    double* places = gradient ? occupied : nullptr;
    double loss = ctc_by_products(s, places, rest);
    if (std::isnan(loss)) loss = ctc_by_logarithms(s, places, rest);
    if (!std::isfinite(loss)) return leave_out(loss);
    if (spec_.per_label) {
      const auto count = static_cast<double>(std::max<Index>(s.labels, 1));
      loss /= count;
      scale /= count;
    }
    if (!gradient) return loss;
    const auto factor = static_cast<T>(scale);
    for (Index t = 0; t < s.steps; ++t) {
      T* row = gradient + t * classes;
      const double* place = occupied + t * width;
      for (Index k = 0; k < classes; ++k) row[k] *= factor;
      row[spec_.blank] -= static_cast<T>(place[0] * scale);
      for (Index j = 0; j < s.labels; ++j) row[s.label[j]] -= static_cast<T>(place[j + 1] * scale);
    }
    std::fill_n(gradient + s.steps * classes, all - s.steps * classes, T(0));
    return loss;
  }

  const CTCLoss spec_;
};

}  // namespace

template <class T>
LossPointer<T> new_loss(const CTCLoss& spec) {
  return std::make_unique<Ctc<T>>(spec);
}

template LossPointer<float> new_loss(const CTCLoss&);
template LossPointer<double> new_loss(const CTCLoss&);

}  // namespace lstm_native
