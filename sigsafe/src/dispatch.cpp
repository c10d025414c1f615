#include <sigsafe/src/dispatch.hpp>

#include <signal.h>

#include <atomic>
#include <cstdint>

#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/crash.hpp>
#include <sigsafe/src/disposition.hpp>
#include <sigsafe/src/fault_watch.hpp>
#include <sigsafe/src/mask.hpp>
#include <sigsafe/src/passing.hpp>
#include <sigsafe/src/pins.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/running.hpp>
#include <sigsafe/src/sleepers.hpp>
#include <sigsafe/src/slots.hpp>
#include <sigsafe/src/stops.hpp>
#include <sigsafe/src/system/system.hpp>
#include <sigsafe/src/table.hpp>
#include <sigsafe/src/undeferrable.hpp>

namespace sigsafe::detail {
namespace {

// What came of the handlers of a signal.
struct outcome {
  bool ran = false;
  bool chain = false;      // one wants what stood there before to follow
  bool drop = false;       // one has just gone, and wants the signal ignored
  bool passed_on = false;  // they run on another thread
  bool reports = false;    // one is for crashes
  bool quiet = false;      // they are not deferrable

  outcome& operator|=(outcome other) noexcept {
    ran |= other.ran;
    chain |= other.chain;
    drop |= other.drop;
    passed_on |= other.passed_on;
    reports |= other.reports;
    quiet |= other.quiet;
    return *this;
  }
};

// A foreign function runs as it asked to: with the mask of what the kernel interrupted, and what it
// wants blocked itself. The thread looks as it did there, so the guards of that function block.
class as_interrupted_scope {
 public:
  as_interrupted_scope(const void* frame, std::uint64_t mask) noexcept {
    current_thread().eager.decrement();  // that of run_now
    set_mask_of(frame, signal_set::from_bits(mask));
  }
  as_interrupted_scope(const as_interrupted_scope&) = delete;
  as_interrupted_scope& operator=(const as_interrupted_scope&) = delete;
  ~as_interrupted_scope() {
    block(signal_set::maskable());
    current_thread().eager.increment();
    handler_fence();
  }
};

void call_previous(const slot& of, disposition previous, int signal, siginfo_t& info, void* context,
                   const void* frame) noexcept {
  const running_scope running{nullptr, signal};
  if (frame == nullptr) {
    previous.call(signal, info, context);
    return;
  }
  const as_interrupted_scope open{frame, of.previous_mask.load(std::memory_order_relaxed)};
  previous.call(signal, info, context);
}

void run_previous(int signal, siginfo_t& info, void* context, const void* frame,
                  std::uint32_t continued) noexcept {
  slot& here = table.slots[signal];
  const disposition previous = here.previous.load(std::memory_order_acquire);
  if (previous.is_ignored()) return;
  if (previous.is_default()) {
    take_default_action(info, continued);
    return;
  }
  if (here.previous_is_one_shot.load(std::memory_order_relaxed))
    here.previous.store({}, std::memory_order_release);
  call_previous(here, previous, signal, info, context, frame);
}

// As if the trampoline had never stood there: the frame is that of what did. One that cannot be
// queued, and a fault, has this frame.
bool give_to_disposition(int signal, const siginfo_t& info) noexcept {
  if (!SIGSAFE_FRAME_IS_KNOWN || !signal_set::maskable().contains(signal)) return false;
  {
    const registration_lock registering;
    if (!leave_empty_slot(signal)) return false;
  }
  return is_over(signal, continues()) || system::queue_to_this_thread(info) == 0;
}

// The handlers have gone while the signal was on its way, or other code has put the trampoline
// back, or chains to it.
void run_unhandled(int signal, siginfo_t& info, void* context, const void* frame) noexcept {
  if (frame != nullptr && give_to_disposition(signal, info)) return;
  if (!table.slots[signal].ends_ignored.load(std::memory_order_acquire))
    run_previous(signal, info, context, frame, continues());
}

// Crash handlers have their turn when the others have dealt with the signal, or have not.
enum class turn { handlers, crash_handlers };

// Runs one handler, if it is for this process and is to be called now.
outcome run_one(handler_node& node, const signal_info& info, std::uint32_t generation,
                turn now) noexcept {
  handler_base& handler = *node.owner;
  if (handler.invoke == nullptr) return {};
  if (handler.reports_crashes != (now == turn::crash_handlers))
    return {.reports = handler.reports_crashes};
  const handler_options& wanted = handler.wanted;
  if (node.registered_in != generation && !wanted.in_child) return {};
  const bool quiet = is_undeferrable(node);
  if (pass_on(target_of(node, generation), info.native()))
    return {.passed_on = true, .quiet = quiet};
  // Two threads may have come this far. For the second the handler has gone already.
  if (wanted.once && handler.called.exchange(1, std::memory_order_relaxed) != 0)
    return {.drop = wanted.at_end == at_end::ignore};
  {
    const running_scope running{&node, node.signal_number};
    handler.invoke(handler, info);
  }
  if (wanted.once) {
    const registration_lock registering;
    retire(handler);
  }
  return {.ran = true, .chain = wanted.chain, .quiet = quiet};
}

// Pins a handler before it unpins the one that ran, and goes on from there.
outcome run_all(handler_node* node, const signal_info& info, std::uint32_t generation,
                turn whose) noexcept {
  outcome all;
  while (node != nullptr) {
    all |= run_one(*node, info, generation, whose);
    const std::uint32_t now = process_generation();  // another one after a fork in the handler
    handler_node* const next = all.passed_on ? nullptr : pin_older(*node, now);
    unpin(*node, generation);
    generation = now;
    node = next;
  }
  return all;
}

void report_crash(int signal, const signal_info& info) noexcept {
  const crash_report reporting{info};
  const std::uint32_t generation = process_generation();
  run_all(pin_newest(table.slots[signal], generation), info, generation, turn::crash_handlers);
}

// What stood there before sigsafe is called instead of the default action: it may repair what has
// failed. When it does not, it is not called for ever, and the crash is reported once: not `again`.
void crash(int signal, siginfo_t& info, void* context, const void* frame, fault_watch& watch,
           bool again) noexcept {
  const disposition previous = table.slots[signal].previous.load(std::memory_order_acquire);
  const bool has_previous = !previous.is_default() && !previous.is_ignored();
  if (is_reporting_crash()) {
    report_crash_while_reporting();
  } else {
    if (!has_previous || !again) report_crash(signal, signal_info{info, context});
    if (has_previous) run_previous(signal, info, context, frame, continues());
    if (has_previous && !watch.is_hopeless()) return;
  }
  end_process(info, frame != nullptr, watch.fails_again());
}

dispatched run_registered(int signal, siginfo_t& info, void* context, const void* frame) noexcept {
  if (signal_set::maskable().contains(signal)) restore_code(info);
  const std::uint32_t generation = process_generation();
  const std::uint32_t continued = continues();
  handler_node* const newest = pin_newest(table.slots[signal], generation);
  if (newest == nullptr) return dispatched::no_handler;
  fault_watch watch{signal, info, context};
  const outcome all = run_all(newest, signal_info{info, context}, generation, turn::handlers);
  const dispatched how = all.quiet ? dispatched::ran_quietly : dispatched::ran;
  if (all.passed_on) return how;
  const bool chains = all.chain || !(all.ran || all.drop);
  const bool hopeless = !chains && watch.is_hopeless();
  if (all.reports && (chains || hopeless || signal == SIGABRT))
    crash(signal, info, context, frame, watch, chains && watch.is_again());
  else if (chains)
    run_previous(signal, info, context, frame, continued);
  else if (hopeless)
    take_default_action(info, continued);
  return how;
}

}  // namespace

bool needs_frame(int signal) noexcept {
  return table.slots[signal].needs_frame.load(std::memory_order_relaxed);
}

dispatched run_handlers(int signal, siginfo_t& info) noexcept {
  const eager_scope eager;
  const dispatched outcome = run_registered(signal, info, nullptr, nullptr);
  if (outcome != dispatched::ran_quietly) announce_arrival(signal);
  return outcome;
}

void run_now(int signal, siginfo_t& info, void* context, const void* frame) noexcept {
  const eager_scope eager;
  const dispatched outcome = run_registered(signal, info, context, frame);
  if (outcome == dispatched::no_handler) run_unhandled(signal, info, context, frame);
  if (outcome != dispatched::ran_quietly) announce_arrival(signal);
}

void run_without_handlers(int signal, siginfo_t& info) noexcept {
  const eager_scope eager;
  run_unhandled(signal, info, nullptr, nullptr);
}

void run_beneath(int signal, siginfo_t& info, void* context) noexcept {
  if (chaining_here(signal) == chaining::beneath) return;
  slot& here = table.slots[signal];
  const passage through = passage_through(here, process_generation());
  const disposition beneath = here.beneath_previous.load(std::memory_order_acquire);
  if (through == passage::one_does_not || beneath.is_ignored()) return;
  if (beneath.is_default()) {
    if (through == passage::nobody_here) take_default_action(info, continues());
    return;
  }
  const running_scope running{nullptr, -signal};
  beneath.call(signal, info, context);
}

}  // namespace sigsafe::detail
