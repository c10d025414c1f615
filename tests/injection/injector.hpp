// Sends signals to this thread, or lets another one act, at chosen instructions of a function that
// it calls.
//
// Breakpoints are written into the program's own code. The handler of a breakpoint runs with
// everything blocked and sends the signal, so that the kernel delivers it when that handler
// returns: before the instruction at which the breakpoint stands, and under the mask that the
// thread has there.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <tests/injection/architecture.hpp>
#include <tests/injection/other_thread.hpp>

namespace injection {

/// One signal, or several that come together; or the other thread's turn.
struct burst {
  struct arrival {
    int signal;
    int payload;  ///< 0: sent as by kill; else queued with this value
  };
  std::span<const arrival> arrivals;
  turn other = turn::never;
};

/// A burst at the instruction that a trace holds at this index.
struct shot {
  std::uint32_t index;
  const burst* what;
};

/// An instruction that a run executed.
struct step {
  address where;
  /// All of the later signals are blocked, and it makes no system call: one of them becomes pending
  /// unseen, whether it comes here or at the next instruction.
  bool pends;
};

/// The instructions that a run executed, in order; handlers' and the C library's too.
class trace {
 public:
  [[nodiscard]] std::uint32_t size() const noexcept {
    return static_cast<std::uint32_t>(steps_.size());
  }
  [[nodiscard]] address operator[](std::uint32_t index) const noexcept { return steps_[index]; }
  /// Does a later signal at this instruction do what it does at the next one?
  [[nodiscard]] bool is_as_the_next(std::uint32_t index) const noexcept {
    return index + 1 < size() && pends_[index];
  }
  [[nodiscard]] const std::vector<address>& steps() const noexcept { return steps_; }

  void assign(std::span<const step> steps);

  /// The last index up to `to` whose instruction is not executed between `from` (-1: the start) and
  /// it.
  [[nodiscard]] std::uint32_t reachable(std::int64_t from, std::uint32_t to) const noexcept;

 private:
  std::vector<address> steps_;
  std::vector<bool> pends_;
  std::vector<std::int64_t> previous_;  // the index of the same instruction before, or -1
};

/// A process has one. All of it is for one thread, the first one.
class injector {
 public:
  static constexpr std::uint32_t most_steps = 1 << 17;

  /// Takes over SIGTRAP and makes the program's code writable.
  injector();
  injector(const injector&) = delete;
  injector& operator=(const injector&) = delete;

  /// A function that the kernel may call as a handler; a trace follows it.
  void add_entry(address function);

  /// The one that gets turns.
  void set_other(other_thread* other) noexcept { other_ = other; }
  /// What to send when the operation comes to a sleeping system call with no signal sent yet.
  void set_waker(const burst* waker) noexcept { waker_ = waker; }
  /// The signals of which a trace says where they would only become pending; none at first.
  void set_later(std::uint64_t mask) noexcept { later_ = mask; }
  [[nodiscard]] bool is_later(const burst& what) const noexcept;

  /// Runs operation and records its trace behind the shot, or its whole trace without one: `at`
  /// then holds the first instruction. With a waker, `slept` is the index where it was sent.
  struct learned {
    trace steps;
    std::int64_t slept = -1;
    bool reached = true;  // the shot
    bool fits = true;     // the trace is not too long
  };
  learned learn(void (*operation)(void*), void* argument, const trace* before = nullptr,
                const shot* at = nullptr);

  /// A shot and the trace that its index belongs to. The trace of the second one is what was
  /// learned behind the first one, whose instruction has the index 0.
  struct aimed {
    const trace* steps;
    shot what;
  };
  /// Runs operation with these shots; returns how many of them were reached.
  int run(void (*operation)(void*), void* argument, std::span<const aimed> shots);

  /// Ends the run; for a child that the operation forked, as else the operation's return does.
  /// Returns how many shots were reached.
  int finish() noexcept;
  /// The trace that is being learned.
  [[nodiscard]] std::span<const step> recorded() const noexcept {
    return {recorded_.data(), recorded_count_};
  }

  [[nodiscard]] static address begin_of_operation() noexcept;
  [[nodiscard]] static address end_of_operation() noexcept;
  /// The operation between the two marks that debuggers and tracers look for.
  static void call(void (*operation)(void*), void* argument);
  /// The mark behind the operation, for a child that does not return from it.
  static void mark_end();

 private:
  /// A place on the way, which is not executed between the place before and it.
  struct stop {
    const trace* steps;
    std::uint32_t index;
    const burst* what;  // null: nothing is sent here

    [[nodiscard]] address where() const noexcept { return (*steps)[index]; }
  };
  enum class mode { off, seeking, learning };
  static constexpr int most_planted = 4;
  static constexpr int most_entries = 16;

  static void write(address where, architecture::code code) noexcept;
  static void trap(int, siginfo_t* info, void* context) noexcept;
  void handle(ucontext_t& context) noexcept;
  void arrive(ucontext_t& context) noexcept;
  void record(ucontext_t& context) noexcept;
  [[nodiscard]] bool pends(const ucontext_t& context) const noexcept;
  void plant(address where) noexcept;
  void plant_entries(bool in, address except) noexcept;
  void clear() noexcept;
  void send(const burst& what) noexcept;

  void add_stops(const trace& steps, std::int64_t from, const shot& what);
  void start();

  mode mode_ = mode::off;
  std::vector<stop> stops_;
  std::size_t next_stop_ = 0;
  int sent_ = 0;
  bool learns_ = false;
  struct planted {
    address where;
    architecture::code original;
    bool is_in;
  };
  planted planted_[most_planted]{};  // for one step
  int planted_count_ = 0;
  planted entries_[most_entries]{};  // as long as something is stepped
  int entry_count_ = 0;
  other_thread* other_ = nullptr;
  const burst* waker_ = nullptr;
  std::uint64_t later_ = 0;
  std::int64_t slept_ = -1;
  std::vector<step> recorded_;
  std::uint32_t recorded_count_ = 0;
};

}  // namespace injection
