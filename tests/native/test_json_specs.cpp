// Specs in JSON and their ranges: what is written comes back, anything else is refused by name.
#include <doctest/doctest.h>

#include <limits>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "allocation_count.hpp"
#include "core/specs/json_specs.hpp"
#include "core/specs/json_tree.hpp"
#include "core/specs/loss_specs.hpp"
#include "core/specs/parameter_count.hpp"
#include "core/specs/spec_checks.hpp"
#include "core/training/optimizer_specs.hpp"
#include "file_helpers.hpp"
#include "lstm_native/error.hpp"

using namespace lstm_native;
using nlohmann::json;

namespace {

LayerSpec layer(decltype(LayerSpec::options) options) { return {std::move(options)}; }

/// Highways around one LSTM, `depth` of them.
LayerSpec nested_highways(int depth) {
  if (depth == 0) return layer(LSTMSpec{2, 1, false});
  return layer(HighwaySpec{3, {nested_highways(depth - 1)}});
}

void check_refused(const std::string& message, const std::string& expected) {
  INFO("message: " << message);
  CHECK(message.find(expected) != std::string::npos);
}

}  // namespace

TEST_CASE("json specs: every layer comes back as it was") {
  const std::vector<std::string> texts = {
      R"({"type":"lstm","hidden_size":64,"num_layers":2,"return_sequences":false,"dropout":0.1,)"
      R"("forget_bias":-1.5,"bidirectional":true,"reverse":false})",
      R"({"type":"dense","units":3,"activation":"softmax","bias":false,"tied":true})",
      R"({"type":"embedding","vocabulary":100,"features":16})",
      R"({"type":"dropout","rate":0.3333333333333333})",
      R"({"type":"layer_norm","epsilon":1e-06})",
      R"({"type":"activation","activation":"tanh"})",
      R"({"type":"highway","window":24,"layers":[{"type":"lstm","hidden_size":1,"num_layers":1,)"
      R"("return_sequences":false,"dropout":0.0,"forget_bias":1.0,"bidirectional":false,)"
      R"("reverse":true}]})",
      R"({"type":"gru","hidden_size":3,"num_layers":1,"return_sequences":true,"dropout":0.0,)"
      R"("bidirectional":true,"reverse":false,"merge":"sum","reset_after":false,)"
      R"("gate_activation":{"function":"hard_sigmoid","alpha":0.2,"beta":0.5}})",
      R"({"type":"rnn","hidden_size":3,"num_layers":2,"return_sequences":true,"dropout":0.0,)"
      R"("bidirectional":false,"reverse":false,"residual":true,"zoneout":0.25,"gate_clip":2.0})",
      R"({"type":"min_lstm","hidden_size":3,"num_layers":1,"return_sequences":true,)"
      R"("dropout":0.0,"bidirectional":false,"reverse":false,"checkpoint":true})",
      R"({"type":"min_gru","hidden_size":3,"num_layers":1,"return_sequences":true,)"
      R"("dropout":0.0,"bidirectional":false,"reverse":false,"stateful":true,"bias":false})",
      R"({"type":"activity_regularization","activity":2.0,"temporal":0.5})",
      R"({"type":"scale","factor":-2.0,"offset":0.5})",
      R"({"type":"residual","layers":[{"type":"dropout","rate":0.25}]})",
      R"({"type":"conv_lstm","filters":4,"height":5,"width":6,"channels":2,"kernel_height":3,)"
      R"("kernel_width":2,"return_sequences":false,"forget_bias":1.0,"peephole":true,)"
      R"("reverse":true,"bias":false})"};
  for (const std::string& text : texts) {
    CAPTURE(text);
    const LayerSpec spec = parse_layer(text);
    CHECK(to_json(spec) == json::parse(text));
    CHECK(json_text(parse_layer(json_text(spec))) == json_text(spec));
  }
}

TEST_CASE("json specs: omitted keys have the defaults of the C++ structs") {
  CHECK(json_text(parse_layer(R"({"type":"lstm","hidden_size":8})")) ==
        json_text(layer(LSTMSpec{8})));
  CHECK(json_text(parse_layer(R"({"type":"dense","units":8})")) == json_text(layer(DenseSpec{8})));
  CHECK(json_text(parse_layer(R"({"type":"layer_norm"})")) == json_text(layer(LayerNormSpec{})));
  CHECK(std::get<HuberLoss>(parse_loss(R"({"type":"huber"})").options).delta == 1.0);
  const OptimizerSpec adam = parse_optimizer(R"({"type":"adam"})");
  CHECK(json_text(adam) == json_text(OptimizerSpec{}));
}

TEST_CASE("json specs: losses and optimizers have only the keys that they use") {
  for (const char* type : {"mse", "mae", "binary_crossentropy", "categorical_crossentropy"}) {
    const std::string text = std::string(R"({"type":")") + type + "\"}";
    CHECK(json_text(parse_loss(text)) == text);
    const std::string message = message_of<InvalidArgument>(
        [&] { parse_loss(std::string(R"({"delta":1.0,"type":")") + type + "\"}"); });
    CHECK(message.find("loss: expected only keys \"") == 0);
    CHECK(message.find("got \"delta\"") != std::string::npos);
  }
  for (const std::string& text : std::vector<std::string>{
           R"({"from_logits":true,"label_smoothing":0.25,"type":"binary_crossentropy"})",
           R"({"from_logits":false,"ignore_index":-100,"type":"categorical_crossentropy"})"})
    CHECK(json_text(parse_loss(text)) == text);
  CHECK(json_text(parse_loss(R"({"from_logits":null,"type":"binary_crossentropy"})")) ==
        R"({"type":"binary_crossentropy"})");
  CHECK(std::get<HuberLoss>(parse_loss(R"({"type":"huber","delta":2})").options).delta == 2.0);

  const std::vector<std::string> optimizers = {
      R"({"clip_norm":1.0,"clip_value":0.0,"learning_rate":0.01,"momentum":0.9,"nesterov":true,)"
      R"("type":"sgd","weight_decay":0.0})",
      R"({"beta1":0.8,"beta2":0.99,"clip_norm":0.0,"clip_value":0.5,"epsilon":1e-07,)"
      R"("learning_rate":0.1,"type":"adam","weight_decay":0.25})",
      R"({"beta1":0.9,"beta2":0.999,"clip_norm":0.0,"clip_value":0.0,"epsilon":1e-08,)"
      R"("learning_rate":0.1,"type":"adamw","weight_decay":0.01})",
      R"({"clip_norm":0.0,"clip_value":0.0,"epsilon":1e-08,"learning_rate":0.001,"momentum":0.5,)"
      R"("rho":0.9,"type":"rmsprop","weight_decay":0.0})"};
  for (const std::string& text : optimizers) CHECK(json_text(parse_optimizer(text)) == text);
  check_refused(
      message_of<InvalidArgument>([] { parse_optimizer(R"({"type":"sgd","beta1":0.5})"); }),
      R"(got "beta1")");
}

TEST_CASE("json specs: a refusal names the key, what was expected and what came") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"([])", "at least one layer, got none"},
      {R"({})", "layers: expected an array of layers, got an object"},
      {R"([1])", "layers[0]: expected an object, got 1"},
      {R"([{"type":"gru"}])", R"(layers[0]: expected key "hidden_size")"},
      {R"([{"type":"fft"}])", R"(layers[0].type: expected one of "lstm", "gru")"},
      {R"([{"type":3}])", "layers[0].type: expected a string, got 3"},
      {R"([{"units":3}])", R"(layers[0]: expected key "type", got keys "units")"},
      {R"([{"type":"dropout","rate":0},{"type":"dense"}])",
       R"(layers[1]: expected key "units", got keys "type")"},
      {R"([{"type":"dense","units":3,"unitz":4}])",
       R"(layers[0]: expected only keys "activation", "bias", "tied", "type", "units", got "unitz")"},
      {R"([{"type":"dense","units":"8"}])",
       R"(layers[0].units: expected a 64-bit integer, got "8")"},
      {R"([{"type":"dense","units":8.0}])", "layers[0].units: expected a 64-bit integer, got 8.0"},
      {R"([{"type":"dense","units":true}])", "expected a 64-bit integer, got true"},
      {R"([{"type":"dense","units":null}])", "expected a 64-bit integer, got null"},
      {R"([{"type":"dense","units":18446744073709551615}])",
       "expected a 64-bit integer, got 18446744073709551615"},
      {R"([{"type":"dense","units":0}])", "layers[0].units: expected 1 to 16777216, got 0"},
      {R"([{"type":"dense","units":-1}])", "expected 1 to 16777216, got -1"},
      {R"([{"type":"dense","units":16777217}])", "got 16777217"},
      {R"([{"type":"dense","units":1,"activation":"swish"}])",
       R"(layers[0].activation: expected one of "linear", "relu", "sigmoid", "tanh", "softmax", )"
       R"(got "swish")"},
      {R"([{"type":"dense","units":1,"bias":1}])", "layers[0].bias: expected true or false, got 1"},
      {R"([{"type":"dropout"}])", R"(expected key "rate")"},
      {R"([{"type":"dropout","rate":1}])", "layers[0].rate: expected 0 <= value < 1, got 1"},
      {R"([{"type":"dropout","rate":-0.5}])", "got -0.5"},
      {R"([{"type":"dropout","rate":false}])", "layers[0].rate: expected a number, got false"},
      {R"([{"type":"layer_norm","epsilon":0}])", "expected a finite number > 0, got 0"},
      {R"([{"type":"lstm","hidden_size":1,"num_layers":0}])",
       "layers[0].num_layers: expected 1 to 1024, got 0"},
      {R"([{"type":"lstm","hidden_size":1,"bidirectional":1}])",
       "layers[0].bidirectional: expected true or false, got 1"},
      {R"([{"type":"lstm","hidden_size":1,"reverse":true,"bidirectional":true}])",
       "layers[0].reverse: expected false with bidirectional, got true"},
      {R"([{"type":"lstm","hidden_size":8388609,"bidirectional":true}])",
       "layers[0].hidden_size: expected 1 to 8388608, got 8388609"},
      {R"([{"type":"dense","units":1},{"type":"embedding","vocabulary":2,"features":2}])",
       "layers[1]: expected an embedding only as a network's first layer"},
      {R"([{"type":"attention_lstm","hidden_size":1,"attention":"window","score":"dot"}])",
       "layers[0].score: expected additive with attention \"window\", got dot"},
      {R"([{"type":"highway","window":0,"layers":[{"type":"dropout","rate":0}]}])",
       "layers[0].window: expected 1 to 16777216, got 0"},
      {R"([{"type":"highway","window":1,"layers":[]}])",
       "layers[0].layers: expected at least one layer, got none"},
      {R"([{"type":"highway","window":1,"layers":[{"type":"dropout","rate":0},{"type":"dense",)"
       R"("units":0}]}])",
       "layers[0].layers[1].units: expected 1 to 16777216, got 0"}};
  for (const auto& entry : cases) {
    const std::string& text = entry.first;
    CAPTURE(text);
    check_refused(
        message_of<InvalidArgument>([&] { layers_from_json(parse_json(text, "layers")); }),
        entry.second);
  }
}

TEST_CASE("json specs: a C++ caller meets the same ranges as a file") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH_AS(validate(layer(DenseSpec{0})), "layer.units: expected 1 to 16777216, got 0",
                       InvalidArgument);
  CHECK_THROWS_WITH_AS(validate({layer(DropoutSpec{0.5}), layer(DropoutSpec{nan})}),
                       "layers[1].rate: expected 0 <= value < 1, got nan", InvalidArgument);
  LSTMSpec biased{1};
  biased.forget_bias = inf;
  CHECK_THROWS_WITH_AS(validate(layer(biased)),
                       "layer.forget_bias: expected a finite number, got inf", InvalidArgument);
  LSTMSpec bare{1};
  bare.bias = false;
  CHECK_NOTHROW(validate(layer(bare)));
  bare.forget_bias = 2.5;
  CHECK_THROWS_WITH_AS(validate(layer(bare)),
                       "layer.forget_bias: expected 1, as it is by default, without bias, got 2.5",
                       InvalidArgument);
  CHECK_THROWS_WITH_AS(validate(layer(ActivationSpec{static_cast<Activation>(77)})),
                       "layer.activation: expected 0 to 4, got 77", InvalidArgument);

  OptimizerSpec optimizer;
  for (const double rate : {0.0, -1.0, nan, inf}) {
    optimizer.learning_rate = rate;
    check_refused(message_of<InvalidArgument>([&] { validate(optimizer); }),
                  "optimizer.learning_rate: expected a finite number > 0, got ");
  }
  optimizer = {OptimizerKind::sgd, 0.1};
  optimizer.nesterov = true;
  check_refused(message_of<InvalidArgument>([&] { validate(optimizer); }), "optimizer.momentum");
  optimizer.momentum = 0.9;
  CHECK_NOTHROW(validate(optimizer));
  optimizer.clip_norm = nan;
  check_refused(message_of<InvalidArgument>([&] { validate(optimizer); }), "optimizer.clip_norm");
  check_refused(message_of<InvalidArgument>([&] { validate(HuberLoss{0.0}); }),
                "loss.delta: expected a finite number > 0, got 0");
}

TEST_CASE("json specs: nesting and number of layers end at their limits") {
  CHECK_NOTHROW(validate(nested_highways(4)));
  CHECK_THROWS_AS(validate(nested_highways(5)), InvalidArgument);
  CHECK_NOTHROW(parse_layer(json_text(nested_highways(4))));
  CHECK_THROWS_AS(parse_layer(json_text(nested_highways(5))), InvalidArgument);
  CHECK_NOTHROW(validate(layer(ResidualSpec{{nested_highways(3)}})));
  CHECK_THROWS_AS(validate(layer(ResidualSpec{{nested_highways(4)}})), InvalidArgument);

  std::vector<LayerSpec> layers(1024, layer(DropoutSpec{0.5}));
  CHECK_NOTHROW(validate(layers));
  CHECK_NOTHROW(layers_from_json(parse_json(to_json(layers).dump(), "layers")));
  layers[0] = layer(HighwaySpec{1, {layer(DenseSpec{1})}});
  check_refused(message_of<InvalidArgument>([&] { validate(layers); }), "1024 layers in all");
}

TEST_CASE("json specs: a tree needs no memory to be dropped, be it finished or not") {
  const std::string deep = R"([{"a":[[1,{"b":["text",{}]}]],"c":"long enough to be on the heap"}])";
  CHECK(parse_json(deep, "deep").root().dump() == json::parse(deep).dump());
  for (std::size_t size = 0; size < deep.size(); ++size)
    check_refused(message_of<InvalidArgument>([&] { parse_json(deep.substr(0, size), "cut"); }),
                  "cut: expected JSON, got text with a parse error at line 1");
#ifdef COUNTS_ALLOCATIONS
  const std::string what = "deep";
  auto tree = std::make_unique<JsonTree>(parse_json(deep, what));
  const long before = allocations;
  tree.reset();
  CHECK(allocations == before);

  // Wherever memory ends, it is an exception and no end of the program.
  bool parsed = false;
  long failed = 0;
  for (; !parsed; ++failed) {
    allocations_left = failed;
    try {
      parse_json(deep, what);
      parsed = true;
    } catch (const std::bad_alloc&) {
    }
    allocations_left = -1;
  }
  CHECK(failed > 10);
#endif
}

TEST_CASE("json specs: hostile text is refused before it grows") {
  const auto refusal = [](const std::string& text) {
    return message_of<InvalidArgument>([&] { parse_json(text, "network"); });
  };
  check_refused(refusal(std::string(1000000, '[')), "nesting of at most 16 levels");
  check_refused(refusal("[" + std::string(17, '[') + std::string(18, ']')), "nesting");
  std::string many = "[0";
  for (int i = 0; i < 50000; ++i) many += ",0";
  check_refused(refusal(many + "]"), "at most 49152 values");
  check_refused(refusal(R"({"a":1,"b":{"a":2},"a":3})"),
                R"(expected each key once, got "a" twice)");
  check_refused(refusal("{\"a\":\"\xff\"}"), "expected JSON");
  check_refused(refusal("[1e999]"), "expected JSON");
  check_refused(refusal(""), "expected JSON");
  check_refused(refusal("[1] 2"), "expected JSON");
  check_refused(refusal(std::string("[1]\0", 4)), "expected JSON");
}

TEST_CASE("json specs: the number of parameters follows from the specs alone") {
  // Counted by hand from the shapes: LSTM 4H(F + H + 2), above 4H(2H + 2); and so on.
  CHECK(parameter_count({layer(LSTMSpec{5})}, 3) == 4 * 5 * (3 + 5 + 2));
  CHECK(parameter_count({layer(LSTMSpec{5, 3})}, 3) == 200 + 2 * 4 * 5 * 12);
  LSTMSpec both{5, 3};
  both.bidirectional = true;
  CHECK(parameter_count({layer(both), layer(DenseSpec{2})}, 3) ==
        2 * (200 + 2 * 4 * 5 * (10 + 5 + 2)) + 2 * (10 + 1));
  both.bias = both.layer_norm = false;
  CHECK(parameter_count({layer(both)}, 3) == 2 * 4 * 5 * (3 + 5 + 2 * (10 + 5)));
  both.layer_norm = true;  // three gains, of G H, G H and H values
  CHECK(parameter_count({layer(both)}, 3) == 2 * 4 * 5 * (3 + 5 + 2 * (10 + 5)) + 6 * 9 * 5);
  MinLSTMSpec least;
  least.hidden_size = 5;
  CHECK(parameter_count({layer(least)}, 3) == 3 * 5 * (3 + 1));
  least.bias = false;
  CHECK(parameter_count({layer(least)}, 3) == 3 * 5 * 3);
  CHECK(parameter_count({layer(DenseSpec{4})}, 3) == 16);
  CHECK(parameter_count({layer(DenseSpec{4, Activation::relu, false})}, 3) == 12);
  CHECK(parameter_count({layer(EmbeddingSpec{10, 4}), layer(DropoutSpec{}), layer(DenseSpec{2})},
                        0) == 40 + 10);
  CHECK(parameter_count({layer(LayerNormSpec{}), layer(ActivationSpec{}), layer(DenseSpec{1})},
                        6) == 12 + 7);
  CHECK(parameter_count({layer(HighwaySpec{7, {layer(LSTMSpec{5, 1, false}), layer(DenseSpec{2})}}),
                         layer(DenseSpec{1})},
                        3) == 200 + 12 + (2 * 7 * 3 + 2) + 3);

  const Index widest = Index{1} << 24;
  CHECK(parameter_count({layer(LSTMSpec{widest})}, 1) == 4 * widest * (widest + 3));
  const LayerSpec wide = layer(HighwaySpec{widest, {layer(DenseSpec{widest})}});
  CHECK_THROWS_AS(parameter_count({wide}, widest), InvalidArgument);
  CHECK_THROWS_AS(parameter_count(std::vector<LayerSpec>(1024, layer(LSTMSpec{widest, 1024})), 1),
                  InvalidArgument);
  for (const Index features : {Index{0}, Index{-1}, widest + 1})
    check_refused(
        message_of<InvalidArgument>([&] { parameter_count({layer(DenseSpec{1})}, features); }),
        "input_features: expected 1 to 16777216, got ");
}
