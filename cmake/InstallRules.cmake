# Library, headers, package configuration and licences. The Python module installs itself.
include(CMakePackageConfigHelpers)

install(TARGETS lstm_native EXPORT lstm_native_targets
        LIBRARY DESTINATION ${LN_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${LN_INSTALL_LIBDIR}
        RUNTIME DESTINATION ${LN_INSTALL_BINDIR}
        INCLUDES DESTINATION ${LN_INSTALL_INCLUDEDIR})
install(DIRECTORY csrc/include/lstm_native DESTINATION ${LN_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.hpp")

install(EXPORT lstm_native_targets NAMESPACE lstm_native:: FILE lstm_nativeTargets.cmake
        DESTINATION ${LN_INSTALL_CMAKEDIR})
configure_package_config_file(
  cmake/lstm_nativeConfig.cmake.in ${PROJECT_BINARY_DIR}/lstm_nativeConfig.cmake
  INSTALL_DESTINATION ${LN_INSTALL_CMAKEDIR})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/lstm_nativeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lstm_nativeConfig.cmake
              ${PROJECT_BINARY_DIR}/lstm_nativeConfigVersion.cmake
        DESTINATION ${LN_INSTALL_CMAKEDIR})

# For pkg-config (with --static where the library is static). Places are relative to the file, so
# that all may be moved together.
set(LN_INSTALL_PKGCONFIGDIR ${LN_INSTALL_LIBDIR}/pkgconfig)
foreach(_what LIBDIR INCLUDEDIR)
  if(IS_ABSOLUTE "${LN_INSTALL_${_what}}")
    set(LN_PC_${_what} "${LN_INSTALL_${_what}}")
  else()
    set(LN_PC_${_what} "\${prefix}/${LN_INSTALL_${_what}}")
  endif()
endforeach()
if(IS_ABSOLUTE "${LN_INSTALL_LIBDIR}")
  set(LN_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH _up "/prefix/${LN_INSTALL_PKGCONFIGDIR}" "/prefix")
  string(REGEX REPLACE "/$" "" _up "${_up}")
  set(LN_PC_PREFIX "\${pcfiledir}/${_up}")
endif()
configure_file(cmake/lstm_native.pc.in ${PROJECT_BINARY_DIR}/lstm_native.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/lstm_native.pc DESTINATION ${LN_INSTALL_PKGCONFIGDIR})

# Compiled code of Eigen and nlohmann json is part of the library: so are their licences.
install(FILES LICENSE DESTINATION ${LN_INSTALL_LICENSEDIR})
install(FILES ${LN_EIGEN_LICENSES} DESTINATION ${LN_INSTALL_LICENSEDIR}/eigen)
install(FILES ${LN_JSON_LICENSES} DESTINATION ${LN_INSTALL_LICENSEDIR}/nlohmann_json)
