// What the core knows of a kind of layer beside the class that runs it.
//
// Two things stand beside each other for every alternative of LayerSpec::Options, in a file of its
// family (simple_kinds.hpp, recurrent_kinds.hpp, ...):
//   fields(visitor, spec)  the description of its fields, see fields.hpp
//   LayerKind<Spec>        the facts below. layer_kinds.hpp refuses to compile when one is missing
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/specs/ranges.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

struct LayerSpec;

/// How the output of a step depends on the steps of the input.
enum class OverTime {
  step_by_step,   // on that step alone
  carries_state,  // on those before it, through a state that can be carried
  sees_window,    // on several steps at once
  sees_all        // on the whole sequence
};

/// Where a layer stands, for rules that depend on it.
struct LayerPlace {
  const std::string& path;  // names it in messages
  int depth;                // layers around it
};

/// What a layer adds to a network, and what it hands on.
struct LayerCount {
  Index values = 0;   // of all its parameters
  Index tensors = 0;  // that hold them
  Index output_features = 0;
};

/// Features of what comes in at each port, in the order of the ports; 0 where nothing does. The
/// first is never 0, but for a kind that takes tokens.
using InputFeatures = std::vector<Index>;

/// Specialised for every spec, as
///
///   template <>
///   struct LayerKind<DropoutSpec> : CommonKind {
///     static constexpr const char* type = "dropout";  // in files, and between the languages
///     static constexpr const char* name = "Dropout";  // in messages
///     static constexpr OverTime over_time = OverTime::step_by_step;
///     static LayerCount count(const DropoutSpec&, const InputFeatures& in) { ... }
///   };
///
/// `count` is only asked about specs that `validate` let pass. It must not overflow: see
/// add_sizes and multiply_sizes.
template <class Spec>
struct LayerKind;

/// What holds for most kinds, to be said otherwise where it does not.
struct CommonKind {
  static constexpr bool takes_tokens = false;  // its input are indices, not values
  /// Whether the output of a step depends on later steps.
  template <class Spec>
  static bool runs_backward(const Spec&) {
    return false;
  }
  /// What concerns several fields at once, or the place. The ranges have been checked before.
  template <class Spec>
  static void check(const Spec&, const LayerPlace&) {}
  /// Makes something that old files hold into what it meant.
  template <class Spec>
  static void mend(Spec&) {}
};

/// Sums and products of sizes. Throw InvalidArgument where they overflow; none may be negative.
Index add_sizes(Index a, Index b);
Index multiply_sizes(Index a, Index b);

/// The range of a field that holds the layers inside a layer, and what fields.hpp asks of it. The
/// layers are checked last, when the layer's own fields are known to be good (spec_checks.cpp).
/// Reading goes no deeper than the tree, whose depth parse_json limits.
struct InnerLayers {};
void read_value(const nlohmann::json& from, const std::string& path, std::vector<LayerSpec>& to,
                const InnerLayers&);
nlohmann::json write_value(const std::vector<LayerSpec>& layers, const InnerLayers&);
inline void check_value(const std::string&, const std::vector<LayerSpec>&, const InnerLayers&) {}

}  // namespace lstm_native
