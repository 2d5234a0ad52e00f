// A network that is led over prompts, and goes on from there with any number of rows for each.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/decoding/token_scores.hpp"
#include "core/network/graph_stream.hpp"
#include "lstm_native/decoding.hpp"

namespace lstm_native {

template <class T>
class Decoder {
 public:
  /// Checks everything: throws InvalidArgument. prompts and held are needed as long as this lives.
  Decoder(const Network<T>& network, const Batch<T>& prompts, const std::vector<Batch<T>>& held,
          Index output, Index width);

  Index prompts() const { return prompts_.samples; }
  Index width() const { return width_; }
  Index vocabulary() const { return vocabulary_; }
  /// The tokens of a prompt.
  std::vector<std::int64_t> prompt(Index which) const;

  /// Reads the prompts, each to its own end. Returns what follows: prompts x vocabulary.
  const T* lead();
  /// prompts x width rows stand where their prompts ended. One step of all, a token each; returns
  /// prompts x width x vocabulary. What lead returned is gone.
  const T* step(const std::int64_t* tokens);
  /// Row i goes on from where row from[i] stands.
  void reorder(const Index* from) { stream_->reorder(from); }

  /// A row of what was returned last, as `where()` calls it.
  template <class Where>
  TokenScores<T> scores(const T* row, const Where& where) {
    return {reading_, vocabulary_, row, scratch_.data(), where};
  }

 private:
  void find_input();
  void find_output(Index wanted);
  void check_prompts() const;
  void check_held(const std::vector<Batch<T>>& held) const;
  Index length(Index prompt) const {
    return prompts_.lengths ? prompts_.lengths[prompt] : prompts_.timesteps;
  }
  /// Where the prompts ended: the state tensors of the stream, and what was answered.
  struct PromptEnds {
    std::vector<std::vector<T>> states;
    AlignedVector<T> answers;
  };
  void take_memory(Index rows);
  void keep_ends(Index t, const T* y, PromptEnds& ends) const;
  void begin_from(const PromptEnds& ends);
  const T* run(const std::int64_t* tokens);

  std::shared_ptr<const Graph<T>> graph_;
  Batch<T> prompts_;
  Index width_, vocabulary_ = 0;
  std::size_t input_ = 0, output_ = 0;
  TokenReading reading_ = TokenReading::logits;
  std::optional<HeldValues<T>> held_;
  std::unique_ptr<GraphStream<T>> stream_;
  std::vector<Batch<T>> now_;              // the step of each input
  std::vector<AlignedVector<T>> answers_;  // memory of each stepped output
  std::vector<T*> to_;
  AlignedVector<T> scratch_;  // of a row's scores
};

/// Of the options that all ways of decoding have: throws InvalidArgument.
void check_decoding(Index steps, std::int64_t end, Index vocabulary);

/// Throws InvalidArgument unless low <= value <= high.
void check_between(const char* name, Index value, Index low, Index high);

}  // namespace lstm_native
