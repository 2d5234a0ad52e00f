// Sequences from networks: greedy, by sampling, by beam search; labels from CTC's outputs.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "lstm_native/network.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// The sequences that are about to go on by one token, as AllowTokens sees them.
struct Continuations {
  Index rows = 0, vocabulary = 0;
  const std::vector<std::int64_t>* tokens = nullptr;  // of each row: its prompt and what followed
  const Index* prompts = nullptr;                     // of each row: which prompt it began with
  bool* allowed = nullptr;                            // rows x vocabulary, true at first
};

/// Forbids tokens by writing false. Called once for each step, with all sequences that go on. What
/// it throws ends the call that it was given to.
using AllowTokens = std::function<void(const Continuations&)>;

/// How `generate` goes on from a prompt.
struct GenerateOptions {
  Index steps = 1;           // tokens for each prompt, at most
  std::int64_t end = -1;     // the token behind which a sequence is over; -1: none
  double temperature = 0.0;  // 0: the most probable token each time; else logits are divided by it
  Index top_k = 0;           // only so many of the most probable tokens; 0: all
  double top_p = 1.0;        // only the fewest most probable tokens that have this share together
  std::uint64_t seed = 0;    // of sampling
  AllowTokens allow;         // empty: all tokens
  Index output = -1;         // which of the network's outputs names the tokens; -1: the only one
};

/// How `beam_search` goes on.
struct BeamOptions {
  Index steps = 1;
  std::int64_t end = -1;
  Index width = 5;   // hypotheses of each prompt that go on side by side
  Index n_best = 1;  // how many are wanted, at most `width`
  // A hypothesis's score is its log probability / ((5 + tokens) / 6)^length_penalty (Wu et al.
  // 2016). 0: the log probability.
  double length_penalty = 0.0;
  AllowTokens allow;
  Index output = -1;
};

/// A sequence that was found.
struct Hypothesis {
  std::vector<std::int64_t> tokens;  // behind the prompt, with the end token where it ended
  double log_probability = 0;
  double score = 0;  // what hypotheses are compared by
};

/// Goes on from each prompt, token by token: a token in, the network's answer, the next token. The
/// network has one stepped input, of tokens, and an output of one value for each token: logits, or
/// probabilities where the network ends with a softmax.
///
///   prompts  tokens (samples, timesteps), at least one for each sample, and lengths where they
///            differ
///   held     one batch of as many samples for each input of the network, empty for the one that is
///            stepped (as in Network::stream); or nothing, where there is no other input
///
/// Equally probable tokens: the one with the lowest number. A sampled token is a function of the
/// seed, of the prompt's place in the batch, of the step, and of the probabilities, which depend on
/// the prompt alone: what stands beside it in the batch is of no effect.
///
/// Throws InvalidArgument for what does not fit, for outputs that are NaN, and when all tokens of a
/// sequence are forbidden.
template <class T>
std::vector<std::vector<std::int64_t>> generate(const Network<T>& network, const Batch<T>& prompts,
                                                const GenerateOptions& options,
                                                const std::vector<Batch<T>>& held = {});

/// Beam search: at each step the `width` most probable continuations of all hypotheses of a prompt
/// stay. One that ends is set aside; it counts as found where it is more probable than the last
/// that stays. What has not ended after all steps is found as it is. The search of a prompt ends
/// early once no hypothesis can become better than the n_best that are found.
///
/// Returns for each prompt the n_best, the best score first; fewer where there are fewer. Equal
/// scores: the one that was found first; equally probable continuations: that of the better
/// hypothesis, then the token with the lowest number. Forbidden tokens leave the probabilities of
/// the others as they are. Arguments and errors as of `generate`.
template <class T>
std::vector<std::vector<Hypothesis>> beam_search(const Network<T>& network, const Batch<T>& prompts,
                                                 const BeamOptions& options,
                                                 const std::vector<Batch<T>>& held = {});

/// Writes what it adds to the log probability of a prefix when each of the labels follows: `scores`
/// has one entry for each output, zeros at first, of which the blank's is not read. -infinity
/// forbids a label. Called once for each prefix.
using LabelScorer =
    std::function<void(const std::int64_t* prefix, Index length, Index outputs, double* scores)>;

struct CtcBeamOptions {
  std::int64_t blank = 0;
  Index width = 25;
  Index n_best = 1;    // at most `width`
  LabelScorer scorer;  // empty: none. Then samples are decoded in parallel
  bool logits = true;  // false: the outputs are probabilities
};

/// The labels of the most probable alignment of each sample: the highest output of each step,
/// repetitions once, without blanks (Graves et al. 2006). outputs: values (samples, timesteps,
/// labels and blank), with lengths where they differ. Throws InvalidArgument.
template <class T>
std::vector<std::vector<std::int64_t>> ctc_greedy(const Batch<T>& outputs, std::int64_t blank = 0);

/// Prefix beam search (Graves & Jaitly 2014; Hannun et al. 2014): the most probable sequences of
/// labels, each the sum of its alignments, as far as the `width` best prefixes of each step hold
/// them. The score is the log probability and what the scorer added.
template <class T>
std::vector<std::vector<Hypothesis>> ctc_beam_search(const Batch<T>& outputs,
                                                     const CtcBeamOptions& options = {});

}  // namespace lstm_native
