// The kernel is the only table of dispositions: what it calls says which handler is meant. So
// threads that race in sigaction, vfork, and whoever saves and restores a disposition without the C
// library need no lock and no care.
#include <sigsafe/shield/library/stubs.hpp>

#include <stddef.h>

#include <utility>  // index_sequence: no code

#include <sigsafe/shield/library/thread_state.hpp>

namespace shield {
namespace {

// Those with an odd number are of handlers with SA_SIGINFO.
handler_function* handlers[most_stubs];

/// The handler that this calls has the kernel's frame, context and stack, and returns to the
/// kernel.
template <size_t Number>
void stub(int signal, siginfo_t* info, void* context) {
  if (here.inside == 0) [[likely]]
    return handlers[Number](signal, info, context);
  arrive(signal, info, context, Number);
}

struct stub_addresses {
  handler_function* all[most_stubs];
};

template <size_t... Numbers>
constexpr stub_addresses make_addresses(std::index_sequence<Numbers...>) noexcept {
  return {{&stub<Numbers>...}};
}
constexpr stub_addresses addresses = make_addresses(std::make_index_sequence<most_stubs>());

}  // namespace

size_t stub_for(handler_function* handler, bool takes_info) noexcept {
  for (size_t i = takes_info ? 1 : 0; i < most_stubs; i += 2) {
    handler_function* known = __atomic_load_n(&handlers[i], __ATOMIC_ACQUIRE);
    if (known == handler) return i;
    if (known != nullptr) continue;
    if (__atomic_compare_exchange_n(&handlers[i], &known, handler, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE) ||
        known == handler)
      return i;
  }
  return no_stub;
}

handler_function* address_of_stub(size_t stub) noexcept { return addresses.all[stub]; }

size_t stub_at(handler_function* address) noexcept {
  for (size_t i = 0; i < most_stubs; ++i)
    if (addresses.all[i] == address) return i;
  return no_stub;
}

handler_function* handler_of(size_t stub) noexcept { return handlers[stub]; }

bool takes_info(size_t stub) noexcept { return stub % 2 != 0; }

}  // namespace shield
