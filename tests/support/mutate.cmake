# Faults for tests to find: texts that are replaced in copies of the library's sources, so the library
# itself knows nothing of them.

# sigsafe_mutate(<name> <source> <copy> <old text> <new text> [<old text> <new text>...])
#
# Writes sigsafe/<source> with the texts replaced to <copy>. When a text does not stand there any more,
# exactly once, configuring stops: the mutant has to follow the code. An empty old text stands for none.
function(sigsafe_mutate name source copy)
  set(original ${PROJECT_SOURCE_DIR}/sigsafe/${source})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${original})
  file(READ ${original} text)
  math(EXPR last "${ARGC} - 1")
  foreach(i RANGE 3 ${last} 2)
    math(EXPR next "${i} + 1")
    set(old "${ARGV${i}}")
    set(new "${ARGV${next}}")
    if(old STREQUAL "")
      continue()
    endif()
    # Exactly once: taking the old text out must shorten the file by its length.
    string(REPLACE "${old}" "" without "${text}")
    string(LENGTH "${text}" length)
    string(LENGTH "${without}" shorter)
    string(LENGTH "${old}" once)
    math(EXPR removed "${length} - ${shorter}")
    if(NOT removed EQUAL once)
      message(FATAL_ERROR "mutant ${name}: the text to replace stands in ${source} not exactly once")
    endif()
    string(REPLACE "${old}" "${new}" text "${text}")
  endforeach()
  file(CONFIGURE OUTPUT ${copy} CONTENT "${text}" @ONLY)
endfunction()
