# The options that all targets of this project share.

set(sigsafe_warnings
    -Wall
    -Wextra
    -Wpedantic
    -Wshadow
    -Wconversion
    -Wsign-conversion
    -Wcast-qual
    -Wcast-align
    -Wundef)
set(sigsafe_cxx_warnings ${sigsafe_warnings} -Wold-style-cast -Wnon-virtual-dtor
                         -Woverloaded-virtual)

function(sigsafe_set_warnings target)
  set(thread_safety $<$<CXX_COMPILER_ID:Clang,AppleClang>:-Wthread-safety>)
  target_compile_options(
    ${target} PRIVATE $<$<COMPILE_LANGUAGE:C>:${sigsafe_warnings}>
                      $<$<COMPILE_LANGUAGE:CXX>:${sigsafe_cxx_warnings};${thread_safety}>
                      $<$<BOOL:${SIGSAFE_WERROR}>:-Werror>)
endfunction()

# Compiles a target of this project as standard C++20 with the warnings that all of them share.
# A function and not an interface target, because a private dependency of an exported library would
# have to be exported too.
function(sigsafe_set_options target)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_features(${target} PRIVATE cxx_std_20)
  sigsafe_set_warnings(${target})
endfunction()
