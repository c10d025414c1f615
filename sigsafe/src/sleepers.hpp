// Threads that sleep in wait and poll, and how a handler wakes them, whichever thread it runs on.
//
// A handler counts its arrival when the user's function has returned, and then looks for sleepers.
// A sleeper registers, and then compares the count with the one that it has seen. All four accesses
// are sequentially consistent: either the sleeper sees the arrival or the handler sees the sleeper.
//
// What wakes a sleeper is a reserved real-time signal, the wake signal, sent to its thread. It is
// blocked but in the sleep, so it also ends a sleep that has not begun yet. It needs no descriptor,
// which a fork would share, and which somebody might close.
//
// A sleeper's place is a word in memory that a fork wipes: a child finds no sleepers. Not even the
// thread that has forked is one, in a handler or in the function of an open.
//
//   place                   meaning
//   0                       free
//   thread                  its thread sleeps, or is about to
//   thread | told           a handler is about to send the signal; one is enough
//   thread | told | sent    it has sent it
#pragma once

#include <sigsafe/config.hpp>

#include <atomic>
#include <cstdint>

namespace sigsafe::detail {

/// Places for sleepers. More are made as they are needed, and none is ever given back.
struct sleeper_block {
  static constexpr std::uint32_t size = 1000;

  std::atomic<std::uint32_t> used;  // the places that were ever taken
  std::atomic<std::uint32_t> places[size];
  std::atomic<sleeper_block*> more;
};

/// The calling thread is a sleeper while this lives.
class sleeper {
 public:
  /// Errors:   std::system_error when there is no memory for one more
  sleeper();
  sleeper(const sleeper&) = delete;
  sleeper& operator=(const sleeper&) = delete;
  ~sleeper();

 private:
  std::atomic<std::uint32_t>& place_;
  std::uint32_t generation_;  // of the process in which the place is this thread's
};

/// How many handlers have run, in this process and those that it was forked from; it wraps around.
std::uint32_t arrivals() noexcept;

/// Handlers of this signal have run on this thread: counts that, and wakes who sleeps.
void announce_arrival(int signal) noexcept;

}  // namespace sigsafe::detail
