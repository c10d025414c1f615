// What threads and handlers do together, for any kit.
#pragma once

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

#include <sigsafe/condition_variable.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>

#include <tests/stress/kit.hpp>
#include <tests/stress/stage.hpp>
#include <tests/support/sanitizers.hpp>

namespace stress {

/// Lives in a child process. Its workers call operate again and again, handlers interrupt.
class scenario {
 public:
  scenario() = default;
  scenario(const scenario&) = delete;
  scenario& operator=(const scenario&) = delete;
  virtual ~scenario() = default;

  /// One operation of a worker; it marks its section (see section).
  virtual void operate(stage& on) = 0;
  /// In a handler that nothing should have held off.
  virtual void interrupt(stage& on) noexcept = 0;
  /// When all workers have ended.
  virtual void finish(stage&) {}
};

/// Words that are only ever seen equal.
struct words {
  std::array<std::uint64_t, 8> all{};

  void change(stage& on) noexcept {
    if (!whole()) on.torn();
    for (std::size_t i = 0; i < all.size(); ++i) {
      // A plain update, half of which a handler or another thread would see.
      all[i] += 1;
      std::atomic_signal_fence(std::memory_order_seq_cst);
      if (i == all.size() / 2) on.inside();
    }
  }
  [[nodiscard]] bool whole() const noexcept {
    return std::all_of(all.begin(), all.end(), [&](std::uint64_t each) { return each == all[0]; });
  }
};

/// Many words in a mutex.
template <class Kit>
class shared_words : public scenario {
 public:
  void operate(stage& on) override {
    in_section(shared_, [&](words& all) {
      all.change(on);
      ++changes_;
    });
  }
  void interrupt(stage& on) noexcept override {
    const auto locked = shared_.lock();
    locked->change(on);
    ++changes_;
  }
  void finish(stage& on) override {
    if (shared_.get_mut().all[0] != changes_) on.violation("changes of the words were lost");
  }

 private:
  typename Kit::template mutex<words> shared_;
  count changes_{0};
};

/// Numbers go through a ring in their order.
template <class Kit>
class ring : public scenario {
 public:
  void operate(stage& on) override {
    in_section(shared_, [&](state& numbers) {
      numbers.push(on);
      numbers.pop(on);
    });
  }
  void interrupt(stage& on) noexcept override {
    const auto locked = shared_.lock();
    locked->push(on);
    locked->pop(on);
  }

 private:
  struct state {
    static constexpr std::size_t size = 16;
    std::array<std::uint64_t, size> items{};
    std::uint64_t pushed = 0, popped = 0;
    void push(stage& on) noexcept {
      if (pushed - popped >= size) return on.torn();
      const std::uint64_t number = pushed;
      items[number % size] = number;
      on.inside();
      pushed = number + 1;
    }
    void pop(stage& on) noexcept {
      const std::uint64_t number = popped;
      if (pushed == number || items[number % size] != number) on.torn();
      on.inside();
      popped = number + 1;
    }
  };
  typename Kit::template mutex<state> shared_;
};

/// Nodes are taken from a list and put back; nobody gets one that somebody has.
template <class Kit>
class free_list : public scenario {
 public:
  void operate(stage& on) override { take_and_put_back(on, true); }
  void interrupt(stage& on) noexcept override { take_and_put_back(on, false); }
  void finish(stage& on) override {
    state& end = shared_.get_mut();
    std::size_t length = 0;
    for (unsigned at = end.first; at != none && length <= end.nodes.size(); at = end.nodes[at].next)
      ++length;
    if (length != end.nodes.size())
      on.violation("nodes of the free list are missing or twice in it");
  }

 private:
  static constexpr unsigned none = ~0U;
  struct node {
    unsigned next;
    count users{0};
  };
  struct state {
    std::array<node, 2048> nodes;
    unsigned first = 0;
    state() noexcept {
      for (unsigned i = 0; i < nodes.size(); ++i)
        nodes[i].next = i + 1 < nodes.size() ? i + 1 : none;
    }
  };

  void take_and_put_back(stage& on, bool in_worker) noexcept {
    const unsigned mine = with_list(in_worker, [&](state& list) {
      const unsigned taken = list.first;
      if (taken != none) list.first = list.nodes[taken].next;
      return taken;
    });
    if (mine == none) return on.torn();
    node& taken = shared_.get_mut().nodes[mine];
    if (taken.users.fetch_add(1) != 0) on.torn();
    taken.users.fetch_sub(1);
    with_list(in_worker, [&](state& list) {
      list.nodes[mine].next = list.first;
      on.inside();
      list.first = mine;
      return mine;
    });
  }

  template <class F>
  unsigned with_list(bool in_worker, F use) noexcept {
    return in_worker ? in_section(shared_, use) : use(*shared_.lock());
  }

  typename Kit::template mutex<state> shared_{std::in_place};
};

/// A text of one letter and its length.
template <class Kit>
class text : public scenario {
 public:
  void operate(stage& on) override {
    in_section(shared_, [&](state& written) {
      written.check(on);
      written.write(on, static_cast<char>('a' + here.next_random() % 26), here.next_random() % 100);
    });
  }
  void interrupt(stage& on) noexcept override {
    const auto locked = shared_.lock();
    locked->check(on);
    locked->write(on, 'Z', 30);
  }

 private:
  struct state {
    std::array<char, 128> letters{};
    std::size_t length = 0;
    void check(stage& on) const noexcept {
      for (std::size_t i = 0; i < length; ++i)
        if (letters[i] != letters[0]) return on.torn();
      if (letters[length] != '\0') on.torn();
    }
    void write(stage& on, char letter, std::size_t size) noexcept {
      for (std::size_t i = 0; i < size; ++i) letters[i] = letter;
      on.inside();
      letters[size] = '\0';
      std::atomic_signal_fence(std::memory_order_seq_cst);
      length = size;
    }
  };
  typename Kit::template mutex<state> shared_;
};

/// Words in a cell of each thread.
template <class Kit>
class local_words : public scenario {
 public:
  void operate(stage& on) override {
    section held;
    {
      const auto borrowed = cell_.borrow_mut();
      held.begins();
      borrowed->change(on);
      held.ends();
    }
  }
  void interrupt(stage& on) noexcept override { cell_.borrow_mut()->change(on); }

 private:
  static inline constinit thread_local typename Kit::template ref_cell<words> cell_;
};

/// Two locks and a borrow that are released in every order.
template <class Kit>
class any_order : public scenario {
 public:
  void operate(stage& on) override {
    section held;
    auto one = one_.lock();
    held.begins();
    auto two = two_.lock();
    auto local = cell_.borrow_mut();
    one->change(on);
    two->change(on);
    local->change(on);
    const auto end = [&](std::uint64_t which) {
      if (which == 0) one.unlock();
      if (which == 1) two.unlock();
      if (which == 2) static_cast<void>(typename Kit::template ref_mut<words>{std::move(local)});
    };
    const std::uint64_t first = here.next_random() % 3;
    const std::uint64_t second = (first + 1 + here.next_random() % 2) % 3;
    on.inside();
    end(first);
    on.inside();
    end(second);
    on.inside();
    held.ends();
    end(3 - first - second);
  }
  void interrupt(stage& on) noexcept override {
    one_.lock()->change(on);
    cell_.borrow_mut()->change(on);
  }

 private:
  typename Kit::template mutex<words> one_, two_;
  static inline constinit thread_local typename Kit::template ref_cell<words> cell_;
};

/// Eager, lazy and the kit's own guards and locks in each other.
template <class Kit>
class mixture : public scenario {
 public:
  void operate(stage& on) override {
    section held;
    {
      const typename Kit::guard outer;
      held.begins();
      on.inside();
      const std::uint64_t inner = here.next_random() % 3;
      if (inner == 0) {
        const sigsafe::guard eager;
        on.inside();
      } else if (inner == 1) {
        const sigsafe::lazy::guard lazy;
        on.inside();
      } else {
        eager_.lock()->change(on);
        lazy_.lock()->change(on);
      }
      on.inside();
      held.ends();
    }
  }
  void interrupt(stage& on) noexcept override {
    eager_.lock()->change(on);
    lazy_.lock()->change(on);
  }

 private:
  sigsafe::mutex<words> eager_;
  sigsafe::lazy::mutex<words> lazy_;
};

/// Threads pass tokens through a condition variable; handlers look at them, and notify it.
template <class Kit>
class condition : public scenario {
 public:
  void operate(stage& on) override {
    using namespace std::chrono_literals;
    std::unique_lock lock{mutex_};
    if (!has_token_.wait_for(lock, 1ms, [&] { return tokens_ > 0; })) return;
    {
      section held;
      held.begins();
      move_token(tokens_, in_use_, on);
      held.ends();
      lock.unlock();
    }
    {
      section held;
      lock.lock();
      held.begins();
      move_token(in_use_, tokens_, on);
      held.ends();
      lock.unlock();
    }
    has_token_.notify_one();
  }
  void interrupt(stage& on) noexcept override {
    const std::unique_lock lock{mutex_};
    if (tokens_ + in_use_ != all) on.torn();
    has_token_.notify_all();
  }
  void finish(stage& on) override {
    if (tokens_ != all || in_use_ != 0) on.violation("tokens were lost");
  }

 private:
  static void move_token(int& from, int& to, stage& on) noexcept {
    --from;
    on.inside();
    ++to;
  }

  static constexpr int all = 1;
  typename Kit::raw_mutex mutex_;
  sigsafe::condition_variable has_token_;
  int tokens_ = all;
  int in_use_ = 0;
};

/// Two locks in each other; and a holder that waits for a handler of a thread that waits for it.
template <class Kit>
class contention : public scenario {
 public:
  void operate(stage& on) override {
    {
      section held;
      const auto outer = outer_.lock();
      held.begins();
      change_both(*outer, on);
      held.ends();
    }
    // Whoever waits for another lock is deaf. ThreadSanitizer delivers nothing to who sleeps in
    // one.
    if constexpr (sigsafe::waitable_lock<typename Kit::lock> && !test::under_thread_sanitizer)
      ask_who_waits();
  }
  void interrupt(stage& on) noexcept override { change_both(*outer_.lock(), on); }
  void finish(stage& on) override {
    if (outer_.get_mut().all != inner_.get_mut().all)
      on.violation("changes of the words were lost");
  }

 private:
  void change_both(words& outer, stage& on) noexcept {
    outer.change(on);
    inner_.lock()->change(on);
  }

  // Handlers leave this lock alone, and who waits for it holds nothing: so the answer comes.
  void ask_who_waits() noexcept {
    worker& self = workers_[here.index];
    self.thread = pthread_self();
    self.waits = true;
    const std::lock_guard held{asked_in_};
    self.waits = false;
    for (worker& other : workers_) {
      if (!other.waits) continue;
      other.answered = false;
      pthread_kill(other.thread, signal);
      while (!other.answered) sched_yield();
      return;
    }
  }

  static constexpr int signal = SIGURG;
  struct worker {
    std::atomic<pthread_t> thread{};
    std::atomic<bool> waits{false}, answered{false};
  };
  struct answer {
    std::array<worker, most_workers>* workers;
    void operator()() const noexcept { (*workers)[here.index].answered = true; }
  };

  typename Kit::template mutex<words> outer_, inner_;
  typename Kit::raw_mutex asked_in_;
  std::array<worker, most_workers> workers_{};
  sigsafe::handler<answer> handler_{signal, answer{&workers_}};
};

/// Handlers come and go while they run elsewhere: none runs after its removal.
template <class Kit>
class churn : public scenario {
 public:
  void operate(stage& on) override {
    raise(signal);
    auto* const alive = &alive_[here.index];
    alive->store(true);
    {
      std::optional<sigsafe::handler<watch>> mine;
      mine.emplace(signal, watch{alive, &on});
      section held;
      {
        const typename Kit::guard off;
        held.begins();
        on.inside();
        held.ends();
      }
      if (Kit::ends_early) {
        alive->store(false);
        raise(signal);
      }
    }
    alive->store(false);
  }
  void interrupt(stage&) noexcept override { kill(getpid(), signal); }

 private:
  static constexpr int signal = SIGURG;  // which a program ignores in between
  struct watch {
    std::atomic<bool>* alive;
    stage* on;
    void operator()() const noexcept {
      if (!alive->load()) on->torn();
    }
  };
  std::array<std::atomic<bool>, most_workers> alive_{};
};

/// Children of a fork inside a lock find the state whole and can go on with it.
template <class Kit>
class forks : public scenario {
 public:
  void operate(stage& on) override {
    in_section(shared_, [&](words& all) { all.change(on); });
    if (here.next_random() % 64 != 0) return;
    const pid_t child = fork_inside(on);
    if (child > 0 && end_of(child) != 0) on.torn();
  }
  void interrupt(stage& on) noexcept override { shared_.lock()->change(on); }

 private:
  pid_t fork_inside(stage& on) noexcept {
    const pid_t parent = getpid();
    section held;
    auto locked = shared_.lock();
    held.begins();
    on.inside();
    const pid_t child = fork();
    if (child == 0) {
      end_with(parent);
      const bool whole = locked->whole();
      locked.unlock();
      _exit(whole && shared_.lock()->whole() ? 0 : 1);
    }
    held.ends();
    locked.unlock();
    return child;
  }

  typename Kit::template mutex<words> shared_;
};

/// Sections that last until much has come.
template <class Kit>
class long_sections : public scenario {
 public:
  void operate(stage& on) override {
    in_section(shared_, [&](words& all) {
      const std::uint64_t end = now() + 1'000'000;
      do all.change(on);
      while (now() < end);
    });
    // The lock is not fair: who takes it again at once leaves nobody else a chance.
    constexpr timespec a_moment{0, 200'000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &a_moment, nullptr);
  }
  void interrupt(stage& on) noexcept override { shared_.lock()->change(on); }

 private:
  typename Kit::template mutex<words> shared_;
};

}  // namespace stress
