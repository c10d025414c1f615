// Which watched locks are held, and in which orders they are waited for.
#pragma once

#include <sigsafe/config.hpp>

#include <atomic>
#include <cstdint>

namespace sigsafe::detail {

struct lock_watch;
struct running_handler;
struct thread_state;

/// A lock that a thread holds.
struct watched_hold {
  lock_watch* lock;  // null: unused
  const thread_state* thread;
  const running_handler* frame;  // the handler that has taken it; null outside
  const char* file;
  std::uint32_t line;
  std::uint32_t shared;
};

/// Somebody holds one lock and waits for another.
struct watched_order {
  lock_watch* held;  // null: unused, as all behind it are
  lock_watch* wanted;
  const char* file;
  std::uint32_t line;
  std::uint16_t held_shared;
  std::uint16_t wanted_shared;
};

/// A part of the page that a fork wipes: the locks of other threads are not held in a child.
struct watch_tables {
  static constexpr int most_holds = 24;
  static constexpr int most_orders = 72;

  std::atomic<const thread_state*> owner;  // the thread that uses these tables
  std::atomic<std::uint32_t> full;         // which of them was full once; each is told of once
  watched_hold holds[most_holds];
  watched_order orders[most_orders];
};

}  // namespace sigsafe::detail
