// Arguments of a step of a recurrent cell, forward and backward.
#pragma once

#include "kernels/cell_options.hpp"
#include "kernels/product_args.hpp"

namespace lstm_native {

/// Which part of an LSTM's step: with layer normalisation the cell state is normalised between
/// them.
enum class StepPart { all, cell, output };

/// Time steps of a cell for some rows and the hidden units [unit_begin, unit_end): recurrent
/// product, gates, new state and output. unit_begin is a multiple of kGateBlock; unit_end too, or
/// hidden_size. Pointers are to unit 0 whatever the range. G: the cell's gates.
///
/// Which cells use what:
///   every cell              the size, the sums and `h`; `y` and `steps` where asked for
///   with recurrent weights  `depth`, `recurrent`, `h_prev`
///   LSTMs                   `c_prev`, `c`
///   GRUs                    `h_old`, `c` (for the way back), `recurrent_bias`
///   minLSTM, minGRU         `h_old`
///   general cells           all from `options` on, as far as the option is in use
template <class T>
struct StepArgs {
  // -- size
  Index rows = 0, hidden_size = 0, unit_begin = 0, unit_end = 0;

  // -- sums: b + W x + U h
  Index depth = 0;               // values of h_prev; 0: no recurrent product
  const T* recurrent = nullptr;  // depth x G gates, see pack_step in packing.hpp
  T* gates = nullptr;            // rows x GP: in b + W x, in gate order; out what backward reads
  // Where inputs are few, the step makes b + W x by itself: then x is not null, and what gates
  // holds does not matter.
  const T* x = nullptr;  // rows x inputs
  Index x_stride = 0, inputs = 0;
  const T* input = nullptr;           // inputs x G gates, packed as recurrent is
  const T* bias = nullptr;            // GP, in gate order
  const T* recurrent_bias = nullptr;  // P; gru: of the candidate's recurrent sum
  bool remember = false;              // otherwise gates holds nothing of use afterwards

  // -- state and output
  const T* h_prev = nullptr;  // rows x h_stride: what the product reads
  Index h_stride = 0;
  const T* h_old = nullptr;  // rows x P: what the cell itself reads of the last output; most do not
  const T* c_prev = nullptr;  // rows x P, of the LSTMs
  T* h = nullptr;             // rows x P; may not alias h_prev
  // rows x P. LSTM: the new cell state, may alias c_prev. gru: receives the candidate's recurrent
  // sum. gru_reset: receives r * h, which gru_candidate's product reads.
  T* c = nullptr;
  T* y = nullptr;  // rows x H, or null
  Index y_stride = 0;

  // -- order, and several steps in one call
  // Last panel first. Steps that take turns find in the cache what the one before read last.
  bool last_first = false;
  // So many steps one after another, of which the pointers are the first one's: each reads what the
  // one before wrote, and finds the rest this far behind. More than one needs a cell that is not
  // general, and all hidden units.
  Index steps = 1;
  Index gates_step = 0, x_step = 0, y_step = 0, c_step = 0;
  Index h_step = 0;  // 0: h_prev and h change places

  // -- work beside one row's step
  // One row's recurrent product waits for the weights to come through the caches. Meanwhile the
  // multiply-add units do a part of the projection of rows to come: of `ahead`, whose columns are
  // those of `gates`, the groups [ahead_begin, ahead_begin + ahead_share), but none from ahead_end
  // on; the next step goes on behind them. A group has CellKernels::ahead_columns columns. Needs
  // rows == 1 and CellKernels::ahead_rows rows of ahead; no rows: nothing to do.
  ProductArgs<T> ahead;
  Index ahead_begin = 0, ahead_end = 0, ahead_share = 0;

  // -- read by general cells alone
  const CellOptions<T>* options = nullptr;
  StepPart part = StepPart::all;  // layer normalisation
  T* candidate = nullptr;         // rows x P: receives the cell state before zoneout; or null
  // Part output: the output is made of shown * shown_scale + shown_bias (rows x P, P, P).
  const T* shown = nullptr;
  const T* shown_scale = nullptr;
  const T* shown_bias = nullptr;
  // Zoneout: how much of the old value stays, rows x P each, keep_stride apart; or null.
  const T* keep_h = nullptr;
  const T* keep_c = nullptr;
  Index keep_stride = 0;
  // Recurrent dropout: h times mask (rows x P) goes to `recur` (rows x P); or null.
  const T* mask = nullptr;
  T* recur = nullptr;
};

/// The pointwise half of one step backward; the product with the recurrent weights follows it.
template <class T>
struct StepBackwardArgs {
  // -- size, and what the step read and wrote; see StepArgs
  Index rows = 0, hidden_size = 0, unit_begin = 0, unit_end = 0;
  const T* h_old = nullptr;   // rows x P
  const T* c_prev = nullptr;  // rows x P
  const T* c = nullptr;       // rows x P

  // -- gradients
  // rows x P: in from the step after, to which the product's result was added; out what reaches
  // the output of the step before past the recurrent product. LSTMs without zoneout leave it.
  T* dh = nullptr;
  const T* dy = nullptr;  // rows x H: from the layer above, or null
  Index dy_stride = 0;
  T* dc = nullptr;  // rows x P, of the LSTMs: in for c, out for c_prev
  // First half of a step: in the gradient of what the second half's product read, rows x P.
  const T* d_reset = nullptr;
  // Second half: receives what it finds for the gates of the first, see BackwardSite::hand_on.
  T* handed_on = nullptr;
  T* gates = nullptr;  // rows x GP: in as the step left them, out gradients before activation
  // rows x recurrent_stride: receives, of the cells whose recurrent sums have other gradients than
  // their inputs, those of the recurrent sums; in gate order of the gates that this kind has.
  T* recurrent_gates = nullptr;
  Index recurrent_stride = 0;

  // What the next call will read, to be fetched into the cache: gates, c_prev, dy; or null.
  const T* next_gates = nullptr;
  const T* next_c = nullptr;
  const T* next_dy = nullptr;

  // -- read by general cells alone: what StepArgs has under the name
  const CellOptions<T>* options = nullptr;
  StepPart part = StepPart::all;
  const T* candidate = nullptr;  // the cell state before zoneout, or null: it is c
  const T* shown = nullptr;      // part output: the output was made of shown * scale + bias
  const T* shown_scale = nullptr;
  const T* shown_bias = nullptr;
  // rows x P, part output: receives the gradient of what the output was made of; part cell: in,
  // what it means for the cell state.
  T* d_candidate = nullptr;
  const T* keep_h = nullptr;
  const T* keep_c = nullptr;
  Index keep_stride = 0;
  const T* mask = nullptr;  // with it, d_recur (rows x P) times mask is added to dh
  const T* d_recur = nullptr;
};

template <class T>
struct CellKernels {
  Index gates;          // G
  Index ahead_rows;     // see StepArgs; 0: this set has too few registers
  Index ahead_columns;  // that a group has
  bool direct;          // whether it writes StepBackwardArgs::dh; else that is left as it was
  bool general;         // whether it reads CellOptions
  void (*step)(const StepArgs<T>&);
  void (*step_backward)(const StepBackwardArgs<T>&);
};

}  // namespace lstm_native
