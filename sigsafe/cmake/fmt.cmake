# Whether sigsafe::fmt is built, in sigsafe_has_fmt, and with which fmt, in sigsafe_fmt_version.

set(SIGSAFE_FMT AUTO
    CACHE STRING "Build sigsafe::fmt, formatted output for handlers: ON, OFF, or AUTO: with fmt")
set_property(CACHE SIGSAFE_FMT PROPERTY STRINGS AUTO ON OFF)

set(sigsafe_fmt_version)
if(NOT SIGSAFE_FMT)
  return()
endif()
if(NOT TARGET fmt::fmt)
  find_package(fmt 9 QUIET)
  set(sigsafe_fmt_version ${fmt_VERSION})
endif()
if(TARGET fmt::fmt)
  set(sigsafe_has_fmt ON)
elseif(SIGSAFE_FMT STREQUAL AUTO)
  message(STATUS "SKIPPED sigsafe::fmt: fmt 9 or newer was not found (Debian: libfmt-dev)")
else()
  message(FATAL_ERROR "SIGSAFE_FMT is ${SIGSAFE_FMT}, but fmt 9 or newer was not found. Install it "
                      "(Debian: libfmt-dev), set fmt_DIR, or set SIGSAFE_FMT to OFF")
endif()
