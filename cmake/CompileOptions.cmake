# Flags shared by all targets, and the instruction sets of the target processor.

# ln_compile_options(<target>): warnings, sanitizers, assertions.
function(ln_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_17)
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor)
  if(LSTM_NATIVE_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  # The same expression must round the same way wherever it is compiled.
  target_compile_options(${target} PRIVATE -ffp-contract=off)
  target_compile_definitions(${target} PRIVATE $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
  if(LSTM_NATIVE_SANITIZE)
    target_compile_options(${target} PRIVATE
      -fsanitize=${LSTM_NATIVE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${LSTM_NATIVE_SANITIZE})
    if(LSTM_NATIVE_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # The sanitizer does not model atomic_thread_fence, which Eigen's thread pool uses.
      target_compile_options(${target} PRIVATE -Wno-tsan)
    endif()
  endif()
endfunction()

# LN_BUILD_TYPE: the build type in lower case, and LN_OPTIMISATION: what to compile the core with.
# A build type that nobody gave means a fast library, also in a project that has none.
set(LN_BUILD_TYPE "$<LOWER_CASE:$<CONFIG>>")
set(LN_OPTIMISATION $<$<CONFIG:Release>:-O2>)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  message(STATUS "lstm_native: no CMAKE_BUILD_TYPE is given: compiled as Release (-O2 -DNDEBUG)")
  set(LN_BUILD_TYPE release)
  set(LN_OPTIMISATION -O2 -DNDEBUG)
endif()

# LN_ISAS: the instruction sets to compile kernels for, fastest first.
# LN_ISA_FLAGS_<set>: how. LN_BASELINE_FLAGS: what everything else is compiled for.
string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" _processor)
set(LN_BASELINE_FLAGS "")
if(_processor MATCHES "^(x86_64|amd64)$")
  set(LSTM_NATIVE_BASELINE "x86-64-v2" CACHE STRING
      "Oldest x86-64 processor to run on (a value of -march)")
  set(LN_BASELINE_FLAGS -march=${LSTM_NATIVE_BASELINE})
  set(_isas avx512 avx2 generic)
  set(LN_ISA_FLAGS_generic ${LN_BASELINE_FLAGS})
  set(LN_ISA_FLAGS_avx2 -march=x86-64-v3)
  set(LN_ISA_FLAGS_avx512 -march=x86-64-v4 -mprefer-vector-width=512)
elseif(_processor MATCHES "^(aarch64|arm64)$")
  set(_isas neon)  # part of every 64-bit Arm processor
else()
  set(_isas generic)
endif()
set(LSTM_NATIVE_ISAS "${_isas}" CACHE STRING
    "Instruction sets to compile kernels for, of: ${_isas}. The best that the processor has is used. \
'native': the best of this machine alone, for quick builds while kernels are edited")
if(LSTM_NATIVE_ISAS STREQUAL "native")
  # What the compiler may use here, as it says itself. Its own variable: the cache keeps "native".
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -march=native -dM -E -x c++ /dev/null
                  OUTPUT_VARIABLE _macros)
  list(GET _isas -1 _native)
  if(_macros MATCHES "__AVX2__" AND _macros MATCHES "__FMA__" AND _macros MATCHES "__BMI2__")
    set(_native avx2)
    if(_macros MATCHES "__AVX512VL__" AND _macros MATCHES "__AVX512BW__" AND
       _macros MATCHES "__AVX512DQ__" AND _macros MATCHES "__AVX512CD__")
      set(_native avx512)
    endif()
  endif()
  set(LSTM_NATIVE_ISAS ${_native})
endif()
foreach(_isa IN LISTS LSTM_NATIVE_ISAS)
  if(NOT _isa IN_LIST _isas)
    message(FATAL_ERROR "LSTM_NATIVE_ISAS: expected some of \"${_isas}\" for the processor "
            "'${CMAKE_SYSTEM_PROCESSOR}', got \"${LSTM_NATIVE_ISAS}\"")
  endif()
endforeach()
set(LN_ISAS "")
foreach(_isa IN LISTS _isas)
  if(_isa IN_LIST LSTM_NATIVE_ISAS)
    list(APPEND LN_ISAS ${_isa})
  endif()
endforeach()
if(NOT LN_ISAS)
  message(FATAL_ERROR "LSTM_NATIVE_ISAS: expected at least one of \"${_isas}\", got none")
endif()

# ln_core_options(<target>): for the core and whatever includes its headers. All of these must see
# Eigen alike: under the name that keeps its templates apart from the kernels' and from a static
# user's own Eigen, and compiled for the same processor, which decides the alignment of its types.
function(ln_core_options target)
  ln_compile_options(${target})
  target_compile_options(${target} PRIVATE ${LN_BASELINE_FLAGS} ${LN_OPTIMISATION})
  target_compile_definitions(${target} PRIVATE Eigen=Eigen_core)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/csrc)
  target_include_directories(${target} SYSTEM PRIVATE ${LN_EIGEN_INCLUDE} ${LN_JSON_INCLUDE})
endfunction()
