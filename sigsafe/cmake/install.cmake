# The install rules, the CMake package and the pkg-config file.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/sigsafe)

set(targets sigsafe_freestanding)
if(SIGSAFE_HOSTED)
  list(APPEND targets sigsafe sigsafe_checks)
endif()
install(
  TARGETS ${targets}
  EXPORT sigsafe-targets
  FILE_SET HEADERS
  FILE_SET processors)
install(
  EXPORT sigsafe-targets
  NAMESPACE sigsafe::
  DESTINATION ${config_dir})
# The same package in the build tree, for -Dsigsafe_DIR=<build>/sigsafe.
export(
  EXPORT sigsafe-targets
  NAMESPACE sigsafe::
  FILE sigsafe-targets.cmake)

if(sigsafe_has_fmt)
  install(TARGETS sigsafe_fmt EXPORT sigsafe-fmt-targets FILE_SET HEADERS)
  install(
    EXPORT sigsafe-fmt-targets
    NAMESPACE sigsafe::
    DESTINATION ${config_dir})
  export(
    EXPORT sigsafe-fmt-targets
    NAMESPACE sigsafe::
    FILE sigsafe-fmt-targets.cmake)
endif()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/sigsafe-config.cmake.in sigsafe-config.cmake
                              INSTALL_DESTINATION ${config_dir})
if(SIGSAFE_HOSTED)
  set(architecture)
else()
  set(architecture ARCH_INDEPENDENT)
endif()
write_basic_package_version_file(sigsafe-config-version.cmake COMPATIBILITY SameMinorVersion
                                 ${architecture})
set(package_files sigsafe-config.cmake sigsafe-config-version.cmake)
if(SIGSAFE_HOSTED)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/sigsafe-static-pie.cmake sigsafe-static-pie.cmake
                 COPYONLY)
  list(APPEND package_files sigsafe-static-pie.cmake)
endif()
list(TRANSFORM package_files PREPEND ${CMAKE_CURRENT_BINARY_DIR}/)
install(FILES ${package_files} DESTINATION ${config_dir})

if(NOT SIGSAFE_HOSTED)
  return()
endif()

# Paths relative to the file itself, so that the installed tree can move.
function(sigsafe_set_relative variable path)
  cmake_path(RELATIVE_PATH path BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
  set(${variable} ${path} PARENT_SCOPE)
endfunction()
sigsafe_set_relative(SIGSAFE_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
sigsafe_set_relative(SIGSAFE_PC_LIBDIR ${CMAKE_INSTALL_FULL_LIBDIR})
sigsafe_set_relative(SIGSAFE_PC_INCLUDEDIR ${CMAKE_INSTALL_FULL_INCLUDEDIR})
if(SIGSAFE_CHECKED)
  set(SIGSAFE_PC_DEFINITIONS " -DSIGSAFE_CHECKED=1")
endif()
list(TRANSFORM CMAKE_DL_LIBS PREPEND -l OUTPUT_VARIABLE SIGSAFE_PC_DL)
set(packages sigsafe sigsafe-checks)
if(sigsafe_has_fmt)
  list(APPEND packages sigsafe-fmt)
endif()
foreach(package IN LISTS packages)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/${package}.pc.in ${package}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${package}.pc
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
