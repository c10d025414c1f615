# src/abi.S is assembled for the machine that the C++ compiler compiles for, also where a build says
# only to the compiler which one that is.

if(NOT SIGSAFE_HOSTED)
  return()
endif()

if(NOT DEFINED CMAKE_ASM_COMPILER)
  set(CMAKE_ASM_COMPILER ${CMAKE_CXX_COMPILER})
  set(CMAKE_ASM_COMPILER_ARG1 "${CMAKE_CXX_COMPILER_ARG1}")
endif()
if(NOT DEFINED CMAKE_ASM_COMPILER_TARGET AND CMAKE_CXX_COMPILER_TARGET)
  set(CMAKE_ASM_COMPILER_TARGET ${CMAKE_CXX_COMPILER_TARGET})
endif()
enable_language(ASM)

separate_arguments(flags NATIVE_COMMAND "${CMAKE_CXX_FLAGS}")
list(FILTER flags INCLUDE REGEX "^(-m|--target=)")
list(JOIN flags " " flags)
string(APPEND CMAKE_ASM_FLAGS " ${flags}")
