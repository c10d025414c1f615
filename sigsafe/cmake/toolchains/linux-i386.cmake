# Programs for Linux on i386, built by a compiler for x86-64 and run by its kernel.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR i386)
# Debian keeps the kernel's headers in its folder for x86-64.
set(CMAKE_CXX_FLAGS_INIT "-m32 -idirafter /usr/include/x86_64-linux-gnu")
