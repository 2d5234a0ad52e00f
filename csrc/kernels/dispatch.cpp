#include "kernels/dispatch.hpp"

#include <atomic>
#include <cstdlib>
#include <type_traits>

#include "lstm_native/error.hpp"

namespace lstm_native {

// The build defines LN_HAVE_<SET> for each set it compiles.
#ifdef LN_HAVE_AVX512
namespace avx512 {
extern const KernelSet kernel_set;
}
#endif
#ifdef LN_HAVE_AVX2
namespace avx2 {
extern const KernelSet kernel_set;
}
#endif
#ifdef LN_HAVE_NEON
namespace neon {
extern const KernelSet kernel_set;
}
#endif
#ifdef LN_HAVE_GENERIC
namespace generic {
extern const KernelSet kernel_set;
}
#endif

namespace {

// The processor must have all that the build's -march level may use.
#if defined(LN_HAVE_AVX2) || defined(LN_HAVE_AVX512)
bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}
#endif
#ifdef LN_HAVE_AVX512
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}
#endif
#if defined(LN_HAVE_NEON) || defined(LN_HAVE_GENERIC)
bool always() { return true; }
#endif

const InstructionSet* find(const std::string& name) {
  for (const InstructionSet& set : compiled_sets())
    if (set.supported() && (name == "auto" || name == set.name)) return &set;
  if (available_sets().empty()) {
    std::string compiled;
    for (const InstructionSet& set : compiled_sets()) compiled += std::string(" ") + set.name;
    throw InvalidArgument("this processor has none of the instruction sets of this build:" +
                          compiled);
  }
  std::string names = "auto";
  for (const std::string& available : available_sets()) names += ", " + available;
  throw InvalidArgument("unknown or unsupported instruction set '" + name + "': expected one of " +
                        names);
}

std::atomic<const InstructionSet*> active{nullptr};

}  // namespace

const std::vector<InstructionSet>& compiled_sets() {
  // Never destroyed: a thread may compute while the program ends.
  static const auto& sets = *new std::vector<InstructionSet>{
#ifdef LN_HAVE_AVX512
#ifdef LN_HAVE_AVX2
      {"avx512", has_avx512, &avx512::kernel_set, &avx2::kernel_set},
#else
      {"avx512", has_avx512, &avx512::kernel_set, nullptr},
#endif
#endif
#ifdef LN_HAVE_AVX2
      {"avx2", has_avx2, &avx2::kernel_set, nullptr},
#endif
#ifdef LN_HAVE_NEON
      {"neon", always, &neon::kernel_set, nullptr},
#endif
#ifdef LN_HAVE_GENERIC
      {"generic", always, &generic::kernel_set, nullptr},
#endif
  };
  return sets;
}

std::vector<std::string> available_sets() {
  std::vector<std::string> names;
  for (const InstructionSet& set : compiled_sets())
    if (set.supported()) names.emplace_back(set.name);
  return names;
}

const InstructionSet& active_set() {
  const InstructionSet* set = active.load(std::memory_order_acquire);
  if (!set) {
    const char* wanted = std::getenv("LSTM_NATIVE_ISA");
    set = find(wanted && *wanted ? wanted : "auto");
    active.store(set, std::memory_order_release);
  }
  return *set;
}

void use_set(const std::string& name) { active.store(find(name), std::memory_order_release); }

namespace {

template <class T>
const KernelTable<T>& table_of(const KernelSet& set) {
  if constexpr (std::is_same_v<T, float>)
    return set.f32;
  else
    return set.f64;
}

}  // namespace

template <class T>
const KernelTable<T>& kernels() {
  return table_of<T>(*active_set().kernels);
}

template <class T>
const KernelTable<T>& kernels_for(Index width) {
  const InstructionSet& set = active_set();
  if (set.narrower && width <= table_of<T>(*set.narrower).lanes) return table_of<T>(*set.narrower);
  return table_of<T>(*set.kernels);
}

template const KernelTable<float>& kernels();
template const KernelTable<double>& kernels();
template const KernelTable<float>& kernels_for(Index);
template const KernelTable<double>& kernels_for(Index);

}  // namespace lstm_native
