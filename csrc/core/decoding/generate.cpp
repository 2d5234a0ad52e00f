// One sequence from each prompt.
#include "core/base/cancellation.hpp"
#include "core/base/float_mode.hpp"
#include "core/base/random.hpp"
#include "core/decoding/allowance.hpp"
#include "core/decoding/decoder.hpp"
#include "core/decoding/token_sampler.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

template <class T>
class Generation {
 public:
  Generation(const Network<T>& network, const Batch<T>& prompts, const GenerateOptions& options,
             const std::vector<Batch<T>>& held)
      : options_(options),
        decoder_(network, prompts, held, options.output, 1),
        sampler_(options, decoder_.vocabulary()),
        allowance_(options.allow, decoder_.prompts(), decoder_.vocabulary()),
        found_(static_cast<std::size_t>(decoder_.prompts())),
        tokens_(found_.size(), 0) {
    check_decoding(options.steps, options.end, decoder_.vocabulary());
    for (Index i = 0; i < decoder_.prompts(); ++i) going_.push_back(i);
  }

  std::vector<std::vector<std::int64_t>> run() {
    for (Index step = 0; step < options_.steps && !going_.empty(); ++step) {
      if (Cancellation* const wanted = Cancellation::current()) wanted->check();
      ask();
      const FloatMode mode;
      choose(step ? decoder_.step(tokens_.data()) : decoder_.lead(), step);
    }
    return std::move(found_);
  }

 private:
  void ask() {
    if (!allowance_) return;
    allowance_.begin();
    for (const Index i : going_) {
      std::vector<std::int64_t> tokens = decoder_.prompt(i);
      tokens.insert(tokens.end(), found_[i].begin(), found_[i].end());
      allowance_.add(std::move(tokens), i);
    }
    allowance_.ask();
  }

  void choose(const T* y, Index step) {
    std::vector<Index> still;
    for (std::size_t place = 0; place < going_.size(); ++place) {
      const Index i = going_[place];
      const auto where = [&] {
        return "prompt " + std::to_string(i) + ", step " + std::to_string(step);
      };
      const TokenScores<T> scores = decoder_.scores(y + i * decoder_.vocabulary(), where);
      const double random =
          sampler_.is_greedy() ? 0.0 : uniform(derive_seed(options_.seed, i), step);
      const Index token = sampler_.draw(scores, allowance_.row(static_cast<Index>(place)), random);
      if (token < 0)
        throw InvalidArgument(where() + ": all tokens are forbidden, or of probability 0");
      found_[i].push_back(token);
      tokens_[i] = token;
      if (token != options_.end) still.push_back(i);
    }
    going_.swap(still);
  }

  const GenerateOptions& options_;
  Decoder<T> decoder_;
  TokenSampler<T> sampler_;
  Allowance allowance_;
  std::vector<std::vector<std::int64_t>> found_;  // of each prompt, what followed
  std::vector<std::int64_t> tokens_;              // the next step's
  std::vector<Index> going_;                      // prompts that are not over
};

}  // namespace

template <class T>
std::vector<std::vector<std::int64_t>> generate(const Network<T>& network, const Batch<T>& prompts,
                                                const GenerateOptions& options,
                                                const std::vector<Batch<T>>& held) {
  return Generation<T>(network, prompts, options, held).run();
}

template std::vector<std::vector<std::int64_t>> generate(const Network<float>&, const Batch<float>&,
                                                         const GenerateOptions&,
                                                         const std::vector<Batch<float>>&);
template std::vector<std::vector<std::int64_t>> generate(const Network<double>&,
                                                         const Batch<double>&,
                                                         const GenerateOptions&,
                                                         const std::vector<Batch<double>>&);

}  // namespace lstm_native
