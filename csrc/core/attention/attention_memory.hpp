// Memories that queries look at: keys and values of each sample, laid out for products.
#pragma once

#include "core/attention/true_rows.hpp"
#include "core/base/rows.hpp"
#include "kernels/kernel_table.hpp"

namespace lstm_native {

/// How a score is made of a query and a key.
template <class T>
struct Scoring {
  const T* v = nullptr;  // of additive scores, key_size values; null: the dot product
  T scale = 1;           // of the dot product
};

/// Heads see the columns of keys and values in turn: those of head h begin at h * key_size and
/// h * value_size.
template <class T>
struct MemoryView {
  Rows<const T> keys, values;  // rows of all samples
  Index heads = 1, key_size = 0, value_size = 0;
};

/// What goes back from the looks of one sample and head.
template <class T>
struct LookGradients {
  Rows<const T> d_contexts;             // looks x value_size
  Rows<const T> d_weights{nullptr, 0};  // looks x length, or null
  T d_weights_scale = 1;                // how much of d_weights is this head's
  Rows<T> d_scores{nullptr, 0};         // receives: looks x length
  Rows<T> d_queries{nullptr, 0};        // receives: looks x key_size
  T* d_keys = nullptr;                  // additive: added to, length x key_size, dense
  T* d_v = nullptr;                     // additive: added to, key_size
};

/// A look: weights = softmax(scores of the query with all keys), context = sum of the values by
/// these weights. All sums run over the true rows of the sample, in their order, so that a look
/// depends on its query and its sample's memory alone.
template <class T>
class AttentionMemory {
 public:
  /// Copies what it needs of the rows into the workspace, but for the keys of additive scores.
  AttentionMemory(const KernelTable<T>& kernels, const Scoring<T>& scoring,
                  const TrueRows<T>& memory, const MemoryView<T>& view, Workspace& workspace);
  /// Without keys: for weights that are made otherwise.
  AttentionMemory(const KernelTable<T>& kernels, const TrueRows<T>& memory, Rows<const T> values,
                  Workspace& workspace);
  /// Before the first `back`.
  void prepare_back(Workspace& workspace);

  const TrueRows<T>& rows() const { return memory_; }
  const MemoryView<T>& view() const { return view_; }
  const KernelTable<T>& kernels() const { return kernels_; }
  bool additive() const { return scoring_.v != nullptr; }

  /// So many looks of one sample and head. weights: looks x length; contexts: looks x value_size.
  /// causal: look i sees the rows up to row i, and the weights of the others are zero.
  void look(Index sample, Index head, Index looks, Rows<const T> queries, bool causal,
            Rows<T> weights, Rows<T> contexts) const;
  /// The contexts alone, where the weights are known.
  void weigh(Index sample, Index head, Index looks, Rows<const T> weights, Rows<T> contexts) const;

  void back(Index sample, Index head, Index looks, Rows<const T> queries, Rows<const T> weights,
            const LookGradients<T>& gradients) const;
  /// Of the weights alone: d_weights = d_contexts values^T.
  void back_to_weights(Index sample, Index head, Index looks, Rows<const T> d_contexts,
                       Rows<T> d_weights) const;

  /// out (length x size) += left^T right, sums over so many looks: what they mean for the keys (of
  /// d_scores and queries) and values (of weights and d_contexts). scratch: scratch_size values.
  void add_sums(Index sample, Index looks, Rows<const T> left, Rows<const T> right, Index size,
                Rows<T> out, T* scratch) const;
  Index scratch_size(Index looks, Index size) const;

 private:
  struct Packs {
    T* data = nullptr;
    // Of sample n they begin at row_size * padded(n) or, packed by rows, row_size * offset(n).
    Index row_size = 0;
  };
  Index pair(Index sample, Index head) const { return sample * view_.heads + head; }
  Packs pack_by_row(Rows<const T> rows, Index size, Workspace& workspace) const;
  Packs pack_by_column(Rows<const T> rows, Index size, Workspace& workspace) const;
  const T* by_row(const Packs& packs, Index sample, Index head) const;
  const T* by_column(const Packs& packs, Index sample, Index head) const;
  void multiply(Index rows, Index depth, Index cols, Rows<const T> a, const T* packed,
                Rows<T> out) const;

  const KernelTable<T>& kernels_;
  Scoring<T> scoring_;
  TrueRows<T> memory_;
  MemoryView<T> view_;
  const Index* padded_ = nullptr;  // samples + 1: rows before, each sample rounded up to lanes
  Packs values_by_row_, keys_by_column_;  // forward: sums over rows, and over features
  Packs values_by_column_, keys_by_row_;  // back
};

}  // namespace lstm_native
