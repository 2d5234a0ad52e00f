// Decoding: whole searches in one call, without the GIL but for the caller's functions.
#include <algorithm>

#include "bindings/batches.hpp"
#include "bindings/gil.hpp"
#include "bindings/module.hpp"
#include "bindings/network_handle.hpp"
#include "bindings/plain_method.hpp"
#include "core/base/cancellation.hpp"
#include "core/network/handles.hpp"
#include "core/network/network_impl.hpp"
#include "lstm_native/decoding.hpp"

namespace lstm_native::python {
namespace {

/// Runs call(release) without the GIL. An interrupt ends it, and so does `call_python` where
/// Python's code raised.
template <class Call>
auto run_without_gil(const Call& call) {
  try {
    GilRelease release;
    Cancellation cancellation(
        [&] { return release.with_gil([] { return PyErr_CheckSignals() != 0; }); });
    return call(release);
  } catch (const Cancelled&) {
    throw py::error_already_set();  // as Python's code raised it
  }
}

/// Runs body with the GIL, in a search; what Python raises there ends the search.
template <class Body>
void call_python(GilRelease& release, const Body& body) {
  const bool done = release.with_gil([&] {
    return with_python_errors([&] {
             body();
             return Py_None;  // anything but null
           }) != nullptr;
  });
  if (!done) throw Cancelled();
}

py::object tokens_array(const std::int64_t* tokens, Index count) {
  auto array = new_array<std::int64_t>({count});
  std::copy_n(tokens, count, array.mutable_data());
  return std::move(array);
}

py::object tokens_array(const std::vector<std::int64_t>& tokens) {
  return tokens_array(tokens.data(), static_cast<Index>(tokens.size()));
}

/// function([tokens of each row]) -> None for all tokens, or bools (rows, vocabulary).
AllowTokens allow_of(const py::object& function, GilRelease& release) {
  if (function.is_none()) return {};
  return [&](const Continuations& asked) {
    call_python(release, [&] {
      py::list rows;
      for (Index i = 0; i < asked.rows; ++i) rows.append(tokens_array(asked.tokens[i]));
      const py::object found = function(rows);
      if (found.is_none()) return;
      const auto mask = borrow<bool>(found, "allow");
      std::copy_n(data_of(mask, {asked.rows, asked.vocabulary}, "allow"),
                  asked.rows * asked.vocabulary, asked.allowed);
    });
  };
}

template <class V>
py::list list_of(const std::vector<V>& entries) {
  py::list list;
  for (const V& entry : entries) {
    if constexpr (std::is_same_v<V, Hypothesis>)
      list.append(py::make_tuple(tokens_array(entry.tokens), entry.log_probability, entry.score));
    else if constexpr (std::is_same_v<V, std::vector<std::int64_t>>)
      list.append(tokens_array(entry));
    else
      list.append(list_of(entry));
  }
  return list;
}

template <class T>
struct Prompts {
  Input<T> input;
  py::object lengths;
  HeldBatches<T> held;

  Prompts(const NetworkHandle<T>& handle, const py::object& tokens, const py::object& ends,
          const py::object& held_arrays, const py::object& held_ends)
      : input(input_of<T>(tokens, true)),
        lengths(lengths_of(ends, input.batch)),
        held(Access::impl(handle.network).graph(), held_arrays, held_ends) {}
};

template <class T>
py::list generate_from(const NetworkHandle<T>& handle, const py::object& tokens,
                       const py::object& lengths, const py::object& held,
                       const py::object& held_lengths, Index steps, std::int64_t end,
                       double temperature, Index top_k, double top_p, std::uint64_t seed,
                       const py::object& allow, Index output) {
  const Prompts<T> prompts(handle, tokens, lengths, held, held_lengths);
  return list_of(run_without_gil([&](GilRelease& release) {
    const GenerateOptions options{
        steps, end, temperature, top_k, top_p, seed, allow_of(allow, release), output};
    return generate(handle.network, prompts.input.batch, options, prompts.held.list);
  }));
}

template <class T>
py::list search_from(const NetworkHandle<T>& handle, const py::object& tokens,
                     const py::object& lengths, const py::object& held,
                     const py::object& held_lengths, Index steps, std::int64_t end, Index width,
                     Index n_best, double length_penalty, const py::object& allow, Index output) {
  const Prompts<T> prompts(handle, tokens, lengths, held, held_lengths);
  return list_of(run_without_gil([&](GilRelease& release) {
    const BeamOptions options{steps, end, width, n_best, length_penalty, allow_of(allow, release),
                              output};
    return beam_search(handle.network, prompts.input.batch, options, prompts.held.list);
  }));
}

template <class T>
void register_network_decoding(py::module_& m) {
  using py::arg;
  m.def("generate", &generate_from<T>, arg("network"), arg("prompts"), arg("lengths"), arg("held"),
        arg("held_lengths"), arg("steps"), arg("end"), arg("temperature"), arg("top_k"),
        arg("top_p"), arg("seed"), arg("allow"), arg("output"));
  m.def("beam_search", &search_from<T>, arg("network"), arg("prompts"), arg("lengths"), arg("held"),
        arg("held_lengths"), arg("steps"), arg("end"), arg("width"), arg("n_best"),
        arg("length_penalty"), arg("allow"), arg("output"));
}

template <class T>
Input<T> ctc_outputs(const py::object& outputs, const py::object& lengths, py::object& owner) {
  Input<T> input = input_of<T>(outputs, false);
  owner = lengths_of(lengths, input.batch);
  return input;
}

template <class T>
py::list greedy_labels(const py::object& outputs, const py::object& lengths, std::int64_t blank) {
  py::object owner;
  const Input<T> input = ctc_outputs<T>(outputs, lengths, owner);
  return list_of(
      run_without_gil([&](GilRelease& /*release*/) { return ctc_greedy(input.batch, blank); }));
}

/// scorer: None, or a function of a prefix that returns float64 (outputs,).
template <class T>
py::list search_labels(const py::object& outputs, const py::object& lengths, std::int64_t blank,
                       Index width, Index n_best, const py::object& scorer, bool logits) {
  py::object owner;
  const Input<T> input = ctc_outputs<T>(outputs, lengths, owner);
  return list_of(run_without_gil([&](GilRelease& release) {
    CtcBeamOptions options{blank, width, n_best, {}, logits};
    if (!scorer.is_none())
      options.scorer = [&](const std::int64_t* prefix, Index length, Index count, double* scores) {
        call_python(release, [&] {
          const auto found = borrow<double>(scorer(tokens_array(prefix, length)), "scorer");
          std::copy_n(data_of(found, {count}, "scorer"), count, scores);
        });
      };
    return ctc_beam_search(input.batch, options);
  }));
}

}  // namespace

void register_decoding(py::module_& m) {
  register_network_decoding<float>(m);
  register_network_decoding<double>(m);
  m.def(
      "ctc_greedy",
      [](const py::object& outputs, const py::object& lengths, std::int64_t blank) {
        if (Array<double>::check_(outputs)) return greedy_labels<double>(outputs, lengths, blank);
        return greedy_labels<float>(outputs, lengths, blank);
      },
      py::arg("outputs"), py::arg("lengths"), py::arg("blank"));
  m.def(
      "ctc_beam_search",
      [](const py::object& outputs, const py::object& lengths, std::int64_t blank, Index width,
         Index n_best, const py::object& scorer, bool logits) {
        if (Array<double>::check_(outputs))
          return search_labels<double>(outputs, lengths, blank, width, n_best, scorer, logits);
        return search_labels<float>(outputs, lengths, blank, width, n_best, scorer, logits);
      },
      py::arg("outputs"), py::arg("lengths"), py::arg("blank"), py::arg("width"), py::arg("n_best"),
      py::arg("scorer"), py::arg("logits"));
}

}  // namespace lstm_native::python
