// Decoding through the public header: against `predict` and against all sequences there are.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "isa_helpers.hpp"
#include "network_helpers.hpp"

using namespace lstm_native;

namespace {

constexpr Index kVocabulary = 5;
using Tokens = std::vector<std::int64_t>;

/// Weights so large that the next token depends on those before.
template <class T>
Network<T> enlarged(Network<T> network) {
  std::vector<T> all = weights_of(network);
  for (T& value : all) value *= T(3);
  set_weights(network, all);
  return network;
}

template <class T>
Network<T> language_model(Activation end = Activation::linear) {
  return enlarged(Network<T>(
      {{EmbeddingSpec{kVocabulary, 4}}, lstm_layer(6, true), dense_layer(kVocabulary, end)}, 0, 3));
}

/// An encoder's state begins a decoder, which attends to all its steps.
template <class T>
Network<T> translator() {
  GraphBuilder net;
  const Symbol source = net.input("source", 3);
  const Symbol words = net.input_tokens("words", kVocabulary);
  const Symbol code = net.add("encoder", lstm_layer(6, true), {source});
  const Symbol vectors = net.add("vectors", EmbeddingSpec{kVocabulary, 4}, {words});
  const Symbol y = net.add("decoder", lstm_layer(6, true), {vectors, code[1], code[2]});
  AttentionSpec dot;
  dot.score = AttentionScore::dot;
  const Symbol seen = net.add("look", dot, {y, code});
  net.output("word", net.add("word", dense_layer(kVocabulary), {seen}));
  return enlarged(Network<T>(net.spec(), 3));
}

template <class T>
Batch<T> prompts_of(const Tokens& tokens, Index samples, const Index* lengths = nullptr) {
  return {nullptr, tokens.data(), samples, static_cast<Index>(tokens.size()) / samples, 0, lengths};
}

/// Log probabilities behind a prefix, from what `answer` says at its last step.
std::vector<double> log_softmax(std::vector<double> row) {
  const double most = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (const double value : row) sum += std::exp(value - most);
  for (double& value : row) value -= most + std::log(sum);
  return row;
}

template <class T>
std::vector<double> last_row(const std::vector<T>& y) {
  return {y.end() - kVocabulary, y.end()};
}

template <class T>
std::vector<double> after(const Network<T>& network, const Tokens& prefix) {
  return log_softmax(last_row(network.predict(prompts_of<T>(prefix, 1))));
}

/// The best sequence of so many tokens, or up to the end token, by trying them all.
template <class After>
std::pair<Tokens, double> best_of_all(const After& after, const Tokens& prefix, Index steps,
                                      std::int64_t end) {
  if (steps == 0) return {{}, 0.0};
  std::pair<Tokens, double> best{{}, -std::numeric_limits<double>::infinity()};
  const std::vector<double> p = after(prefix);
  for (Index token = 0; token < kVocabulary; ++token) {
    Tokens longer = prefix;
    longer.push_back(token);
    std::pair<Tokens, double> rest;
    if (token != end) rest = best_of_all(after, longer, steps - 1, end);
    if (p[token] + rest.second <= best.second) continue;
    best = {{token}, p[token] + rest.second};
    best.first.insert(best.first.end(), rest.first.begin(), rest.first.end());
  }
  return best;
}

const Tokens kPrompts{1, 2, 3, 4, 0, 0, 2, 1, 0};
const std::vector<Index> kLengths{3, 1, 2};
const std::vector<Tokens> kAlone{{1, 2, 3}, {4}, {2, 1}};

}  // namespace

TEST_CASE_TEMPLATE("generate: the most probable token each time, on every set", T, float, double) {
  for_each_set([](const std::string&) {
    const Network<T> network = language_model<T>();
    GenerateOptions options;
    options.steps = 6;
    options.end = 2;
    const auto found = generate(network, prompts_of<T>(kPrompts, 3, kLengths.data()), options);
    REQUIRE(found.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      Tokens prefix = kAlone[i], wanted;
      while (wanted.size() < 6 && (wanted.empty() || wanted.back() != 2)) {
        const std::vector<double> p = after(network, prefix);
        wanted.push_back(std::max_element(p.begin(), p.end()) - p.begin());
        prefix.push_back(wanted.back());
      }
      CHECK(found[i] == wanted);
    }
  });
}

TEST_CASE_TEMPLATE("beam search: as wide as all sequences, it finds the best", T, float, double) {
  for (const Activation ending : {Activation::linear, Activation::softmax}) {
    const Network<T> logits = language_model<T>();
    BeamOptions options;
    options.steps = 4;
    options.end = 1;
    options.width = 625;
    options.n_best = 3;
    const auto found = beam_search(language_model<T>(ending),
                                   prompts_of<T>(kPrompts, 3, kLengths.data()), options);
    for (std::size_t i = 0; i < 3; ++i) {
      const auto wanted =
          best_of_all([&](const Tokens& prefix) { return after(logits, prefix); }, kAlone[i], 4, 1);
      REQUIRE(found[i].size() == 3);
      CHECK(found[i][0].tokens == wanted.first);
      CHECK(found[i][0].log_probability == doctest::Approx(wanted.second).epsilon(1e-4));
      CHECK(found[i][0].score >= found[i][1].score);
      CHECK(found[i][1].score >= found[i][2].score);
    }
  }
}

TEST_CASE_TEMPLATE("beam search: beams share what their prompt holds", T, float, double) {
  const Network<T> network = translator<T>();
  const Series<T> source(3, 5, 3);
  const std::vector<Index> lengths{5, 2, 4};
  Batch<T> held = source.batch();
  held.lengths = lengths.data();
  BeamOptions options;
  options.steps = 3;
  options.width = 125;
  const auto found =
      beam_search(network, prompts_of<T>(kPrompts, 3, kLengths.data()), options, {held, {}});
  for (std::size_t i = 0; i < 3; ++i) {
    const auto wanted = best_of_all(
        [&](const Tokens& prefix) {
          const Batch<T> sentence{source.x.data() + i * 15, nullptr, 1, lengths[i], 3};
          return log_softmax(last_row(network.predict({sentence, prompts_of<T>(prefix, 1)})[0]));
        },
        kAlone[i], 3, -1);
    CHECK(found[i][0].tokens == wanted.first);
  }
}

TEST_CASE("decoding: a function forbids tokens, and what it throws ends the call") {
  const Network<float> network = language_model<float>();
  const auto prompts = prompts_of<float>(kPrompts, 3, kLengths.data());
  Index asked = 0;
  BeamOptions beams;
  beams.steps = 4;
  beams.allow = [&](const Continuations& rows) {
    ++asked;
    CHECK(rows.vocabulary == kVocabulary);
    for (Index i = 0; i < rows.rows; ++i) {
      CHECK(rows.tokens[i].front() == kAlone[rows.prompts[i]].front());
      rows.allowed[i * kVocabulary + rows.tokens[i].back()] = false;
    }
  };
  for (const auto& best : beam_search(network, prompts, beams))
    for (std::size_t t = 1; t < 4; ++t) CHECK(best[0].tokens[t] != best[0].tokens[t - 1]);
  CHECK(asked == 4);
  GenerateOptions options;
  options.allow = [](const Continuations&) { throw std::runtime_error("enough"); };
  CHECK_THROWS_WITH_AS(generate(network, prompts, options), "enough", std::runtime_error);
  options.allow = [](const Continuations& rows) {
    std::fill_n(rows.allowed, rows.rows * rows.vocabulary, false);
  };
  CHECK_THROWS_AS(generate(network, prompts, options), InvalidArgument);
}

TEST_CASE("generate: what is drawn depends on the seed and the prompt's place alone") {
  const Network<float> network = language_model<float>();
  GenerateOptions options;
  options.steps = 20;
  options.temperature = 0.5;
  options.seed = 5;
  const auto whole = generate(network, prompts_of<float>(kPrompts, 3, kLengths.data()), options);
  Tokens other = kPrompts;
  other[3] = 0;
  const auto found = generate(network, prompts_of<float>(other, 3, kLengths.data()), options);
  CHECK(found[0] == whole[0]);
  CHECK(found[1] != whole[1]);
  CHECK(found[2] == whole[2]);
  options.seed = 6;
  CHECK(generate(network, prompts_of<float>(kPrompts, 3, kLengths.data()), options) != whole);
}

TEST_CASE("decoding: what does not fit is refused") {
  const Network<float> network = language_model<float>();
  const auto prompts = prompts_of<float>(kPrompts, 3, kLengths.data());
  const auto refuses = [&](auto change) {
    GenerateOptions options;
    change(options);
    CHECK_THROWS_AS(generate(network, prompts, options), InvalidArgument);
  };
  refuses([](GenerateOptions& o) { o.steps = 0; });
  refuses([](GenerateOptions& o) { o.end = kVocabulary; });
  refuses([](GenerateOptions& o) { o.temperature = -1; });
  refuses([](GenerateOptions& o) { o.top_k = 3; });  // without a temperature
  refuses([](GenerateOptions& o) { o.output = 1; });
  BeamOptions beams;
  beams.n_best = 6;
  CHECK_THROWS_AS(beam_search(network, prompts, beams), InvalidArgument);
  const Tokens wrong{kVocabulary};
  CHECK_THROWS_AS(generate(network, prompts_of<float>(wrong, 1), GenerateOptions{}),
                  InvalidArgument);
  CHECK_THROWS_AS(generate(network, Batch<float>{}, GenerateOptions{}), InvalidArgument);
  CHECK_THROWS_AS(generate(Network<float>(), prompts, GenerateOptions{}), InvalidArgument);
  CHECK_THROWS_AS(generate(translator<float>(), prompts, GenerateOptions{}), InvalidArgument);
  const Network<float> values({lstm_layer(3, true), dense_layer(3)}, 3);
  CHECK_THROWS_AS(generate(values, prompts, GenerateOptions{}), InvalidArgument);
}

TEST_CASE_TEMPLATE("ctc: a wide search sums all alignments", T, float, double) {
  constexpr Index steps = 5, labels = 3;
  const auto x = random_values<T>(steps * labels, 4, 2.0);
  std::map<Tokens, double> wanted;
  std::vector<std::vector<double>> rows;
  for (Index t = 0; t < steps; ++t)
    rows.push_back(log_softmax({x.begin() + t * labels, x.begin() + (t + 1) * labels}));
  for (Index code = 0; code < 243; ++code) {
    Tokens found;
    std::int64_t before = 0;
    double p = 0;
    for (Index t = 0, rest = code; t < steps; ++t, rest /= labels) {
      const Index label = rest % labels;
      p += rows[t][label];
      if (label != 0 && label != before) found.push_back(label);
      before = label;
    }
    wanted[found] += std::exp(p);
  }
  const Batch<T> outputs{x.data(), nullptr, 1, steps, labels};
  CtcBeamOptions options;
  options.width = options.n_best = 300;
  const auto found = ctc_beam_search(outputs, options)[0];
  CHECK(found.size() == wanted.size());
  for (const Hypothesis& one : found)
    CHECK(std::exp(one.log_probability) == doctest::Approx(wanted.at(one.tokens)).epsilon(1e-4));
  CHECK(ctc_greedy(outputs).size() == 1);

  options.scorer = [](const std::int64_t*, Index length, Index count, double* scores) {
    CHECK(count == 3);
    if (length == 2) std::fill_n(scores, count, -std::numeric_limits<double>::infinity());
  };
  const auto shorter = ctc_beam_search(outputs, options);
  for (const Hypothesis& one : shorter[0]) CHECK(one.tokens.size() <= 2);
  CHECK_THROWS_AS(ctc_greedy(outputs, 3), InvalidArgument);
  CHECK_THROWS_AS(ctc_greedy(Batch<T>{}), InvalidArgument);
}
