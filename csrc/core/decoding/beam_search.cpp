// The best sequences from each prompt.
#include <cmath>
#include <numeric>

#include "core/base/cancellation.hpp"
#include "core/base/float_mode.hpp"
#include "core/base/message_text.hpp"
#include "core/decoding/allowance.hpp"
#include "core/decoding/beams.hpp"
#include "core/decoding/decoder.hpp"
#include "core/specs/limits.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

Index checked_width(const BeamOptions& options) {
  check_between("width", options.width, 1, kMaxWidth);
  check_between("n_best", options.n_best, 1, options.width);
  if (!std::isfinite(options.length_penalty))
    throw InvalidArgument("length_penalty: expected a finite number, got " +
                          number_text(options.length_penalty));
  return options.width;
}

template <class T>
class BeamSearch {
 public:
  BeamSearch(const Network<T>& network, const Batch<T>& prompts, const BeamOptions& options,
             const std::vector<Batch<T>>& held)
      : options_(options),
        decoder_(network, prompts, held, options.output, checked_width(options)),
        rows_(decoder_.prompts() * options.width),
        allowance_(options.allow, rows_, decoder_.vocabulary()),
        beams_(static_cast<std::size_t>(decoder_.prompts()), Beams(options)),
        tokens_(static_cast<std::size_t>(rows_), 0),
        from_(tokens_.size()) {
    check_decoding(options.steps, options.end, decoder_.vocabulary());
  }

  std::vector<std::vector<Hypothesis>> run() {
    for (Index step = 0; step < options_.steps && !over(); ++step) {
      if (Cancellation* const wanted = Cancellation::current()) wanted->check();
      ask();
      const FloatMode mode;
      if (step) decoder_.reorder(from_.data());
      choose(step ? decoder_.step(tokens_.data()) : decoder_.lead(), step);
    }
    std::vector<std::vector<Hypothesis>> found;
    for (const Beams& beams : beams_) found.push_back(beams.best());
    return found;
  }

 private:
  bool over() const {
    for (const Beams& beams : beams_)
      if (!beams.over()) return false;
    return true;
  }

  void ask() {
    if (!allowance_) return;
    allowance_.begin();
    for (std::size_t i = 0; i < beams_.size(); ++i) {
      if (beams_[i].over()) continue;
      for (Index b = 0; b < beams_[i].going(); ++b) {
        std::vector<std::int64_t> tokens = decoder_.prompt(static_cast<Index>(i));
        const std::vector<std::int64_t> more = beams_[i].tokens(b);
        tokens.insert(tokens.end(), more.begin(), more.end());
        allowance_.add(std::move(tokens), static_cast<Index>(i));
      }
    }
    allowance_.ask();
  }

  /// y: in the first step a row for each prompt, then one for each beam.
  void choose(const T* y, Index step) {
    const Index vocabulary = decoder_.vocabulary(), width = options_.width;
    std::iota(from_.begin(), from_.end(), Index{0});
    Index place = 0;
    for (std::size_t i = 0; i < beams_.size(); ++i) {
      Beams& beams = beams_[i];
      if (beams.over()) continue;
      const Index first = static_cast<Index>(i) * width;
      const auto where = [&] {
        return "prompt " + std::to_string(i) + ", step " + std::to_string(step);
      };
      beams.begin_step();
      for (Index b = 0; b < beams.going(); ++b, ++place) {
        const T* const row = y + (step ? first + b : static_cast<Index>(i)) * vocabulary;
        beams.add(b, decoder_.scores(row, where), allowance_.row(place));
      }
      if (!beams.end_step())
        throw InvalidArgument(where() + ": all tokens are forbidden, or of probability 0");
      for (Index b = 0; b < beams.going(); ++b) {
        tokens_[first + b] = beams.token(b);
        from_[first + b] = first + beams.parent(b);
      }
    }
  }

  const BeamOptions& options_;
  Decoder<T> decoder_;
  Index rows_;
  Allowance allowance_;
  std::vector<Beams> beams_;
  std::vector<std::int64_t> tokens_;
  std::vector<Index> from_;
};

}  // namespace

template <class T>
std::vector<std::vector<Hypothesis>> beam_search(const Network<T>& network, const Batch<T>& prompts,
                                                 const BeamOptions& options,
                                                 const std::vector<Batch<T>>& held) {
  return BeamSearch<T>(network, prompts, options, held).run();
}

template std::vector<std::vector<Hypothesis>> beam_search(const Network<float>&,
                                                          const Batch<float>&, const BeamOptions&,
                                                          const std::vector<Batch<float>>&);
template std::vector<std::vector<Hypothesis>> beam_search(const Network<double>&,
                                                          const Batch<double>&, const BeamOptions&,
                                                          const std::vector<Batch<double>>&);

}  // namespace lstm_native
