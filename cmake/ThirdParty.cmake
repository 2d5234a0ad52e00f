# Eigen and nlohmann json: header-only, needed to build and not to use the library.
#
# Looked for in the Python packages eigency and nlohmann_json of the building interpreter, then in
# third_party/ (which an sdist carries), then with find_package. Sets
#   LN_EIGEN_INCLUDE  LN_EIGEN_VERSION  LN_EIGEN_LICENSES
#   LN_JSON_INCLUDE   LN_JSON_VERSION   LN_JSON_LICENSES

set(LN_EIGEN_MINIMUM 5.0.1)
set(LN_JSON_MINIMUM 3.11.2)

find_package(Python 3.10 COMPONENTS Interpreter QUIET)

# ln_python_package(<out> <name>): the folder of an installed package, found without importing it.
function(ln_python_package out name)
  set(${out} "" PARENT_SCOPE)
  if(Python_Interpreter_FOUND)
    execute_process(
      COMMAND ${Python_EXECUTABLE} -c
        "import importlib.util as u; s = u.find_spec('${name}'); s and print(list(s.submodule_search_locations)[0], end='')"
      OUTPUT_VARIABLE _dir RESULT_VARIABLE _status ERROR_QUIET)
    if(_status EQUAL 0)
      file(TO_CMAKE_PATH "${_dir}" _dir)
      set(${out} "${_dir}" PARENT_SCOPE)
    endif()
  endif()
endfunction()

# ln_header_version(<out> <file> <macro>...): "X.Y.Z" from the file's #define lines.
function(ln_header_version out file)
  set(_numbers "")
  foreach(_macro IN LISTS ARGN)
    file(STRINGS "${file}" _line REGEX "#define +${_macro} +[0-9]+" LIMIT_COUNT 1)
    if(_line MATCHES "${_macro} +([0-9]+)")
      list(APPEND _numbers ${CMAKE_MATCH_1})
    endif()
  endforeach()
  list(JOIN _numbers "." _version)
  set(${out} "${_version}" PARENT_SCOPE)
endfunction()

function(ln_eigen_version out include)
  if(EXISTS "${include}/Eigen/Version")
    ln_header_version(_version "${include}/Eigen/Version"
                      EIGEN_MAJOR_VERSION EIGEN_MINOR_VERSION EIGEN_PATCH_VERSION)
  else()  # Eigen 3 numbers itself otherwise
    ln_header_version(_version "${include}/Eigen/src/Core/util/Macros.h"
                      EIGEN_WORLD_VERSION EIGEN_MAJOR_VERSION EIGEN_MINOR_VERSION)
  endif()
  set(${out} "${_version}" PARENT_SCOPE)
endfunction()

function(ln_json_version out include)
  set(_file "${include}/nlohmann/detail/abi_macros.hpp")
  if(NOT EXISTS "${_file}")
    set(_file "${include}/nlohmann/json.hpp")
  endif()
  ln_header_version(_version "${_file}" NLOHMANN_JSON_VERSION_MAJOR NLOHMANN_JSON_VERSION_MINOR
                    NLOHMANN_JSON_VERSION_PATCH)
  set(${out} "${_version}" PARENT_SCOPE)
endfunction()

# ln_installed_include(<out> <package> <target>): the include folder find_package knows.
function(ln_installed_include out package target)
  set(${out} "" PARENT_SCOPE)
  find_package(${package} CONFIG QUIET)
  if(TARGET ${target})
    get_target_property(_include ${target} INTERFACE_INCLUDE_DIRECTORIES)
    foreach(_dir IN LISTS _include)
      string(REGEX REPLACE "^\\$<[A-Z_]+:(.*)>$" "\\1" _dir "${_dir}")
      if(EXISTS "${_dir}")
        set(${out} "${_dir}" PARENT_SCOPE)
      endif()
    endforeach()
  endif()
endfunction()

# ln_check_headers(<EIGEN|JSON> <header> <include folder>): takes the folder when none has been
# taken, the header is there and it is new enough; notes in LN_<what>_SEEN what was too old.
function(ln_check_headers what header include)
  if(LN_${what}_INCLUDE OR NOT EXISTS "${include}/${header}")
    return()
  endif()
  if(what STREQUAL "EIGEN")
    ln_eigen_version(_version "${include}")
  else()
    ln_json_version(_version "${include}")
  endif()
  if(_version VERSION_LESS LN_${what}_MINIMUM)
    set(LN_${what}_SEEN "${LN_${what}_SEEN} ${_version} was found in ${include}." PARENT_SCOPE)
  else()
    set(LN_${what}_INCLUDE "${include}" PARENT_SCOPE)
    set(LN_${what}_VERSION "${_version}" PARENT_SCOPE)
  endif()
endfunction()

# ln_vendor(<into> <version> <folder> [<licence file>...]): copies headers and licences, once per
# version. Builds from Python packages use such a copy, because the folder of an isolated
# build environment is a new one each time, and its name in a compile command rebuilds everything.
function(ln_vendor into version folder)
  set(_have "")
  if(EXISTS "${into}/VERSION")
    file(READ "${into}/VERSION" _have)
  endif()
  if(NOT _have STREQUAL version)
    file(REMOVE_RECURSE "${into}")
    file(COPY "${folder}" DESTINATION "${into}/include" PATTERN "__pycache__" EXCLUDE)
    if(ARGN)
      file(COPY ${ARGN} DESTINATION "${into}/licenses")
    endif()
    file(WRITE "${into}/VERSION" "${version}")
  endif()
endfunction()

set(_carried "${PROJECT_SOURCE_DIR}/third_party")
if(SKBUILD_STATE STREQUAL "sdist")
  set(_vendor_dir "${_carried}")
else()
  set(_vendor_dir "${PROJECT_BINARY_DIR}/third_party")
endif()
set(LN_EIGEN_INCLUDE "")
set(LN_JSON_INCLUDE "")

# Eigen
ln_python_package(_eigency eigency)
if(_eigency)
  ln_check_headers(EIGEN Eigen/Core "${_eigency}/eigen")
  if(LN_EIGEN_INCLUDE)
    file(GLOB _licenses "${_eigency}/eigen/COPYING.*")
    ln_vendor("${_vendor_dir}/eigen" ${LN_EIGEN_VERSION} "${_eigency}/eigen/Eigen" ${_licenses})
    set(LN_EIGEN_INCLUDE "${_vendor_dir}/eigen/include")
  endif()
endif()
ln_check_headers(EIGEN Eigen/Core "${_carried}/eigen/include")
if(NOT LN_EIGEN_INCLUDE AND NOT SKBUILD_STATE STREQUAL "sdist")
  ln_installed_include(_installed Eigen3 Eigen3::Eigen)
  ln_check_headers(EIGEN Eigen/Core "${_installed}")
endif()
if(NOT LN_EIGEN_INCLUDE)
  message(FATAL_ERROR
    "lstm_native needs the headers of Eigen ${LN_EIGEN_MINIMUM} or newer.${LN_EIGEN_SEEN}\n"
    "Either 'pip install eigency==5.0.1.1' for the interpreter that CMake uses "
    "(-DPython_EXECUTABLE=...; now '${Python_EXECUTABLE}'), or install Eigen and name its place "
    "with -DEigen3_DIR=<prefix>/share/eigen3/cmake.")
endif()
file(GLOB LN_EIGEN_LICENSES "${LN_EIGEN_INCLUDE}/../licenses/COPYING.*")

# nlohmann json
ln_python_package(_nlohmann nlohmann_json)
if(_nlohmann)
  ln_check_headers(JSON nlohmann/json.hpp "${_nlohmann}/include")
  if(LN_JSON_INCLUDE)
    file(GLOB _licenses "${_nlohmann}-${LN_JSON_VERSION}.dist-info/licenses/LICENSE*")
    ln_vendor("${_vendor_dir}/nlohmann_json" ${LN_JSON_VERSION} "${_nlohmann}/include/nlohmann"
              ${_licenses})
    set(LN_JSON_INCLUDE "${_vendor_dir}/nlohmann_json/include")
  endif()
endif()
ln_check_headers(JSON nlohmann/json.hpp "${_carried}/nlohmann_json/include")
if(NOT LN_JSON_INCLUDE AND NOT SKBUILD_STATE STREQUAL "sdist")
  ln_installed_include(_installed nlohmann_json nlohmann_json::nlohmann_json)
  ln_check_headers(JSON nlohmann/json.hpp "${_installed}")
endif()
if(NOT LN_JSON_INCLUDE)
  message(FATAL_ERROR
    "lstm_native needs the headers of nlohmann json ${LN_JSON_MINIMUM} or newer."
    "${LN_JSON_SEEN}\nEither 'pip install nlohmann-json==3.12.0' for the interpreter that CMake "
    "uses (-DPython_EXECUTABLE=...; now '${Python_EXECUTABLE}'), or install it and name its "
    "place with -Dnlohmann_json_DIR=<folder of nlohmann_jsonConfig.cmake>.")
endif()
file(GLOB LN_JSON_LICENSES "${LN_JSON_INCLUDE}/../licenses/LICENSE*")

message(STATUS "Eigen ${LN_EIGEN_VERSION}: ${LN_EIGEN_INCLUDE}")
message(STATUS "nlohmann json ${LN_JSON_VERSION}: ${LN_JSON_INCLUDE}")
