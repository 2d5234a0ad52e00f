#include "core/specs/recurrent_json.hpp"

#include <nlohmann/json.hpp>

#include "core/base/message_text.hpp"
#include "core/specs/object_reader.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

using nlohmann::json;

constexpr const char* kFunctions[] = {
    "linear",           "relu",        "tanh",         "sigmoid", "affine",   "leaky_relu",
    "thresholded_relu", "scaled_tanh", "hard_sigmoid", "elu",     "softsign", "softplus"};
constexpr const char* kMerges[] = {"concat", "sum"};

/// Calls field(key, value, default value, always) for every option.
template <class Spec, class Field>
void common_fields(Spec& s, const RecurrentOptions& d, Field& field) {
  field("hidden_size", s.hidden_size, d.hidden_size, true);
  field("num_layers", s.num_layers, d.num_layers, true);
  field("return_sequences", s.return_sequences, d.return_sequences, true);
  field("dropout", s.dropout, d.dropout, true);
  field("bidirectional", s.bidirectional, d.bidirectional, true);
  field("reverse", s.reverse, d.reverse, true);
  field("merge", s.merge, d.merge, false);
  field("residual", s.residual, d.residual, false);
  field("input_dropout", s.input_dropout, d.input_dropout, false);
  field("recurrent_dropout", s.recurrent_dropout, d.recurrent_dropout, false);
  field("weight_drop", s.weight_drop, d.weight_drop, false);
  field("zoneout", s.zoneout, d.zoneout, false);
  field("gate_clip", s.gate_clip, d.gate_clip, false);
  field("stateful", s.stateful, d.stateful, false);
  field("checkpoint", s.checkpoint, d.checkpoint, false);
  field("bias", s.bias, d.bias, false);
}

template <class Field>
void own_fields(LSTMSpec& s, const LSTMSpec& d, Field& field) {
  field("forget_bias", s.forget_bias, d.forget_bias, true);
  field("proj_size", s.proj_size, d.proj_size, false);
  field("peephole", s.peephole, d.peephole, false);
  field("coupled_gates", s.coupled_gates, d.coupled_gates, false);
  field("input_gate", s.input_gate, d.input_gate, false);
  field("forget_gate", s.forget_gate, d.forget_gate, false);
  field("output_gate", s.output_gate, d.output_gate, false);
  field("layer_norm", s.layer_norm, d.layer_norm, false);
  field("cell_zoneout", s.cell_zoneout, d.cell_zoneout, false);
  field("cell_clip", s.cell_clip, d.cell_clip, false);
  field("gate_activation", s.gate_activation, d.gate_activation, false);
  field("cell_activation", s.cell_activation, d.cell_activation, false);
  field("output_activation", s.output_activation, d.output_activation, false);
}
template <class Field>
void own_fields(GRUSpec& s, const GRUSpec& d, Field& field) {
  field("reset_after", s.reset_after, d.reset_after, false);
  field("gate_activation", s.gate_activation, d.gate_activation, false);
  field("candidate_activation", s.candidate_activation, d.candidate_activation, false);
}
template <class Field>
void own_fields(RNNSpec& s, const RNNSpec& d, Field& field) {
  field("activation", s.activation, d.activation, false);
  field("identity_init", s.identity_init, d.identity_init, false);
}
template <class Field>
void own_fields(MinLSTMSpec&, const MinLSTMSpec&, Field&) {}
template <class Field>
void own_fields(MinGRUSpec&, const MinGRUSpec&, Field&) {}

template <class Enum, std::size_t n>
Enum named(ObjectReader& reader, const char* key, const char* const (&names)[n]) {
  const std::string name = reader.string(key);
  std::string all;
  for (std::size_t i = 0; i < n; ++i) {
    if (name == names[i]) return static_cast<Enum>(i);
    all += (i ? ", " : "") + in_quotes(names[i]);
  }
  throw InvalidArgument(reader.path_of(key) + ": expected one of " + all + ", got " +
                        in_quotes(name));
}

struct Read {
  ObjectReader& reader;

  void operator()(const char* key, Index& v, Index, bool) {
    // Without a size there is no layer.
    v = std::string(key) == "hidden_size" ? reader.integer(key) : reader.integer(key, v);
  }
  void operator()(const char* key, double& v, double, bool) { v = reader.number(key, v); }
  void operator()(const char* key, bool& v, bool, bool) { v = reader.boolean(key, v); }
  void operator()(const char* key, Merge& v, Merge, bool) {
    if (reader.optional(key)) v = named<Merge>(reader, key, kMerges);
  }
  void operator()(const char* key, CellActivation& v, const CellActivation&, bool) {
    const json* found = reader.optional(key);
    if (!found) return;
    ObjectReader inner(*found, reader.path_of(key));
    v.function = named<CellFunction>(inner, "function", kFunctions);
    v.alpha = inner.number("alpha", 0.0);
    v.beta = inner.number("beta", 0.0);
    inner.finish();
  }
};

struct Write {
  json& to;

  template <class V>
  void operator()(const char* key, const V& v, const V& standard, bool always) {
    if (always || v != standard) to[key] = v;
  }
  void operator()(const char* key, Merge v, Merge standard, bool) {
    if (v != standard) to[key] = kMerges[static_cast<int>(v)];
  }
  void operator()(const char* key, const CellActivation& v, const CellActivation& d, bool) {
    if (v.function == d.function && v.alpha == d.alpha && v.beta == d.beta) return;
    to[key] = {{"function", kFunctions[static_cast<int>(v.function)]},
               {"alpha", v.alpha},
               {"beta", v.beta}};
  }
};

/// Calls body(type name, a spec of that type) for each.
template <class Body>
void for_each_type(const Body& body) {
  body("lstm", LSTMSpec{});
  body("gru", GRUSpec{});
  body("rnn", RNNSpec{});
  body("min_lstm", MinLSTMSpec{});
  body("min_gru", MinGRUSpec{});
}

}  // namespace

const char* recurrent_type(const LayerSpec& layer) {
  const char* type = nullptr;
  for_each_type([&](const char* name, const auto& standard) {
    if (std::holds_alternative<std::decay_t<decltype(standard)>>(layer.options)) type = name;
  });
  return type;
}

bool read_recurrent(const std::string& type, ObjectReader& reader, LayerSpec& layer) {
  bool found = false;
  for_each_type([&](const char* name, const auto& standard) {
    if (type != name) return;
    auto spec = standard;
    Read read{reader};
    common_fields(spec, standard, read);
    own_fields(spec, standard, read);
    // C++ once took it, and wrote it to files: with one layer, which has none behind it, it never
    // had an effect.
    if (spec.num_layers == 1 && spec.dropout > 0 && spec.dropout < 1) spec.dropout = 0;
    layer.options = spec;
    found = true;
  });
  return found;
}

json recurrent_to_json(const LayerSpec& layer) {
  json value = {{"type", recurrent_type(layer)}};
  for_each_type([&](const char*, const auto& standard) {
    using Spec = std::decay_t<decltype(standard)>;
    if (!std::holds_alternative<Spec>(layer.options)) return;
    Spec spec = std::get<Spec>(layer.options);
    Write write{value};
    common_fields(spec, standard, write);
    own_fields(spec, standard, write);
  });
  return value;
}

std::string recurrent_types() {
  std::string names;
  for_each_type([&](const char* name, const auto&) {
    names += (names.empty() ? "" : ", ") + in_quotes(name);
  });
  return names;
}

}  // namespace lstm_native
