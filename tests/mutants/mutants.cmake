# The catalogue of mutants: broken copies of the library, each a patch with one fault. README.md
# says what a patch contains. The suites ask here for their mutants:
#
#   sigsafe_mutants(<suite> <variable>)              the names of the patches of a suite
#   sigsafe_mutant_field(<name> <field> <variable>)  a field of the header; a list of several; or
#                                                    empty
#   sigsafe_mutant_files(<name> <variable>)          the files that it changes, from the project's
#                                                    root
#   sigsafe_mutant_tree(<name> <tree>)               copies of these files below <tree>, changed,
#                                                    when <tree>/applied is built
#   sigsafe_mutant_sources(<name> <tree> <variable>) what of the library is to be compiled anew: the
#                                                    copies of sources, and each source that a
#                                                    changed header reaches
#
# A patch that no longer applies leaves the copies as they are and says so in <tree>/rejected, for
# ./demand_failure to report: it fails its own test, not the configuration and not the build.

include_guard(GLOBAL)

set(sigsafe_mutant_suites unit injection freestanding package shield)
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

# sigsafe_headers_of(<source> <variable>): the library's headers that a source includes, directly or
# not, from the project's root.
function(sigsafe_headers_of source variable)
  set(found)
  set(next ${source})
  while(next)
    list(POP_FRONT next file)
    file(STRINGS ${PROJECT_SOURCE_DIR}/${file} includes REGEX "^#include <sigsafe/")
    list(TRANSFORM includes REPLACE "^#include <([^>]+)>.*" "\\1")
    list(REMOVE_ITEM includes ${found})
    list(APPEND found ${includes})
    list(APPEND next ${includes})
  endwhile()
  set(${variable} ${found} PARENT_SCOPE)
endfunction()

get_property(sources GLOBAL PROPERTY sigsafe_sources)
get_property(sources_with_fmt GLOBAL PROPERTY sigsafe_fmt_sources)
foreach(source IN LISTS sources sources_with_fmt)
  cmake_path(RELATIVE_PATH source BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
  sigsafe_headers_of(${source} headers)
  foreach(header IN LISTS headers)
    set_property(GLOBAL APPEND PROPERTY sigsafe_reached_by_${header} ${source})
  endforeach()
endforeach()

function(sigsafe_mutant_sources name tree variable)
  sigsafe_mutant_files(${name} files)
  set(found)
  foreach(file IN LISTS files)
    if(NOT file MATCHES "\\.(h|hpp)$")
      list(APPEND found ${tree}/${file})
      continue()
    endif()
    get_property(reached GLOBAL PROPERTY sigsafe_reached_by_${file})
    list(REMOVE_ITEM reached ${files})
    list(TRANSFORM reached PREPEND ${PROJECT_SOURCE_DIR}/)
    list(APPEND found ${reached})
  endforeach()
  list(REMOVE_DUPLICATES found)
  set(${variable} ${found} PARENT_SCOPE)
endfunction()
