// Two shared objects, linked in the ordinary way.
#include "check.hpp"

extern "C" view first();
extern "C" view second();

int main() {
  check(first(), second());
  check(second(), first());
}
