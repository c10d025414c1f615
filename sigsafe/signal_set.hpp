// A set of signals as a value.
#pragma once

#include <sigsafe/config.hpp>

#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace sigsafe {

/// A set of signals: 64 bits, the layout of the kernel's own mask, where bit n - 1 is signal n. A
/// number outside 1 to 64 belongs to no set: inserting and erasing it changes nothing.
/// Safety:   async-signal-safe; as thread-safe as an integer
/// Cost:     8 bytes; every operation is a few instructions but for those that say otherwise
/// Source:   POSIX.1-2024 sigemptyset, sigaddset, sigismember
class signal_set {
 public:
  using value_type = int;

  constexpr signal_set() noexcept = default;

  constexpr signal_set(std::initializer_list<int> signals) noexcept {
    for (int signal : signals) insert(signal);
  }

  /// The signals of a sigset_t.
  explicit signal_set(const sigset_t& native) noexcept {
    __builtin_memcpy(&bits_, &native, sizeof(bits_));
  }

  static constexpr signal_set from_bits(std::uint64_t bits) noexcept {
    signal_set set;
    set.bits_ = bits;
    return set;
  }

  /// Every signal of the system, without those that the C library keeps for itself.
  static constexpr signal_set all() noexcept;

  /// The synchronous faults: blocking one makes the kernel kill the process instead of running its
  /// crash handler.
  static constexpr signal_set faults() noexcept;

  /// What guards hold off: all() without the faults, SIGABRT, SIGKILL and SIGSTOP.
  static constexpr signal_set maskable() noexcept;

  /// The signals that the calling thread blocks now, but for those of the C library: a handler
  /// holds off its cancellation too.
  /// Cost:     one system call
  [[nodiscard]] SIGSAFE_API static signal_set blocked() noexcept;

  /// The signals that wait, blocked, for the calling thread or for its process.
  /// Cost:     one system call
  [[nodiscard]] SIGSAFE_API static signal_set pending() noexcept;

  constexpr signal_set& insert(int signal) noexcept {
    bits_ |= bit(signal);
    return *this;
  }
  constexpr signal_set& erase(int signal) noexcept {
    bits_ &= ~bit(signal);
    return *this;
  }
  constexpr void clear() noexcept { bits_ = 0; }
  constexpr void swap(signal_set& other) noexcept {
    const std::uint64_t mine = bits_;
    bits_ = other.bits_;
    other.bits_ = mine;
  }

  [[nodiscard]] constexpr bool contains(int signal) const noexcept {
    return (bits_ & bit(signal)) != 0;
  }
  [[nodiscard]] constexpr bool contains(signal_set other) const noexcept {
    return (other.bits_ & ~bits_) == 0;
  }
  [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
  [[nodiscard]] constexpr std::size_t size() const noexcept {
    return static_cast<std::size_t>(__builtin_popcountll(bits_));
  }
  [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }

  [[nodiscard]] sigset_t native() const noexcept {
    sigset_t set;
    sigemptyset(&set);
    __builtin_memcpy(&set, &bits_, sizeof(bits_));
    return set;
  }

  constexpr signal_set& operator|=(signal_set other) noexcept {
    bits_ |= other.bits_;
    return *this;
  }
  constexpr signal_set& operator&=(signal_set other) noexcept {
    bits_ &= other.bits_;
    return *this;
  }
  constexpr signal_set& operator^=(signal_set other) noexcept {
    bits_ ^= other.bits_;
    return *this;
  }
  constexpr signal_set& operator-=(signal_set other) noexcept {
    bits_ &= ~other.bits_;
    return *this;
  }
  friend constexpr signal_set operator|(signal_set a, signal_set b) noexcept { return a |= b; }
  friend constexpr signal_set operator&(signal_set a, signal_set b) noexcept { return a &= b; }
  friend constexpr signal_set operator^(signal_set a, signal_set b) noexcept { return a ^= b; }
  friend constexpr signal_set operator-(signal_set a, signal_set b) noexcept { return a -= b; }
  /// Complement within all().
  friend constexpr signal_set operator~(signal_set set) noexcept { return all() - set; }
  friend constexpr bool operator==(signal_set, signal_set) noexcept = default;

  /// Visits the numbers in ascending order.
  class iterator {
   public:
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    using reference = int;
    using pointer = void;

    constexpr iterator() noexcept = default;
    constexpr int operator*() const noexcept { return __builtin_ctzll(rest_) + 1; }
    constexpr iterator& operator++() noexcept {
      rest_ &= rest_ - 1;
      return *this;
    }
    constexpr iterator operator++(int) noexcept {
      const iterator old = *this;
      ++*this;
      return old;
    }
    friend constexpr bool operator==(iterator, iterator) noexcept = default;

   private:
    friend class signal_set;
    constexpr explicit iterator(std::uint64_t rest) noexcept : rest_(rest) {}
    std::uint64_t rest_ = 0;
  };
  using const_iterator = iterator;

  [[nodiscard]] constexpr iterator begin() const noexcept { return iterator{bits_}; }
  [[nodiscard]] constexpr iterator end() const noexcept { return iterator{}; }

 private:
  static constexpr std::uint64_t bit(int signal) noexcept {
    return signal >= 1 && signal <= 64 ? std::uint64_t{1} << (signal - 1) : 0;
  }

  // The C library's own signals, for cancellation, setuid and timers: glibc keeps 32 and 33, musl
  // 34 too. pthread_sigmask filters them; a mask that is written into a signal frame must not
  // contain them either. The unit test compares this with sigfillset.
  static constexpr std::uint64_t reserved() noexcept {
    return SIGSAFE_GLIBC ? bit(32) | bit(33) : bit(32) | bit(33) | bit(34);
  }

  std::uint64_t bits_ = 0;
};

static_assert(sizeof(signal_set) == 8, "the kernel's mask has 64 signals");

// Each is one constant, in a build without optimisation too: guards ask for them.
constexpr signal_set signal_set::all() noexcept {
  constexpr signal_set set = from_bits(~std::uint64_t{0} & ~reserved());
  return set;
}
constexpr signal_set signal_set::faults() noexcept {
  constexpr signal_set set{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
  return set;
}
constexpr signal_set signal_set::maskable() noexcept {
  constexpr signal_set set = all() - faults() - signal_set{SIGABRT, SIGKILL, SIGSTOP};
  return set;
}

}  // namespace sigsafe
