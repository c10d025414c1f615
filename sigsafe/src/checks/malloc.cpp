// Memory. In an object of its own: a program that has a malloc of its own already, as with a
// sanitizer that is linked statically, takes nothing of this from the archive.
#include <cstddef>

#include <sigsafe/src/checks/interpose.hpp>

using std::size_t;

SIGSAFE_CHECKS(void*, malloc, (size_t size), size)
SIGSAFE_CHECKS(void*, calloc, (size_t count, size_t size), count, size)
SIGSAFE_CHECKS(void*, realloc, (void* memory, size_t size), memory, size)
SIGSAFE_CHECKS(void*, reallocarray, (void* memory, size_t count, size_t size), memory, count, size)
SIGSAFE_CHECKS(void*, aligned_alloc, (size_t alignment, size_t size), alignment, size)
SIGSAFE_CHECKS(void*, memalign, (size_t alignment, size_t size), alignment, size)
SIGSAFE_CHECKS(int, posix_memalign, (void** memory, size_t alignment, size_t size), memory,
               alignment, size)
SIGSAFE_CHECKS(void, free, (void* memory), memory)
