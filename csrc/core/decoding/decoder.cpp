#include "core/decoding/decoder.hpp"

#include <algorithm>

#include "core/base/float_mode.hpp"
#include "core/base/message_text.hpp"
#include "core/network/handles.hpp"
#include "core/network/network_end.hpp"
#include "core/network/network_impl.hpp"
#include "core/specs/limits.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

template <class T>
bool is_empty(const Batch<T>& batch) {
  return !batch.values && !batch.tokens;
}

}  // namespace

void check_between(const char* name, Index value, Index low, Index high) {
  if (value >= low && value <= high) return;
  throw InvalidArgument(std::string(name) + ": expected " + std::to_string(low) + " to " +
                        std::to_string(high) + ", got " + std::to_string(value));
}

void check_decoding(Index steps, std::int64_t end, Index vocabulary) {
  check_between("steps", steps, 1, kMaxWidth);
  if (end != -1) check_between("end", end, 0, vocabulary - 1);
}

template <class T>
Decoder<T>::Decoder(const Network<T>& network, const Batch<T>& prompts,
                    const std::vector<Batch<T>>& held, Index output, Index width)
    : graph_(Access::impl(network).shared_graph()), prompts_(prompts), width_(width) {
  const FloatMode mode;
  check_held(held);
  held_.emplace(graph_, held.empty() ? nullptr : held.data());
  find_input();
  find_output(output);
  check_prompts();
  check_between("prompts times width", prompts_.samples * width_, 1, kMaxWidth);
  stream_ = std::make_unique<GraphStream<T>>(*held_, prompts_.samples);
  scratch_.resize(static_cast<std::size_t>(TokenScores<T>::scratch_size(vocabulary_)));
}

template <class T>
void Decoder<T>::check_held(const std::vector<Batch<T>>& held) const {
  if (held.empty()) return;
  if (held.size() != graph_->inputs())
    throw InvalidArgument("held: expected " + std::to_string(graph_->inputs()) +
                          " batches, one for each input, got " + std::to_string(held.size()));
  for (std::size_t i = 0; i < held.size(); ++i) {
    if (is_empty(held[i])) continue;
    graph_->check_input(i, held[i]);
    if (held[i].samples != prompts_.samples)
      throw InvalidArgument("input '" + graph_->structure().inputs[i].name + "': expected " +
                            std::to_string(prompts_.samples) +
                            " samples, one for each prompt, got " +
                            std::to_string(held[i].samples));
  }
}

template <class T>
void Decoder<T>::find_input() {
  std::string names;
  Index stepped = 0;
  for (std::size_t i = 0; i < graph_->inputs(); ++i) {
    if (held_->held()[i]) continue;
    names += (stepped++ ? ", '" : "'") + graph_->structure().inputs[i].name + "'";
    input_ = i;
  }
  if (stepped == 0)
    throw InvalidArgument("held: all inputs are held, and none is left for the prompts");
  if (stepped > 1)
    throw InvalidArgument("expected one input that is stepped, token by token, got " + names +
                          "; hold the others");
  if (!graph_->takes_tokens(input_))
    throw InvalidArgument("expected an input of tokens, but " + names + " takes " +
                          std::to_string(graph_->input_features(input_)) +
                          " values: its steps cannot be made from tokens");
  vocabulary_ = graph_->structure().inputs[input_].vocabulary;
}

template <class T>
void Decoder<T>::find_output(Index wanted) {
  const std::vector<GraphOutput>& outputs = graph_->structure().outputs;
  const auto steps = [&](std::size_t k) {
    return held_->stepped()[graph_->value_of(outputs[k].source)];
  };
  std::string names;
  Index stepped = 0;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    if (!steps(k)) continue;
    names += (stepped++ ? ", '" : "'") + outputs[k].name + "'";
    output_ = k;
  }
  if (stepped == 0)
    throw InvalidArgument("no output depends on the tokens of '" +
                          graph_->structure().inputs[input_].name + "'");
  if (wanted != -1) {
    check_between("output", wanted, 0, static_cast<Index>(outputs.size()) - 1);
    output_ = static_cast<std::size_t>(wanted);
    if (!steps(output_))
      throw InvalidArgument("output: '" + outputs[output_].name +
                            "' does not depend on the tokens");
  } else if (stepped > 1) {
    throw InvalidArgument("output: expected the one that names the tokens, of " + names);
  }
  const Index features = graph_->output_features(output_);
  if (features != vocabulary_)
    throw InvalidArgument("output '" + outputs[output_].name + "': expected " +
                          std::to_string(vocabulary_) + " values, one for each token of input '" +
                          graph_->structure().inputs[input_].name + "', got " +
                          (features > 0 ? std::to_string(features) : "any number"));
  const NetworkEnd end = network_end(*graph_, output_);
  if (end.activation == Activation::softmax) reading_ = TokenReading::probabilities;
  if (end.activation == Activation::sigmoid)
    throw InvalidArgument("output '" + outputs[output_].name +
                          "': expected logits, or the probabilities of a softmax, but it ends with "
                          "a sigmoid, whose outputs do not sum to 1");
}

template <class T>
void Decoder<T>::check_prompts() const {
  const auto refuse = [](const std::string& what) { throw InvalidArgument("prompts: " + what); };
  if (!prompts_.tokens) refuse("expected tokens, got values");
  if (prompts_.samples < 1) refuse("expected at least one, got none");
  if (prompts_.timesteps < 1)
    refuse(
        "expected at least one token each, to begin with: a token that stands for the start, "
        "such as training had");
  for (Index i = 0; i < prompts_.samples; ++i)
    if (length(i) < 1 || length(i) > prompts_.timesteps)
      refuse("expected lengths from 1 to " + std::to_string(prompts_.timesteps) + ", got " +
             std::to_string(length(i)) + " at " + std::to_string(i));
  try {
    graph_->check_tokens(input_, prompts_);
  } catch (const InvalidArgument& error) {
    refuse(error.what());
  }
}

template <class T>
std::vector<std::int64_t> Decoder<T>::prompt(Index which) const {
  const std::int64_t* const begin = prompts_.tokens + which * prompts_.timesteps;
  return {begin, begin + length(which)};
}

template <class T>
const T* Decoder<T>::run(const std::int64_t* tokens) {
  now_[input_].tokens = tokens;
  stream_->step(now_.data(), to_.data());
  return answers_[output_].data();
}

template <class T>
void Decoder<T>::take_memory(Index rows) {
  now_.assign(graph_->inputs(), {nullptr, nullptr, rows, 1, 0});
  answers_.resize(graph_->outputs());
  to_.assign(graph_->outputs(), nullptr);
  for (std::size_t k = 0; k < graph_->outputs(); ++k) {
    if (!stream_->is_stepped(graph_->structure().outputs[k].source)) continue;
    answers_[k].resize(static_cast<std::size_t>(rows * stream_->features(k)));
    to_[k] = answers_[k].data();
  }
}

/// Of the prompts that end with step t: the answer, and the states as they are now.
template <class T>
void Decoder<T>::keep_ends(Index t, const T* y, PromptEnds& ends) const {
  const Index samples = prompts_.samples;
  std::vector<Index> over;
  for (Index i = 0; i < samples; ++i)
    if (length(i) == t + 1) over.push_back(i);
  if (over.empty()) return;
  for (const Index i : over)
    std::copy_n(y + i * vocabulary_, vocabulary_, ends.answers.data() + i * vocabulary_);
  const std::vector<StreamTensor<T>> tensors = stream_->tensors();
  std::vector<T> now;
  for (std::size_t k = 0; k < tensors.size(); ++k) {
    const TensorInfo& info = tensors[k].info;
    now.resize(static_cast<std::size_t>(info.size()));
    tensors[k].run->get_state(tensors[k].index, now.data());
    const Index stacked = info.shape[0], features = info.size() / (stacked * samples);
    ends.states[k].resize(now.size());
    for (Index s = 0; s < stacked; ++s)
      for (const Index i : over)
        std::copy_n(now.data() + (s * samples + i) * features, features,
                    ends.states[k].data() + (s * samples + i) * features);
  }
}

/// All rows stand where their prompts ended.
template <class T>
void Decoder<T>::begin_from(const PromptEnds& ends) {
  const Index rows = prompts_.samples * width_;
  std::vector<T> begin;
  const std::vector<StreamTensor<T>> tensors = stream_->tensors();
  for (std::size_t k = 0; k < tensors.size(); ++k) {
    const TensorInfo& info = tensors[k].info;
    begin.resize(static_cast<std::size_t>(info.size()));
    repeat_samples(ends.states[k].data(), info.shape[0], prompts_.samples,
                   info.size() / (info.shape[0] * rows), width_, begin.data());
    tensors[k].run->set_state(tensors[k].index, begin.data());
  }
}

template <class T>
const T* Decoder<T>::lead() {
  const Index samples = prompts_.samples;
  PromptEnds ends;
  ends.states.resize(stream_->tensors().size());
  ends.answers.resize(static_cast<std::size_t>(samples * vocabulary_));
  Index longest = 0;
  for (Index i = 0; i < samples; ++i) longest = std::max(longest, length(i));
  std::vector<std::int64_t> tokens(static_cast<std::size_t>(samples));
  take_memory(samples);
  for (Index t = 0; t < longest; ++t) {
    for (Index i = 0; i < samples; ++i)
      tokens[i] = t < length(i) ? prompts_.tokens[i * prompts_.timesteps + t] : 0;
    keep_ends(t, run(tokens.data()), ends);
  }
  if (width_ > 1) stream_ = std::make_unique<GraphStream<T>>(*held_, samples * width_);
  held_.reset();
  begin_from(ends);
  take_memory(samples * width_);
  std::copy(ends.answers.begin(), ends.answers.end(), answers_[output_].begin());
  return answers_[output_].data();
}

template <class T>
const T* Decoder<T>::step(const std::int64_t* tokens) {
  return run(tokens);
}

template class Decoder<float>;
template class Decoder<double>;

}  // namespace lstm_native
