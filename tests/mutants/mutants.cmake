# The catalogue of mutants: broken copies of the library, each a patch with one fault. README.md
# says what a patch contains. The suites ask here for their mutants:
#
#   sigsafe_mutants(<suite> <variable>)              the names of the patches of a suite
#   sigsafe_mutant_field(<name> <field> <variable>)  a field of the header; a list of several; or
#   empty sigsafe_mutant_files(<name> <variable>)          the files that it changes, from the
#   project's root sigsafe_mutant_tree(<name> <tree>)               copies of these files below
#   <tree>, changed, when
#                                                    <tree>/applied is built
#
# A patch that no longer applies leaves the copies as they are and says so in <tree>/rejected, for
# ./demand_failure to report: it fails its own test, not the configuration and not the build.

include_guard(GLOBAL)

set(sigsafe_mutant_suites unit injection freestanding package)
set(sigsafe_mutant_fields Fault Suite Test Case Options Targets)

function(sigsafe_read_mutant file)
  cmake_path(GET file STEM LAST_ONLY name)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(STRINGS ${file} lines)
  set(number 0)
  foreach(line IN LISTS lines)
    math(EXPR number "${number} + 1")
    if(line MATCHES "^\\+\\+\\+ b/(.*)$")
      set_property(GLOBAL APPEND PROPERTY sigsafe_mutant_files_${name} ${CMAKE_MATCH_1})
    endif()
    get_property(files GLOBAL PROPERTY sigsafe_mutant_files_${name})
    if(files OR line MATCHES "^(diff|index|---|\\+\\+\\+) " OR line STREQUAL "")
      continue()
    endif()
    if(NOT line MATCHES "^([A-Z][a-z]+): +(.+)$" OR NOT CMAKE_MATCH_1 IN_LIST sigsafe_mutant_fields)
      message(FATAL_ERROR "${file}:${number}: this is no line of a mutant's header; the fields are "
                          "${sigsafe_mutant_fields}: ${line}")
    endif()
    set_property(GLOBAL APPEND PROPERTY sigsafe_mutant_${CMAKE_MATCH_1}_${name} "${CMAKE_MATCH_2}")
  endforeach()

  if(NOT files)
    message(FATAL_ERROR "${file}: it contains no diff; write it with git diff")
  endif()
  foreach(field IN ITEMS Fault Suite Case)
    get_property(value GLOBAL PROPERTY sigsafe_mutant_${field}_${name})
    if(NOT value)
      message(FATAL_ERROR "${file}: its header has no line ${field}:")
    endif()
  endforeach()
  get_property(suite GLOBAL PROPERTY sigsafe_mutant_Suite_${name})
  if(NOT suite IN_LIST sigsafe_mutant_suites)
    message(FATAL_ERROR "${file}: there is no suite ${suite}; there are ${sigsafe_mutant_suites}")
  endif()
  set_property(GLOBAL APPEND PROPERTY sigsafe_mutants_${suite} ${name})
endfunction()

file(GLOB patches CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/catalogue/*.patch)
foreach(patch IN LISTS patches)
  sigsafe_read_mutant(${patch})
endforeach()

function(sigsafe_mutants suite variable)
  get_property(names GLOBAL PROPERTY sigsafe_mutants_${suite})
  set(${variable} ${names} PARENT_SCOPE)
endfunction()

function(sigsafe_mutant_field name field variable)
  get_property(value GLOBAL PROPERTY sigsafe_mutant_${field}_${name})
  set(${variable} ${value} PARENT_SCOPE)
endfunction()

function(sigsafe_mutant_files name variable)
  get_property(files GLOBAL PROPERTY sigsafe_mutant_files_${name})
  set(${variable} ${files} PARENT_SCOPE)
endfunction()

function(sigsafe_mutant_tree name tree)
  set(patch ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/catalogue/${name}.patch)
  sigsafe_mutant_files(${name} files)
  list(TRANSFORM files PREPEND ${tree}/ OUTPUT_VARIABLE copies)
  list(TRANSFORM files PREPEND ${PROJECT_SOURCE_DIR}/ OUTPUT_VARIABLE originals)
  add_custom_command(
    OUTPUT ${tree}/applied ${copies}
    COMMAND ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/apply ${PROJECT_SOURCE_DIR} ${patch} ${tree}
    DEPENDS ${patch} ${originals} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/apply
    COMMENT "Applying ${name}.patch"
    VERBATIM)
endfunction()
