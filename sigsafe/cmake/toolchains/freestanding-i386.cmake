# Programs for i386 without an operating system. The compiler is the host's own, g++ or clang++.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR i386)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
# Debian keeps the kernel's headers in its folder for x86-64.
set(target_flags
    "-m32 -mgeneral-regs-only -fcf-protection=none -idirafter /usr/include/x86_64-linux-gnu")
set(CMAKE_ASM_FLAGS_INIT "${target_flags}")
set(CMAKE_CXX_FLAGS_INIT "${target_flags}")
