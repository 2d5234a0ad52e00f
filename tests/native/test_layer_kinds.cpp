// Every kind of layer, whatever it is: its fields come back from JSON, what is out of range or
// unknown is refused by name, and the parameters are counted as they are made. The kinds come from
// LayerSpec::Options and the fields from their description, so that a new one is tested unasked.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/network/layer_factory.hpp"
#include "core/specs/cell_activation_fields.hpp"
#include "core/specs/fields.hpp"
#include "core/specs/json_specs.hpp"
#include "core/specs/layer_kinds.hpp"
#include "core/specs/parameter_count.hpp"
#include "core/specs/spec_checks.hpp"
#include "file_helpers.hpp"
#include "lstm_native/error.hpp"

using namespace lstm_native;
using nlohmann::json;

namespace {

/// Calls body(key, member, range, whether the key is required) for each field of a spec.
template <class Body>
struct EachField {
  const Body& body;

  template <class Class, class Value, class Range = Any>
  void required(const char* key, Value Class::* member, const Range& range = {}) {
    body(key, member, range, true);
  }
  template <class Class, class Value, class Range = Any>
  void always(const char* key, Value Class::* member, const Range& range = {}) {
    body(key, member, range, false);
  }
  template <class Class, class Value, class Range = Any>
  void optional(const char* key, Value Class::* member, const Range& range = {}) {
    body(key, member, range, false);
  }
};

template <class Spec, class Body>
void for_each_field(const Spec& spec, const Body& body) {
  EachField<Body> visitor{body};
  fields(visitor, spec);
}

/// A range, as it is now where it depends on other fields.
template <class Range>
decltype(auto) settled(const Range& range) {
  if constexpr (std::is_invocable_v<const Range&>)
    return range();
  else
    return (range);
}

template <class Enum>
using IfEnum = std::enable_if_t<std::is_enum_v<Enum>>;

// Another value within the range, if there is one.
void change(Index& value, const Integers& range) { value += value < range.high ? 1 : -1; }
template <class Range>
void change(double& value, const Range&) {
  value = value == 0.25 ? 0.125 : 0.25;
}
template <class Range>
void change(bool& value, const Range&) {
  value = !value;
}
template <class Enum, std::size_t n, class = IfEnum<Enum>>
void change(Enum& value, const NamedValue<Enum> (&table)[n]) {
  value = value == table[0].value ? table[n - 1].value : table[0].value;
}
template <std::size_t n>
void change(CellActivation& value, const NamedValue<CellFunction> (&)[n]) {
  value = {CellFunction::leaky_relu, 0.5, 0.25};
}
void change(std::vector<LayerSpec>& value, const InnerLayers&) {
  value.push_back(DropoutSpec{0.25});
}
template <class Range>
void change(std::string& value, const Range&) {
  value += "x";
}
template <class Value, class Range>
void change(std::vector<Value>& values, const Range& range) {
  if (values.empty()) values.push_back(Value{});
  change(values[0], range);
}
template <class Value, class Range>
void change(std::optional<Value>& value, const Range& range) {
  if (!value) value.emplace();
  change(*value, range);
}

// A value out of the range. False: any value is allowed.
bool spoil(Index& value, const Integers& range) {
  value = range.high + 1;
  return true;
}
bool spoil(double& value, const Numbers&) {
  value = std::numeric_limits<double>::quiet_NaN();
  return true;
}
template <class Enum, std::size_t n, class = IfEnum<Enum>>
bool spoil(Enum& value, const NamedValue<Enum> (&)[n]) {
  value = static_cast<Enum>(n);
  return true;
}
template <std::size_t n>
bool spoil(CellActivation& value, const NamedValue<CellFunction> (&)[n]) {
  value.alpha = std::numeric_limits<double>::infinity();
  return true;
}
bool spoil(std::vector<LayerSpec>& value, const InnerLayers&) {
  value = {DropoutSpec{2.0}};
  return true;
}
template <class Value, class Range>
bool spoil(std::vector<Value>& values, const Range& range) {
  if (values.empty()) values.push_back(Value{});
  return spoil(values[0], range);
}
template <class Value, class Range>
bool spoil(std::optional<Value>& value, const Range& range) {
  if (!value) value.emplace();
  return spoil(*value, range);
}
template <class Value>
bool spoil(Value&, const Any&) {
  return false;
}

// Makes a value fit where there is no default that does.
void complete(Index& value, const Integers& range) {
  if (value < range.low) value = std::min(range.low + 2, range.high);
}
// Two, for a layer that has one for each direction.
void complete(std::vector<LayerSpec>& value, const InnerLayers&) {
  value = {DenseSpec{3}, DenseSpec{3}};
}
template <class Value, class Range>
void complete(Value&, const Range&) {}

/// A spec that `validate` lets pass: default-made, but for the fields that have no default.
template <class Spec>
Spec smallest() {
  Spec spec;
  for_each_field(spec, [&](const char*, auto member, const auto& range, bool required) {
    if (required) complete(spec.*member, settled(range));
  });
  return spec;
}

/// Calls body(key, spec) with the smallest spec but for one field.
template <class Spec, class Body>
void for_each_change(const Body& body) {
  const Spec start = smallest<Spec>();
  for_each_field(start, [&](const char* key, auto member, const auto& range, bool) {
    Spec spec = start;
    change(spec.*member, settled(range));
    body(key, spec);
  });
}

/// What is written, read again; ranges and rules aside.
template <class Spec>
json there_and_back(const Spec& spec) {
  const json written = to_json(LayerSpec(spec));
  ObjectReader reader(written, "layer");
  reader.required("type");
  Spec back;
  read_fields(reader, back);
  reader.finish();
  return to_json(LayerSpec(back));
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct MadeLayer {
  std::shared_ptr<Layer<float>> layer;  // null: no input suits it
  InputFeatures inputs;
};

/// The layer for the first inputs that suit it: one of an odd or even width, several, or the images
/// of a ConvLSTM.
template <class Spec>
MadeLayer make_for_any_input(const Spec& spec) {
  std::vector<InputFeatures> choices = {{3}, {4}, {3, 3}, {3, 3, 3}};
  if constexpr (std::is_same_v<Spec, ConvLSTMSpec>)
    choices = {{spec.height * spec.width * spec.channels}};
  for (const InputFeatures& inputs : choices) {
    try {
      return {make_layer<float>(LayerSpec(spec), inputs, std::nullopt), inputs};
    } catch (const InvalidArgument&) {
      continue;
    }
  }
  return {};
}

}  // namespace

TEST_CASE("layer kinds: the smallest spec of each comes back from JSON") {
  for_each_kind([](const auto& any, auto kind) {
    INFO(std::string(kind.type));
    const LayerSpec layer = smallest<std::decay_t<decltype(any)>>();
    const json written = to_json(layer);
    CHECK(written["type"] == kind.type);
    CHECK(layer_type(layer) == kind.type);
    CHECK(layer_name(layer) == kind.name);
    CHECK(to_json(layer_from_json(written)) == written);
    CHECK(to_json(parse_layer(json_text(layer))) == written);
  });
}

TEST_CASE("layer kinds: each field is written where it is not the default, and comes back") {
  for_each_kind([](const auto& any, auto kind) {
    using Spec = std::decay_t<decltype(any)>;
    const json start = to_json(LayerSpec(smallest<Spec>()));
    for_each_change<Spec>([&](const char* key, const Spec& spec) {
      INFO(std::string(kind.type));
      INFO(std::string(key));
      json written = to_json(LayerSpec(spec));
      REQUIRE(written.contains(key));
      CHECK((!start.contains(key) || written[key] != start[key]));
      CHECK(there_and_back(spec) == written);
      written.erase(key);
      json others = start;
      others.erase(key);
      CHECK(written == others);  // the field wrote nothing else
    });
  });
}

TEST_CASE("layer kinds: a file without a key means the default, where there is one") {
  for_each_kind([](const auto& any, auto kind) {
    using Spec = std::decay_t<decltype(any)>;
    const Spec start = smallest<Spec>();
    const json written = to_json(LayerSpec(start));
    for_each_field(start, [&](const char* key, auto, const auto&, bool required) {
      INFO(std::string(kind.type));
      INFO(std::string(key));
      json without = written;
      without.erase(key);
      if (required)
        CHECK(contains(message_of<InvalidArgument>([&] { layer_from_json(without); }),
                       std::string("layer: expected key \"") + key + "\", got keys "));
      else
        CHECK(to_json(layer_from_json(without)) == written);
    });
  });
}

TEST_CASE("layer kinds: unknown keys, other types and values out of range are refused by name") {
  for_each_kind([](const auto& any, auto kind) {
    using Spec = std::decay_t<decltype(any)>;
    INFO(std::string(kind.type));
    const Spec start = smallest<Spec>();
    json odd = to_json(LayerSpec(start));
    odd["unknown"] = 1;
    const std::string message = message_of<InvalidArgument>([&] { layer_from_json(odd); });
    CHECK(contains(message, "layer: expected only keys "));
    CHECK(contains(message, "got \"unknown\""));

    for_each_field(start, [&](const char* key, auto member, const auto& range, bool) {
      INFO(std::string(key));
      json other = to_json(LayerSpec(start));
      other[key] = json::array({json::object()});  // what no field is
      const std::string path = std::string("layer.") + key;
      CHECK(contains(message_of<InvalidArgument>([&] { layer_from_json(other); }), path));

      Spec spoilt = start;
      if (!spoil(spoilt.*member, settled(range))) return;
      const std::string refusal = message_of<InvalidArgument>([&] { validate(LayerSpec(spoilt)); });
      CHECK(contains(refusal, path));
      CHECK(contains(refusal, ": expected "));
      CHECK(contains(refusal, ", got "));
    });
  });
}

TEST_CASE("layer kinds: the parameters that are counted are those that are made") {
  for_each_kind([](const auto& any, auto kind) {
    using Spec = std::decay_t<decltype(any)>;
    int made = 0;
    const auto compare = [&](const char* key, const Spec& spec) {
      INFO(std::string(kind.type));
      INFO(std::string(key));
      const auto [layer, inputs] = make_for_any_input(spec);
      if (!layer) return;  // some changes break a rule
      ++made;
      const LayerCount count = count_layer(LayerSpec(spec), inputs);
      LayerCount found;
      for (const Parameter<float>* parameter : layer->parameters()) {
        found.values += static_cast<Index>(parameter->value.size());
        ++found.tensors;
      }
      CHECK(count.values == found.values);
      CHECK(count.tensors == found.tensors);
      CHECK(count.output_features == layer->outputs()[0].features);
      CHECK((layer->inputs()[0].kind == Port::Kind::tokens) == kind.takes_tokens);
    };
    compare("none", smallest<Spec>());
    for_each_change<Spec>(compare);
    INFO(std::string(kind.type));
    CHECK(made > 0);
  });
}
