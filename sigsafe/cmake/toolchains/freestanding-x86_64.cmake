# Programs for x86-64 without an operating system. The compiler is the host's own, g++ or clang++.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
# An interrupt handler would overwrite a red zone, and vector registers.
set(target_flags "-m64 -mno-red-zone -mgeneral-regs-only -fcf-protection=none")
set(CMAKE_ASM_FLAGS_INIT "${target_flags}")
set(CMAKE_CXX_FLAGS_INIT "${target_flags}")
