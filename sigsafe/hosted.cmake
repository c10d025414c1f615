# sigsafe::sigsafe: the headers of sigsafe::freestanding and the hosted ones, with what must exist once per
# process.

find_package(Threads REQUIRED)

add_library(sigsafe)
add_library(sigsafe::sigsafe ALIAS sigsafe)
target_sources(
  sigsafe
  PRIVATE deferral.cpp
          handler.cpp
          panic.cpp
          signal_set.cpp
  PUBLIC FILE_SET
         HEADERS
         BASE_DIRS
         ${PROJECT_SOURCE_DIR}
         FILES
         backend/lazy.hpp
         backend/posix.hpp
         detail/futex.hpp
         detail/registry.hpp
         detail/relaxed.hpp
         detail/signal_name.hpp
         detail/thread_state.hpp
         detail/wait.hpp
         handler.hpp
         handler_options.hpp
         lazy.hpp
         signal_info.hpp
         signal_set.hpp
         sigsafe.hpp
         subset_guard.hpp)
target_link_libraries(sigsafe PUBLIC sigsafe_freestanding Threads::Threads)
sigsafe_set_options(sigsafe)
set_target_properties(
  sigsafe
  PROPERTIES CXX_VISIBILITY_PRESET hidden
             POSITION_INDEPENDENT_CODE ON # the static library, too, is linked into shared objects
             SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
             VERSION ${PROJECT_VERSION}
             VERIFY_INTERFACE_HEADER_SETS ${PROJECT_IS_TOP_LEVEL})

# A program that links the static library shares one state with the plugins that it loads, if they
# find its symbols.
get_target_property(type sigsafe TYPE)
if(type STREQUAL STATIC_LIBRARY)
  set(SIGSAFE_LINK_OPTIONS "-Wl,--export-dynamic-symbol=sigsafe_abi1_*")
  target_link_options(sigsafe INTERFACE ${SIGSAFE_LINK_OPTIONS})
endif()
