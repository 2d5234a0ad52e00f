// The tiles that cells share, one for each number of gates and sums. A cell that has others adds a
// line at the end.
#include "kernels/cell_kernels.hpp"
#include "kernels/recurrent_step.hpp"

namespace lstm_native {
namespace LN_ISA {

template <class Called, class T>
void run_called_steps(const StepArgs<T>& s, const StepLayout<Called, T>& layout) {
  run_steps(s, layout);
}

template <class T, int Gates, int Sums>
using Layout = StepLayout<CalledCell<Gates, Sums>, T>;

template void run_called_steps(const StepArgs<float>&, const Layout<float, 1, 1>&);
template void run_called_steps(const StepArgs<double>&, const Layout<double, 1, 1>&);
template void run_called_steps(const StepArgs<float>&, const Layout<float, 2, 2>&);
template void run_called_steps(const StepArgs<double>&, const Layout<double, 2, 2>&);
template void run_called_steps(const StepArgs<float>&, const Layout<float, 3, 3>&);
template void run_called_steps(const StepArgs<double>&, const Layout<double, 3, 3>&);
template void run_called_steps(const StepArgs<float>&, const Layout<float, 3, 4>&);
template void run_called_steps(const StepArgs<double>&, const Layout<double, 3, 4>&);
template void run_called_steps(const StepArgs<float>&, const Layout<float, 4, 4>&);
template void run_called_steps(const StepArgs<double>&, const Layout<double, 4, 4>&);

}  // namespace LN_ISA
}  // namespace lstm_native
