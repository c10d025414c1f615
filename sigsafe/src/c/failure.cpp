#include <sigsafe/src/c/failure.hpp>

#include <sigsafe/sigsafe.h>

#include <cstddef>

#include <sigsafe/location.hpp>
#include <sigsafe/panic.hpp>

namespace sigsafe::c {
namespace {

// Initial-exec, so that a first touch in a handler calls nothing. For that there is little room in
// a process that loads objects which each contain the library: some hundred bytes for each.
constinit thread_local char text_of_thread[192] __attribute__((tls_model("initial-exec"))) = "";

constinit sigsafe_panic_function* panic_of_user = nullptr;

void call_panic_of_user(const panic_info& info) noexcept {
  sigsafe_panic_function* const function = __atomic_load_n(&panic_of_user, __ATOMIC_ACQUIRE);
  if (function != nullptr) function(info.what, info.where.file, info.where.line);
}

}  // namespace

int fail(int error, const char* text) noexcept {
  std::size_t size = 0;
  for (; text[size] != '\0' && size < sizeof(text_of_thread) - 1; ++size)
    text_of_thread[size] = text[size];
  text_of_thread[size] = '\0';
  return error;
}

}  // namespace sigsafe::c

const char* sigsafe_error_text() noexcept { return sigsafe::c::text_of_thread; }

void sigsafe_set_panic_function(sigsafe_panic_function* function) noexcept {
  __atomic_store_n(&sigsafe::c::panic_of_user, function, __ATOMIC_RELEASE);
  sigsafe::set_panic_function(function == nullptr ? nullptr : &sigsafe::c::call_panic_of_user);
}
