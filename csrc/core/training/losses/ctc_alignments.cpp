#include "core/training/losses/ctc_alignments.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lstm_native {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The states of one step. labels[0] stands before the first label and is the zero of the domain.
struct States {
  States(double* row, Index count) : blanks(row), labels(row + count + 1) {}
  double* blanks;
  double* labels;
};

/// Whether the blank before a label may be left out: not between two labels that are the same.
bool may_skip_blank(const CtcSequence& s, Index label) {
  return label > 0 && label < s.labels && s.label[label] != s.label[label - 1];
}

/// log(exp(a) + exp(b)).
double log_sum(double a, double b) {
  const double high = std::max(a, b), low = std::min(a, b);
  return low == -kInfinity ? high : high + std::log1p(std::exp(low - high));
}

/// Products are trusted as long as what a value too small for a double may have lost is below the
/// rounding of the result. What is lost at a step, at most the smallest double relative to that
/// step's sum, can grow on the way to the end by no more than what the successors of a state may
/// have in sum, at most; the true sums have grown by `scale`. The loss therefore stays below
/// exp(-708 + the sum over steps of log(most / scale)), and scales themselves are held well above
/// the smallest double.
constexpr double kMostGrowth = 400, kLeastScale = 1e-80;

/// Forward: the states of all steps, and the sum of each step's, by which the next is divided.
/// Returns minus the logarithm of the probability, or NaN.
double forward_products(const CtcSequence& s, double* alphas, double* scales,
                        const double* may_skip) {
  const Index row = ctc_states(s.labels), width = 1 + s.labels;
  double log_scale = 0, growth = 0;
  for (Index t = 0; t < s.steps; ++t) {
    const double* p = s.probabilities + t * width;
    States now(alphas + t * row, s.labels);
    double sum = 0, most = p[0];
    now.labels[0] = 0;
    if (t == 0) {
      std::fill_n(alphas, row, 0.0);
      now.blanks[0] = p[0];
      if (s.labels) now.labels[1] = p[1];
      sum = p[0] + now.labels[s.labels ? 1 : 0];
    } else {
      const States before(alphas + (t - 1) * row, s.labels);
      const double scale = 1 / scales[t - 1], blank = p[0] * scale;
      double of_blanks = 0, of_labels = 0;
      for (Index j = 0; j <= s.labels; ++j) {
        now.blanks[j] = (before.blanks[j] + before.labels[j]) * blank;
        of_blanks += now.blanks[j];
      }
      for (Index j = 0; j < s.labels; ++j) {
        now.labels[j + 1] =
            (before.labels[j + 1] + before.blanks[j] + may_skip[j] * before.labels[j]) *
            (p[j + 1] * scale);
        of_labels += now.labels[j + 1];
      }
      sum = of_blanks + of_labels;
    }
    for (Index j = 0; j < s.labels; ++j) {
      const double next = j + 1 < s.labels ? may_skip[j + 1] * p[j + 2] : 0;
      most = std::max(most, p[0] + p[j + 1] + next);
    }
    if (!(sum >= kLeastScale)) return std::numeric_limits<double>::quiet_NaN();
    scales[t] = sum;
    log_scale += std::log(sum);
    growth += std::log(most / sum);
  }
  const States last(alphas + (s.steps - 1) * row, s.labels);
  const double end = (last.blanks[s.labels] + last.labels[s.labels]) / scales[s.steps - 1];
  const double log_end = std::log(end);
  if (!(growth - log_end <= kMostGrowth)) return std::numeric_limits<double>::quiet_NaN();
  return -(log_scale + log_end);
}

/// Backward: what follows on each state, scaled as forward, and with it each step's occupation.
void backward_products(const CtcSequence& s, const double* alphas, const double* scales,
                       const double* may_skip, double* betas, double* occupied) {
  const Index row = ctc_states(s.labels), width = 1 + s.labels, L = s.labels;
  // next: of the step behind, times its probabilities. One more label, of 0, stands behind the
  // last.
  States beta(betas, L), next(betas + row, L);
  std::fill_n(betas, 2 * row, 0.0);
  beta.blanks[L] = 1;
  if (L) beta.labels[L] = 1;
  const States last(const_cast<double*>(alphas) + (s.steps - 1) * row, L);
  const double whole = 1 / (last.blanks[L] + last.labels[L]) * scales[s.steps - 1];
  for (Index t = s.steps - 1; t >= 0; --t) {
    if (t < s.steps - 1) {
      const double* p = s.probabilities + (t + 1) * width;
      const double scale = 1 / scales[t + 1], blank = p[0] * scale;
      for (Index j = 0; j <= L; ++j) next.blanks[j] = beta.blanks[j] * blank;
      for (Index j = 0; j < L; ++j) next.labels[j + 1] = beta.labels[j + 1] * (p[j + 1] * scale);
      for (Index j = 0; j < L; ++j) beta.blanks[j] = next.blanks[j] + next.labels[j + 1];
      beta.blanks[L] = next.blanks[L];
      for (Index j = 0; j + 1 < L; ++j)
        beta.labels[j + 1] =
            next.labels[j + 1] + next.blanks[j + 1] + may_skip[j + 1] * next.labels[j + 2];
      if (L) beta.labels[L] = next.labels[L] + next.blanks[L];
    }
    const States alpha(const_cast<double*>(alphas) + t * row, L);
    const double share = whole / scales[t];
    double* to = occupied + t * width;
    double blanks = 0;
    for (Index j = 0; j <= L; ++j) blanks += alpha.blanks[j] * beta.blanks[j];
    to[0] = blanks * share;
    for (Index j = 1; j <= L; ++j) to[j] = alpha.labels[j] * beta.labels[j] * share;
  }
}

}  // namespace

Index ctc_least_steps(Index labels, const std::int64_t* label) {
  Index steps = labels;
  for (Index j = 1; j < labels; ++j) steps += label[j] == label[j - 1];
  return steps;
}

double ctc_by_products(const CtcSequence& s, double* occupied, double* memory) {
  if (s.steps == 0) return s.labels ? kInfinity : 0.0;
  const Index row = ctc_states(s.labels);
  double* alphas = memory;
  double* betas = alphas + s.steps * row;
  double* may_skip = betas + 2 * row;
  double* scales = may_skip + row;
  for (Index j = 0; j < s.labels; ++j) may_skip[j] = may_skip_blank(s, j) ? 1.0 : 0.0;
  const double loss = forward_products(s, alphas, scales, may_skip);
  if (occupied && !std::isnan(loss))
    backward_products(s, alphas, scales, may_skip, betas, occupied);
  return loss;
}

double ctc_by_logarithms(const CtcSequence& s, double* occupied, double* memory) {
  if (s.steps == 0) return s.labels ? kInfinity : 0.0;
  const Index row = ctc_states(s.labels), width = 1 + s.labels, L = s.labels;
  double* alphas = memory;
  for (Index t = 0; t < s.steps; ++t) {
    const double* p = s.log_probabilities + t * width;
    States now(alphas + t * row, L);
    now.labels[0] = -kInfinity;
    if (t == 0) {
      std::fill_n(alphas, row, -kInfinity);
      now.blanks[0] = p[0];
      if (L) now.labels[1] = p[1];
      continue;
    }
    const States before(alphas + (t - 1) * row, L);
    for (Index j = 0; j <= L; ++j)
      now.blanks[j] = log_sum(before.blanks[j], before.labels[j]) + p[0];
    for (Index j = 0; j < L; ++j) {
      double sum = log_sum(before.labels[j + 1], before.blanks[j]);
      if (may_skip_blank(s, j)) sum = log_sum(sum, before.labels[j]);
      now.labels[j + 1] = sum + p[j + 1];
    }
  }
  const States last(alphas + (s.steps - 1) * row, L);
  const double whole = log_sum(last.blanks[L], last.labels[L]);
  if (!occupied) return -whole;
  if (!(whole > -kInfinity)) {
    std::fill_n(occupied, s.steps * width, 0.0);
    return -whole;
  }
  double* betas = alphas + s.steps * row;
  States beta(betas, L), next(betas + row, L);
  std::fill_n(betas, 2 * row, -kInfinity);
  beta.blanks[L] = 0;
  if (L) beta.labels[L] = 0;
  for (Index t = s.steps - 1; t >= 0; --t) {
    if (t < s.steps - 1) {
      const double* p = s.log_probabilities + (t + 1) * width;
      for (Index j = 0; j <= L; ++j) next.blanks[j] = beta.blanks[j] + p[0];
      for (Index j = 0; j < L; ++j) next.labels[j + 1] = beta.labels[j + 1] + p[j + 1];
      for (Index j = 0; j <= L; ++j)
        beta.blanks[j] = j < L ? log_sum(next.blanks[j], next.labels[j + 1]) : next.blanks[j];
      for (Index j = 0; j < L; ++j) {
        double sum = log_sum(next.labels[j + 1], next.blanks[j + 1]);
        if (may_skip_blank(s, j + 1)) sum = log_sum(sum, next.labels[j + 2]);
        beta.labels[j + 1] = sum;
      }
    }
    const States alpha(alphas + t * row, L);
    double* to = occupied + t * width;
    to[0] = 0;
    for (Index j = 0; j <= L; ++j) to[0] += std::exp(alpha.blanks[j] + beta.blanks[j] - whole);
    for (Index j = 1; j <= L; ++j) to[j] = std::exp(alpha.labels[j] + beta.labels[j] - whole);
  }
  return -whole;
}

}  // namespace lstm_native
