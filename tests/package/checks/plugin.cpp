#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {

void nothing() {}
// By way of a function of the C library.
void allocate() { std::free(strdup("allocated")); }
void print() { std::printf("%d\n", 1); }

}  // extern "C"
