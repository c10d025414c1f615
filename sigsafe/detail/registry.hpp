// The process-wide table of handlers, and what its readers - the trampolines - need of it.
//
// A handler's node lies in the handler object, so it must not be touched any more when that
// object's destructor has returned. A trampoline pins a node before it calls it: the walk to the
// node is a read section that ends of removal wait for (they are a few instructions long), the pin
// is a count in the node that its own end waits for (it lasts as long as the user's handler).
//
// A fork can happen at any moment of other threads. What they had counted, and the lock that they
// held, must not be found in the child: all of that lies in a page that a fork wipes, or carries
// the stamp of the process that wrote it. The list itself is whole at every step, because it
// changes by one store at a time.
#pragma once

#include <signal.h>

#include <atomic>
#include <cstdint>

#include <sigsafe/detail/export.hpp>
#include <sigsafe/detail/location.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/raw_lock.hpp>
#include <sigsafe/signal_info.hpp>

namespace sigsafe::detail {

/// How many threads are inside a handler, in which process: 32 bits stamp, 1 bit "its end waits",
/// 31 bits count. A word with the stamp of another process counts nothing.
class pin_count {
 public:
  void pin(std::uint32_t stamp) noexcept;
  /// True when this was the last one and the end waits. The node may be gone when this returns.
  [[nodiscard]] bool unpin(std::uint32_t stamp) noexcept;
  /// True when nobody is inside; else notes that the end waits.
  [[nodiscard]] bool drained(std::uint32_t stamp) noexcept;

 private:
  std::atomic<std::uint64_t> word_{0};
};

struct handler_node {
  using invoke_function = void (*)(handler_node&, const signal_info&) noexcept;

  handler_node(int signal, invoke_function function, handler_options options,
               location where) noexcept
      : invoke(function), signal_number(signal), wanted(options), registered_at(where) {}

  std::atomic<handler_node*> older{nullptr};
  invoke_function invoke;
  int signal_number;
  handler_options wanted;
  location registered_at;
  std::uint32_t registered_in = 0;  // the stamp of the process
  std::uint64_t sequence = 0;       // grows with each registration
  pin_count inside;
};

/// Registers the node: std::system_error when the signal cannot be handled; nothing has changed
/// then.
SIGSAFE_API void attach(handler_node& node);

/// Ends the registration and waits until no other thread is inside.
SIGSAFE_API void detach(handler_node& node) noexcept;

/// One frame of the handlers that run on a thread, linked from the innermost out.
struct running_handler {
  running_handler* outer;
  const handler_node* node;  // null while a foreign handler is called by chaining
  int signal;
};

enum class dispatch { ran, nobody };

/// Runs the handlers of a signal, newest first, and then what stood there before them if one of
/// them chains. Everything maskable is blocked. `nobody` when there is no handler for it.
dispatch run_handlers(int signal, siginfo_t& info, void* context) noexcept;

/// What the kernel calls. handler.cpp enters it into the table; in deferral.cpp it
/// decides between running, deferring and queueing again.
extern "C" SIGSAFE_API void sigsafe_abi1_trampoline(int signal, siginfo_t* info, void* context);

/// Does for a signal that nobody handles what the disposition before sigsafe's says.
void run_previous(int signal, siginfo_t& info, void* context) noexcept;

/// A number that differs from those of all processes that this one was forked from; never 0.
std::uint32_t process_stamp() noexcept;

/// Sends the signal to this thread again, with exactly this siginfo. Panics when the kernel
/// refuses: a signal is never lost in silence.
void requeue(const siginfo_t& info) noexcept;

}  // namespace sigsafe::detail
