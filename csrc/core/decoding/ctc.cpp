// Labels from the outputs of a network that was trained with CTC.
#include <string>

#include "core/base/cancellation.hpp"
#include "core/base/float_mode.hpp"
#include "core/decoding/decoder.hpp"
#include "core/decoding/prefix_search.hpp"
#include "core/runtime/threads.hpp"
#include "core/specs/limits.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

template <class T>
void check_outputs(const Batch<T>& outputs, std::int64_t blank) {
  if (!outputs.values || outputs.samples < 1 || outputs.timesteps < 1 || outputs.features < 2)
    throw InvalidArgument(
        "outputs: expected values (samples, timesteps, labels and blank), none of them 0");
  check_between("blank", blank, 0, outputs.features - 1);
  for (Index i = 0; outputs.lengths && i < outputs.samples; ++i)
    check_between("lengths", outputs.lengths[i], 0, outputs.timesteps);
}

template <class T>
Index length_of(const Batch<T>& outputs, Index sample) {
  return outputs.lengths ? outputs.lengths[sample] : outputs.timesteps;
}

template <class T>
const T* row_of(const Batch<T>& outputs, Index sample, Index step) {
  return outputs.values + (sample * outputs.timesteps + step) * outputs.features;
}

template <class T>
TokenScores<T> scores_of(TokenReading reading, const Batch<T>& outputs, Index sample, Index step,
                         T* scratch) {
  return {reading, outputs.features, row_of(outputs, sample, step), scratch, [&] {
            return "outputs: sample " + std::to_string(sample) + ", step " + std::to_string(step);
          }};
}

}  // namespace

template <class T>
std::vector<std::vector<std::int64_t>> ctc_greedy(const Batch<T>& outputs, std::int64_t blank) {
  check_outputs(outputs, blank);
  const FloatMode mode;
  std::vector<std::vector<std::int64_t>> found(static_cast<std::size_t>(outputs.samples));
  std::vector<T> scratch(static_cast<std::size_t>(TokenScores<T>::scratch_size(outputs.features)));
  for (Index i = 0; i < outputs.samples; ++i) {
    std::int64_t before = blank;
    for (Index t = 0; t < length_of(outputs, i); ++t) {
      const std::int64_t label =
          scores_of(TokenReading::logits, outputs, i, t, scratch.data()).best(nullptr);
      if (label != blank && label != before) found[i].push_back(label);
      before = label;
    }
  }
  return found;
}

template <class T>
std::vector<std::vector<Hypothesis>> ctc_beam_search(const Batch<T>& outputs,
                                                     const CtcBeamOptions& options) {
  check_outputs(outputs, options.blank);
  check_between("width", options.width, 1, kMaxWidth);
  check_between("n_best", options.n_best, 1, options.width);
  const TokenReading reading = options.logits ? TokenReading::logits : TokenReading::probabilities;
  std::vector<std::vector<Hypothesis>> found(static_cast<std::size_t>(outputs.samples));
  Cancellation* const wanted = Cancellation::current();
  const auto search = [&](Index begin, Index end) {
    PrefixSearch prefixes(options, outputs.features);
    std::vector<T> scratch(
        static_cast<std::size_t>(TokenScores<T>::scratch_size(outputs.features)));
    std::vector<double> row(static_cast<std::size_t>(outputs.features));
    for (Index i = begin; i < end; ++i) {
      for (Index t = 0; t < length_of(outputs, i); ++t) {
        if (wanted) wanted->check();
        if (options.scorer) prefixes.ask();
        const FloatMode mode;
        const TokenScores<T> scores = scores_of(reading, outputs, i, t, scratch.data());
        for (Index k = 0; k < outputs.features; ++k) row[k] = scores.log_probability(k);
        prefixes.step(row.data());
      }
      found[i] = prefixes.finish();
    }
  };
  if (options.scorer) {  // the caller's code: on the caller's thread
    search(0, outputs.samples);
  } else {
    const double work = 50.0 * static_cast<double>(outputs.samples * outputs.timesteps) *
                        static_cast<double>(options.width * outputs.features);
    parallel_for(outputs.samples, work, search);
  }
  return found;
}

template std::vector<std::vector<std::int64_t>> ctc_greedy(const Batch<float>&, std::int64_t);
template std::vector<std::vector<std::int64_t>> ctc_greedy(const Batch<double>&, std::int64_t);
template std::vector<std::vector<Hypothesis>> ctc_beam_search(const Batch<float>&,
                                                              const CtcBeamOptions&);
template std::vector<std::vector<Hypothesis>> ctc_beam_search(const Batch<double>&,
                                                              const CtcBeamOptions&);

}  // namespace lstm_native
