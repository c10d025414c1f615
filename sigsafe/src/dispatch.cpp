#include <sigsafe/src/dispatch.hpp>

#include <signal.h>

#include <atomic>
#include <cstdint>
#include <limits>

#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/src/disposition.hpp>
#include <sigsafe/src/fault_watch.hpp>
#include <sigsafe/src/pins.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/running.hpp>
#include <sigsafe/src/sleepers.hpp>
#include <sigsafe/src/slots.hpp>
#include <sigsafe/src/stops.hpp>
#include <sigsafe/src/table.hpp>

namespace sigsafe::detail {
namespace {

// What came of the handlers of a signal.
struct outcome {
  bool ran = false;
  bool chain = false;  // one wants what stood there before to follow
  bool drop = false;   // one has just gone, and wants the signal ignored

  outcome& operator|=(outcome other) noexcept {
    ran |= other.ran;
    chain |= other.chain;
    drop |= other.drop;
    return *this;
  }
};

void run_previous(int signal, siginfo_t& info, void* context, std::uint32_t continued) noexcept {
  slot& here = table.slots[signal];
  const disposition previous = here.previous.load(std::memory_order_acquire);
  if (previous.is_ignored()) return;
  if (previous.is_default()) {
    if (!is_over(signal, continued)) take_default_action(info);
    return;
  }
  if (here.previous_is_one_shot.load(std::memory_order_relaxed))
    here.previous.store({}, std::memory_order_release);
  const running_scope running{nullptr, signal};
  previous.call(signal, info, context);
}

// The handlers have gone while the signal was on its way, or other code chains to the trampoline.
void run_unhandled(int signal, siginfo_t& info, void* context) noexcept {
  if (!table.slots[signal].ends_ignored.load(std::memory_order_acquire))
    run_previous(signal, info, context, continues());
}

// Runs one handler, if it is for this process and is to be called now.
outcome run_one(handler_node& node, const signal_info& info, std::uint32_t generation) noexcept {
  handler_base& handler = *node.owner;
  if (handler.invoke == nullptr) return {};
  const handler_options& wanted = handler.wanted;
  if (node.registered_in != generation && !wanted.in_child) return {};
  // Two threads may have come this far. For the second the handler has gone already.
  if (wanted.once && handler.called.exchange(true, std::memory_order_relaxed))
    return {.drop = wanted.at_end == at_end::ignore};
  {
    const running_scope running{&node, node.signal_number};
    handler.invoke(handler, info);
  }
  if (wanted.once) {
    const registration_lock registering;
    retire(handler);
  }
  return {.ran = true, .chain = wanted.chain};
}

dispatched run_registered(int signal, siginfo_t& info, void* context) noexcept {
  // A foreign handler that sigsafe chains to may chain to what it found, which was sigsafe.
  if (is_chaining_here(signal)) return dispatched::ran;
  slot& here = table.slots[signal];
  const std::uint32_t generation = process_generation();
  const signal_info view{info, context};
  const std::uint32_t continued = continues();
  fault_watch watch{signal, info, context};
  bool found = false;
  outcome all;
  std::uint64_t below = std::numeric_limits<std::uint64_t>::max();
  while (handler_node* const node = pin_next(here, below, generation)) {
    found = true;
    below = node->sequence;
    const bool last = node->older.load(std::memory_order_relaxed) == nullptr;
    all |= run_one(*node, view, generation);
    unpin(*node, generation);
    if (last) break;
  }
  if (!found) return dispatched::no_handler;
  if (all.chain || !(all.ran || all.drop))
    run_previous(signal, info, context, continued);
  else if (watch.is_hopeless())
    take_default_action(info);
  return dispatched::ran;
}

}  // namespace

dispatched run_handlers(int signal, siginfo_t& info, void* context) noexcept {
  const eager_scope eager;
  const dispatched outcome = run_registered(signal, info, context);
  announce_arrival(signal);
  return outcome;
}

void run_now(int signal, siginfo_t& info, void* context) noexcept {
  const eager_scope eager;
  if (run_registered(signal, info, context) == dispatched::no_handler)
    run_unhandled(signal, info, context);
  announce_arrival(signal);
}

}  // namespace sigsafe::detail
