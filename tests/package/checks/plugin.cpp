#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <thread>

namespace {

// The dynamic linker is locked here.
const struct loaded {
  loaded() {
    std::thread{[] {
      const std::time_t time = 0;
      char text[100];
      if (std::strftime(text, sizeof(text), "%c", std::gmtime(&time)) == 0) std::abort();
    }}.join();
  }
} at_load;

}  // namespace

extern "C" {

void nothing() {}
// By way of a function of the C library.
void allocate() {
  char* volatile copy = strdup("allocated");  // or compilers leave it out
  std::free(copy);
}
void print() { std::printf("%d\n", 1); }

}  // extern "C"
