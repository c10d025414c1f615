# The options that all targets of this project share.

set(sigsafe_warnings
    -Wall
    -Wextra
    -Wpedantic
    -Wshadow
    -Wconversion
    -Wsign-conversion
    -Wold-style-cast
    -Wcast-qual
    -Wcast-align
    -Wnon-virtual-dtor
    -Woverloaded-virtual
    -Wundef)

# Compiles a target of this project as standard C++20 with the warnings that all of them share.
# A function and not an interface target, because a private dependency of an exported library would
# have to be exported too.
function(sigsafe_set_options target)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_features(${target} PRIVATE cxx_std_20)
  set(thread_safety $<$<CXX_COMPILER_ID:Clang,AppleClang>:-Wthread-safety>)
  target_compile_options(
    ${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${sigsafe_warnings};${thread_safety}>
                      $<$<BOOL:${SIGSAFE_WERROR}>:-Werror>)
endfunction()
