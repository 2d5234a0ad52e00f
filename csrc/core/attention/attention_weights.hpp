// The weights of an attention: what queries and memories are multiplied with, and their names.
#pragma once

#include <memory>

#include "core/attention/attention_memory.hpp"
#include "core/layers/linear.hpp"
#include "lstm_native/attention_layers.hpp"

namespace lstm_native {

/// Rows of queries or memories and what a projection made of them: the same where there is none.
template <class T>
struct Projected {
  Rows<const T> before{nullptr, 0}, after{nullptr, 0};
};

template <class T>
class AttentionWeights {
 public:
  enum Place { query, key, value, output };

  /// units: of additive scores. heads and bias: of scaled_dot. Throws InvalidArgument where the
  /// sizes do not go together.
  AttentionWeights(AttentionScore score, Index units, Index heads, bool bias, Index queries,
                   Index memory, WeightSeed seed);

  std::vector<Parameter<T>*> parameters();
  void parameters_changed();

  /// Of each head. Keys of additive scores are padded with zeros to whole gate blocks.
  Index heads() const { return heads_; }
  Index key_size() const { return key_size_; }
  Index value_size() const { return value_size_; }
  bool additive() const { return score_ == AttentionScore::additive; }
  /// Null: none stands there.
  const Linear<T>* projection(Place place) const { return projections_[place].linear.get(); }

  Scoring<T> scoring() const;
  /// before: so many rows as they come; the projected ones lie in the workspace.
  Projected<T> project(Place place, Index rows, Rows<const T> before, Workspace& workspace) const;
  /// d_before = (or +=) what d_after means for it; gradients as parameters() are ordered.
  /// Without a projection d_after itself counts.
  void back(Place place, Index rows, const Projected<T>& projected, Rows<const T> d_after,
            Rows<T> d_before, bool accumulate, T* const* gradients, Workspace& workspace) const;
  /// d_v: one row of key_size for each sample.
  void add_v_gradient(Index samples, const T* d_v, T* const* gradients) const;

 private:
  /// A projection's weight is a part of a parameter: PyTorch has those of query, key and value in
  /// one where it can.
  struct Projection {
    std::unique_ptr<Linear<T>> linear;
    std::size_t weight = 0, bias = 0;  // which parameter
    Index first_row = 0;               // of it
    bool has_bias = false;
  };
  std::size_t add(const char* name, std::vector<Index> shape);
  void place(Place place, Index inputs, Index outputs, std::size_t weight, Index first_row);
  void place_heads(bool bias, Index queries, Index memory);
  void draw(WeightSeed seed);

  AttentionScore score_;
  Index heads_, key_size_, value_size_;
  std::vector<Parameter<T>> parameters_;
  Projection projections_[4];
  AlignedVector<T> v_;  // of additive scores, padded
};

/// Rows times the weight of a projection, on the caller's thread: what a step does.
template <class T>
void multiply(const Linear<T>& of, const typename Linear<T>::Packed& packed, Index rows,
              Rows<const T> x, Rows<T> y);
/// And y += x W, the way back, with Linear::packed_transposed.
template <class T>
void add_transposed(const Linear<T>& of, const typename Linear<T>::Packed& packed, Index rows,
                    Rows<const T> x, Rows<T> y);

}  // namespace lstm_native
