#include <boost/test/unit_test.hpp>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <tests/support/arrivals.hpp>
#include <tests/support/child.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>
#include <tests/support/sleeping.hpp>
#include <tests/unit/handler_plugin.hpp>

namespace {

using sigsafe::signal_set;

using test::check_in_child;

struct counts {
  std::atomic<int>* calls;
  void operator()() const noexcept { ++*calls; }
};
using counting = sigsafe::handler<counts>;

constexpr sigsafe::handler_options not_in_child{.in_child = false};

/// A way to make a process that no atfork handler sees.
pid_t raw_clone() {
  return static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
}

using way_to_fork = pid_t (*)();
constexpr way_to_fork ways_to_fork[] = {&fork, &_Fork, &raw_clone};

/// Runs function in a new process, which exits with 0 after it; returns its status as of waitpid.
template <class F>
int status_of(way_to_fork way, F function) {
  const pid_t pid = way();
  CHILD_REQUIRE(pid >= 0);
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // the watchdog's
    function();
    _exit(0);
  }
  return test::status_of(pid);
}

bool succeeded(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
bool killed_by(int status, int signal) { return WIFSIGNALED(status) && WTERMSIG(status) == signal; }

bool is_default(int signal) {
  struct sigaction action;
  CHILD_REQUIRE(sigaction(signal, nullptr, &action) == 0);
  return action.sa_handler == SIG_DFL;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(handler_process)

BOOST_AUTO_TEST_CASE(a_program_that_forks_into_the_background_keeps_its_handlers) {
  check_in_child([] {
    std::atomic<int> calls{0};
    const counting on_hup{SIGHUP, counts{&calls}};
    for (way_to_fork way : ways_to_fork)
      CHILD_REQUIRE(succeeded(status_of(way, [&] {
        raise(SIGHUP);
        CHILD_REQUIRE(calls == 1);
        CHILD_REQUIRE(succeeded(status_of(way, [&] {
          raise(SIGHUP);
          CHILD_REQUIRE(calls == 2);
        })));
      })));
  });
}

BOOST_AUTO_TEST_CASE(a_forked_child_that_a_handler_is_not_for_has_what_stood_there_before) {
  static std::atomic<int> foreign_calls{0};
  check_in_child([] {
    std::atomic<int> calls{0};
    signal(SIGUSR1, [](int) { ++foreign_calls; });
    signal(SIGUSR2, SIG_IGN);
    const counting on_usr1{SIGUSR1, counts{&calls}, not_in_child};
    const counting on_usr2{SIGUSR2, counts{&calls}, not_in_child};
    for (way_to_fork way : ways_to_fork)
      CHILD_REQUIRE(succeeded(status_of(way, [&] {
        for (int signal : {SIGUSR1, SIGUSR2}) {
          raise(signal);
          const sigsafe::lazy::guard off;
          raise(signal);
        }
        CHILD_REQUIRE(calls == 0 && foreign_calls == 2);
      })));
    raise(SIGUSR1);
    raise(SIGUSR2);
    CHILD_REQUIRE(calls == 2 && foreign_calls == 0);
  });
}

BOOST_AUTO_TEST_CASE(a_forked_child_takes_the_default_action) {
  check_in_child([] {
    std::atomic<int> calls{0};
    const counting on_usr1{SIGUSR1, counts{&calls}, not_in_child};
    const counting on_winch{SIGWINCH, counts{&calls}, not_in_child};
    const counting on_chld{SIGCHLD, counts{&calls}, not_in_child};
    for (way_to_fork way : ways_to_fork) {
      CHILD_REQUIRE(killed_by(status_of(way, [] { raise(SIGUSR1); }), SIGUSR1));
      CHILD_REQUIRE(succeeded(status_of(way, [&] {
        calls = 0;
        for (int i = 0; i < 2; ++i) {
          raise(SIGWINCH);
          raise(SIGCHLD);
        }
        CHILD_REQUIRE(calls == 0);
      })));
    }
    // The parent handles them as before.
    calls = 0;
    raise(SIGUSR1);
    raise(SIGWINCH);
    CHILD_REQUIRE(calls == 2);
  });
}

BOOST_AUTO_TEST_CASE(a_forked_child_that_defers_a_signal_takes_the_default_action_later) {
  check_in_child([] {
    std::atomic<int> calls{0};
    const counting on_usr1{SIGUSR1, counts{&calls}, not_in_child};
    for (way_to_fork way : ways_to_fork) {
      const int status = status_of(way, [] {
        const sigsafe::lazy::guard off;
        raise(SIGUSR1);
      });
      CHILD_REQUIRE(killed_by(status, SIGUSR1));
      CHILD_REQUIRE(WEXITSTATUS(status_of(way, [] {
                      const sigsafe::lazy::guard off;
                      raise(SIGUSR1);
                      _exit(42);
                    })) == 42);
    }
    CHILD_REQUIRE(calls == 0);
  });
}

BOOST_AUTO_TEST_CASE(a_forked_child_does_not_dispatch_what_its_parent_deferred) {
  check_in_child([] {
    std::atomic<int> calls{0};
    const counting on_usr1{SIGUSR1, counts{&calls}};
    for (way_to_fork way : ways_to_fork) {
      std::optional<sigsafe::lazy::guard> off{std::in_place};
      raise(SIGUSR1);
      CHILD_REQUIRE(succeeded(status_of(way, [&] {
        off.reset();
        CHILD_REQUIRE(calls == 0);
        CHILD_REQUIRE(signal_set::blocked().empty());
        raise(SIGUSR1);
        CHILD_REQUIRE(calls == 1);
      })));
      off.reset();
      CHILD_REQUIRE(calls.exchange(0) == 1);
    }
  });
}

BOOST_AUTO_TEST_CASE(a_forked_child_runs_the_parents_handlers_that_ask_for_it) {
  check_in_child([] {
    std::atomic<int> asked{0};
    std::atomic<int> not_asked{0};
    const counting first{SIGUSR1, counts{&not_asked}, not_in_child};
    const counting second{SIGUSR1, counts{&asked}};
    const counting third{SIGUSR1, counts{&not_asked}, not_in_child};
    const counting alone{SIGUSR2, counts{&asked}};
    for (way_to_fork way : ways_to_fork)
      CHILD_REQUIRE(succeeded(status_of(way, [&] {
        raise(SIGUSR1);
        CHILD_REQUIRE(asked == 1 && not_asked == 0);
        {
          const sigsafe::lazy::guard off;
          raise(SIGUSR1);
        }
        CHILD_REQUIRE(asked == 2 && not_asked == 0);
        raise(SIGUSR2);
        CHILD_REQUIRE(asked == 3);
      })));
    raise(SIGUSR1);
    CHILD_REQUIRE(asked == 1 && not_asked == 2);
  });
}

BOOST_AUTO_TEST_CASE(only_what_runs_in_a_forked_child_chains_there) {
  static std::atomic<int> foreign_calls{0};
  check_in_child([] {
    signal(SIGUSR1, [](int) { ++foreign_calls; });
    std::atomic<int> calls{0};
    const counting chaining{SIGUSR1, counts{&calls}, {.chain = true, .in_child = false}};
    std::optional<counting> running{std::in_place, SIGUSR1, counts{&calls}};
    CHILD_REQUIRE(succeeded(status_of(&fork, [&] {
      raise(SIGUSR1);
      CHILD_REQUIRE(calls == 1 && foreign_calls == 0);
    })));
    running.emplace(SIGUSR1, counts{&calls}, sigsafe::handler_options{.chain = true});
    CHILD_REQUIRE(succeeded(status_of(&fork, [&] {
      raise(SIGUSR1);
      CHILD_REQUIRE(calls == 1 && foreign_calls == 1);
    })));
  });
}

BOOST_AUTO_TEST_CASE(a_forked_child_has_handlers_of_its_own) {
  check_in_child([] {
    std::atomic<int> calls{0};
    std::atomic<int> child_calls{0};
    const counting on_usr1{SIGUSR1, counts{&calls}, not_in_child};
    for (way_to_fork way : ways_to_fork) {
      const int status = status_of(way, [&] {
        {
          const counting own{SIGUSR1, counts{&child_calls}, not_in_child};
          raise(SIGUSR1);
          CHILD_REQUIRE(child_calls == 1 && calls == 0);
          const counting another{SIGUSR2, counts{&child_calls}, not_in_child};
          raise(SIGUSR2);
          CHILD_REQUIRE(child_calls == 2);
          raise(SIGUSR1);
          CHILD_REQUIRE(child_calls == 3 && calls == 0);
        }
        raise(SIGUSR1);  // the parent's is still there, for the default action
      });
      CHILD_REQUIRE(killed_by(status, SIGUSR1));
    }
    CHILD_REQUIRE(child_calls == 0);
    raise(SIGUSR1);
    CHILD_REQUIRE(calls == 1);
  });
}

BOOST_AUTO_TEST_CASE(a_forked_child_may_destroy_its_copies_of_the_parents_handlers) {
  static std::atomic<int> foreign_calls{0};
  check_in_child([] {
    signal(SIGUSR1, [](int) { ++foreign_calls; });
    std::atomic<int> calls{0};
    std::optional<counting> first{std::in_place, SIGUSR1, counts{&calls}, not_in_child};
    std::optional<counting> second{std::in_place, SIGUSR1, counts{&calls}};
    for (way_to_fork way : ways_to_fork)
      CHILD_REQUIRE(succeeded(status_of(way, [&] {
        first.reset();
        raise(SIGUSR1);
        CHILD_REQUIRE(calls == 1);
        second.reset();
        raise(SIGUSR1);
        CHILD_REQUIRE(calls == 1 && foreign_calls == 1);
      })));
    raise(SIGUSR1);
    CHILD_REQUIRE(calls == 2 && foreign_calls == 0);
  });
}

BOOST_AUTO_TEST_CASE(grandchildren_are_children_too) {
  check_in_child([] {
    std::atomic<int> of_parent{0};
    std::atomic<int> of_child{0};
    const counting parents{SIGUSR1, counts{&of_parent}, not_in_child};
    const counting parents_for_all{SIGUSR2, counts{&of_parent}};
    for (way_to_fork way : ways_to_fork)
      CHILD_REQUIRE(succeeded(status_of(way, [&] {
        const counting childs{SIGHUP, counts{&of_child}, not_in_child};
        raise(SIGHUP);
        CHILD_REQUIRE(of_child == 1);
        for (int signal : {SIGUSR1, SIGHUP})
          CHILD_REQUIRE(killed_by(status_of(way, [signal] { raise(signal); }), signal));
        CHILD_REQUIRE(succeeded(status_of(way, [&] {
          raise(SIGUSR2);
          CHILD_REQUIRE(of_parent == 1);
          const counting own{SIGUSR1, counts{&of_child}, not_in_child};
          raise(SIGUSR1);
          CHILD_REQUIRE(of_child == 2);
        })));
        raise(SIGHUP);
        CHILD_REQUIRE(of_child == 2);
      })));
  });
}

BOOST_AUTO_TEST_CASE(siblings_do_not_take_each_other_for_their_parent) {
  check_in_child([] {
    std::atomic<int> calls{0};
    const counting on_usr1{SIGUSR1, counts{&calls}, not_in_child};
    for (int i = 0; i < 3; ++i)
      CHILD_REQUIRE(succeeded(status_of(&fork, [&] {
        const counting own{SIGUSR2, counts{&calls}, not_in_child};
        raise(SIGUSR2);
        CHILD_REQUIRE(calls == 1);
        CHILD_REQUIRE(killed_by(status_of(&fork, [] { raise(SIGUSR2); }), SIGUSR2));
      })));
  });
}

// It runs in its parent's memory, and nothing there tells that it is another process.
BOOST_AUTO_TEST_CASE(the_child_of_vfork_runs_all_handlers_unless_signals_are_blocked) {
  check_in_child([] {
    static std::atomic<int> calls{0};
    const counting on_usr1{SIGUSR1, counts{&calls}, not_in_child};
    const auto signal_a_child = [] {
      const pid_t child = vfork();
      if (child == 0) {
        test::send(SIGUSR1);
        _exit(0);
      }
      CHILD_REQUIRE(test::status_of(child) == 0);
    };
    signal_a_child();
    CHILD_REQUIRE(calls == 1 && test::is_at_rest());
    {
      const sigsafe::lazy::guard off;
      signal_a_child();
      CHILD_REQUIRE(calls == 1);
    }
    CHILD_REQUIRE(calls == 2 && test::is_at_rest());
    {
      const sigsafe::guard off;
      signal_a_child();
    }
    CHILD_REQUIRE(calls == 2 && test::is_at_rest());
    CHILD_REQUIRE(signal_set::blocked().empty());
  });
}

BOOST_AUTO_TEST_CASE(a_fork_inside_a_handler_goes_on_in_both_processes) {
  check_in_child([] {
    for (way_to_fork way : ways_to_fork) {
      pid_t child = -1;
      std::atomic<int> older_calls{0};
      std::atomic<int> calls{0};
      std::optional<counting> older{std::in_place, SIGUSR1, counts{&older_calls}};
      std::optional<counting> on_usr2{std::in_place, SIGUSR2, counts{&calls}};
      const auto forking_function = [&]() noexcept {
        if (child == -1) child = way();
        ++calls;
      };
      std::optional<sigsafe::handler<decltype(forking_function)>> forking;
      forking.emplace(SIGUSR1, forking_function);
      raise(SIGUSR1);
      CHILD_REQUIRE(calls == 1);
      CHILD_REQUIRE(older_calls == 1);
      CHILD_REQUIRE(signal_set::blocked().empty());
      raise(SIGUSR1);
      raise(SIGUSR2);
      CHILD_REQUIRE(calls == 3);
      CHILD_REQUIRE(older_calls == 2);
      // No end waits for what the other process does.
      forking.reset();
      older.reset();
      on_usr2.reset();
      CHILD_REQUIRE(is_default(SIGUSR1) && is_default(SIGUSR2));
      if (child == 0) _exit(0);
      CHILD_REQUIRE(test::status_of(child) == 0);
    }
  });
}

BOOST_AUTO_TEST_CASE(a_return_to_the_parents_call_does_not_hide_a_thread_of_the_child) {
  check_in_child([] {
    test::gate entered;
    test::gate leave;
    std::atomic<bool> left{false};
    std::thread raising;
    pid_t child = -1;
    const auto function = [&]() noexcept {
      if (child == -1) {
        child = fork();
        if (child != 0) return;
        raising = std::thread{[] {
          const sigset_t none{};
          pthread_sigmask(SIG_SETMASK, &none, nullptr);
          raise(SIGUSR1);
        }};
        entered.pass();
      } else {
        entered.open();
        leave.pass();
        left = true;
      }
    };
    std::optional<sigsafe::handler<decltype(function)>> handler;
    handler.emplace(SIGUSR1, function);
    raise(SIGUSR1);
    if (child != 0) {
      CHILD_REQUIRE(test::status_of(child) == 0);
      return;
    }
    std::atomic<bool> returned{false};
    std::thread opening{[&, ending_thread = gettid()] {
      test::await_sleep(ending_thread, [&] { return returned.load(); });
      CHILD_REQUIRE(!returned);
      leave.open();
    }};
    handler.reset();
    returned = true;
    CHILD_REQUIRE(left);
    opening.join();
    raising.join();
  });
}

BOOST_AUTO_TEST_CASE(a_forked_child_does_not_wait_for_the_threads_of_its_parent) {
  check_in_child([] {
    test::gate entered;
    test::gate leave;
    std::atomic<int> calls{0};
    const auto staying_function = [&]() noexcept {
      entered.open();
      leave.pass();
    };
    std::optional<sigsafe::handler<decltype(staying_function)>> staying;
    staying.emplace(SIGUSR1, staying_function);
    std::thread raising{[] { raise(SIGUSR1); }};
    entered.pass();
    for (way_to_fork way : ways_to_fork)
      CHILD_REQUIRE(succeeded(status_of(way, [&] {
        staying.reset();
        const counting own{SIGUSR1, counts{&calls}, not_in_child};
        raise(SIGUSR1);
        CHILD_REQUIRE(calls == 1);
      })));
    // Nor when somebody waits for them already.
    std::atomic<pid_t> number{0};
    std::atomic<bool> returned{false};
    std::thread ending{[&] {
      number = gettid();
      number.notify_one();
      staying.reset();
      returned = true;
    }};
    number.wait(0);
    test::await_sleep(number, [&] { return returned.load(); });
    CHILD_REQUIRE(!returned);
    for (way_to_fork way : ways_to_fork)
      CHILD_REQUIRE(succeeded(status_of(way, [&] {
        const counting own{SIGUSR1, counts{&calls}, not_in_child};
        raise(SIGUSR1);
        CHILD_REQUIRE(calls == 1);
      })));
    leave.open();
    ending.join();
    raising.join();
  });
}

BOOST_AUTO_TEST_CASE(a_fork_may_happen_while_other_threads_register_remove_and_run_handlers) {
  check_in_child([] {
    signal(SIGUSR1, SIG_IGN);
    std::atomic<bool> stop{false};
    std::atomic<int> churned{0};
    std::atomic<int> raised{0};
    std::atomic<int> calls{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i)
      threads.emplace_back([&] {
        while (!stop) {
          const counting handler{SIGUSR1, counts{&calls}, not_in_child};
          const counting another{SIGUSR2, counts{&calls}};
          ++churned;
        }
      });
    threads.emplace_back([&] {
      const counting on_hup{SIGHUP, counts{&calls}, not_in_child};
      while (!stop) {
        raise(SIGUSR1);
        raise(SIGHUP);
        ++raised;
      }
    });
    while (churned == 0 || raised == 0) sched_yield();
    for (int forks = 0; forks < 200; ++forks) {
      const int status = status_of(ways_to_fork[forks % 3], [&] {
        std::atomic<int> own_calls{0};
        for (int signal : {SIGUSR1, SIGUSR2}) {
          const counting own{signal, counts{&own_calls}, not_in_child};
          raise(signal);
          {
            const sigsafe::lazy::guard off;
            raise(signal);
          }
        }
        CHILD_REQUIRE(own_calls == 4);
      });
      CHILD_REQUIRE(succeeded(status));
    }
    stop = true;
    for (std::thread& thread : threads) thread.join();
  });
}

namespace {

/// Executes a program that shows what the kernel knows of its signals. Returns the lines of
/// /proc/self/status that tell it.
std::string status_after_exec(way_to_fork way) {
  int ends[2];
  CHILD_REQUIRE(pipe(ends) == 0);
  const int status = status_of(way, [&] {
    dup2(ends[1], STDOUT_FILENO);
    execlp("grep", "grep", "^Sig", "/proc/self/status", static_cast<char*>(nullptr));
    _exit(1);
  });
  CHILD_REQUIRE(succeeded(status));
  char text[1024];
  const ssize_t size = read(ends[0], text, sizeof(text));
  CHILD_REQUIRE(size > 0);
  close(ends[0]);
  close(ends[1]);
  return {text, static_cast<std::size_t>(size)};
}

signal_set field_of(const std::string& status, const std::string& name) {
  const std::size_t at = status.find(name + ":\t");
  CHILD_REQUIRE(at != std::string::npos);
  return signal_set::from_bits(std::stoull(status.substr(at + name.size() + 2, 16), nullptr, 16));
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_program_that_is_executed_finds_default_dispositions_and_no_blocked_signal) {
  check_in_child([] {
    std::atomic<int> calls{0};
    const counting on_usr1{SIGUSR1, counts{&calls}, not_in_child};
    const counting on_usr2{SIGUSR2, counts{&calls}};
    const counting on_real_time{SIGRTMIN, counts{&calls}, {.chain = true, .restart = true}};
    for (int deferrals : {0, 1})
      for (way_to_fork way : ways_to_fork) {
        if (deferrals != 0) {
          const sigsafe::lazy::guard off;
          raise(SIGUSR1);
        }
        const std::string status = status_after_exec(way);
        for (const char* field : {"SigCgt", "SigIgn"})
          CHILD_REQUIRE((field_of(status, field) & signal_set{SIGUSR1, SIGUSR2, SIGRTMIN}).empty());
        CHILD_REQUIRE(field_of(status, "SigBlk").empty());
      }
  });
}

BOOST_AUTO_TEST_CASE(a_program_that_is_executed_inside_an_eager_guard_inherits_its_mask) {
  check_in_child([] {
    const sigsafe::guard off;
    CHILD_REQUIRE(field_of(status_after_exec(&fork), "SigBlk") == signal_set::maskable());
  });
}

namespace {

/// The shared object that the build has made of handler_plugin.cpp.
class loaded_plugin {
 public:
  loaded_plugin() : object_(dlopen(HANDLER_PLUGIN, RTLD_NOW | RTLD_LOCAL)) {
    if (object_ == nullptr) {
      dprintf(STDERR_FILENO, "%s\n", dlerror());
      _exit(1);
    }
    functions_ = static_cast<const handler_plugin*>(dlsym(object_, "sigsafe_handler_plugin"));
    CHILD_REQUIRE(functions_ != nullptr);
  }
  loaded_plugin(const loaded_plugin&) = delete;
  loaded_plugin& operator=(const loaded_plugin&) = delete;
  ~loaded_plugin() { dlclose(object_); }

  const handler_plugin* operator->() const noexcept { return functions_; }

  /// Whether it is still there after it was unloaded: the system may keep it.
  [[nodiscard]] static bool stays() {
    void* const object = dlopen(HANDLER_PLUGIN, RTLD_NOW | RTLD_NOLOAD);
    if (object != nullptr) dlclose(object);
    return object != nullptr;
  }

 private:
  void* object_;
  const handler_plugin* functions_ = nullptr;
};

std::atomic<int> plugin_calls{0};
void count_for_plugin() noexcept { ++plugin_calls; }

std::atomic<int> foreign_calls_before{0};
void install_foreign(int signal) {
  ::signal(signal, [](int) { ++foreign_calls_before; });
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_loaded_object_shares_the_state_of_the_threads) {
  check_in_child([] {
    const loaded_plugin plugin;
    const void* const own = &sigsafe::detail::this_thread;
    CHILD_REQUIRE(plugin->thread_state() == own);
    std::thread{[&] {
      CHILD_REQUIRE(plugin->thread_state() != own);
      CHILD_REQUIRE(plugin->thread_state() == &sigsafe::detail::this_thread);
    }}.join();
  });
}

BOOST_AUTO_TEST_CASE(a_guard_of_a_loaded_object_holds_off_the_programs_handlers) {
  static std::atomic<int> calls{0};
  check_in_child([] {
    const loaded_plugin plugin;
    const counting own{SIGUSR1, counts{&calls}};
    plugin->within_guard([] {
      raise(SIGUSR1);
      CHILD_REQUIRE(calls == 0);
    });
    CHILD_REQUIRE(calls == 1);
    plugin->begin(SIGUSR1, &count_for_plugin);
    {
      const sigsafe::lazy::guard off;
      raise(SIGUSR1);
      CHILD_REQUIRE(plugin_calls == 0);
    }
    CHILD_REQUIRE(plugin_calls == 1 && calls == 2);
    plugin->end();
  });
}

BOOST_AUTO_TEST_CASE(handlers_of_a_loaded_object_and_of_the_program_share_one_signal) {
  check_in_child([] {
    install_foreign(SIGUSR1);
    std::atomic<int> calls{0};
    for (bool program_first : {true, false})
      for (bool program_ends_first : {true, false}) {
        plugin_calls = calls = foreign_calls_before = 0;
        const loaded_plugin plugin;
        std::optional<counting> own;
        if (program_first) own.emplace(SIGUSR1, counts{&calls});
        plugin->begin(SIGUSR1, &count_for_plugin);
        if (!program_first) own.emplace(SIGUSR1, counts{&calls});
        raise(SIGUSR1);
        CHILD_REQUIRE(calls == 1 && plugin_calls == 1);
        if (program_ends_first)
          own.reset();
        else
          plugin->end();
        raise(SIGUSR1);
        CHILD_REQUIRE(calls + plugin_calls == 3);
        CHILD_REQUIRE(calls == (program_ends_first ? 1 : 2));
        own.reset();
        plugin->end();
        CHILD_REQUIRE(foreign_calls_before == 0);
        raise(SIGUSR1);
        CHILD_REQUIRE(foreign_calls_before == 1);
        CHILD_REQUIRE(calls + plugin_calls == 3);
      }
  });
}

BOOST_AUTO_TEST_CASE(an_object_may_be_loaded_used_and_unloaded_again_and_again) {
  check_in_child([] {
    install_foreign(SIGUSR1);
    std::atomic<int> calls{0};
    const counting own{SIGUSR2, counts{&calls}};
    for (int i = 1; i <= 100; ++i) {
      {
        const loaded_plugin plugin;
        plugin->begin(SIGUSR1, &count_for_plugin);  // the first on this signal
        raise(SIGUSR1);
        CHILD_REQUIRE(plugin_calls == i);
        plugin->end();
      }
      raise(SIGUSR1);
      CHILD_REQUIRE(plugin_calls == i && foreign_calls_before == i);
      raise(SIGUSR2);
      CHILD_REQUIRE(calls == i);
    }
  });
}

BOOST_AUTO_TEST_CASE(the_programs_handler_goes_on_when_an_object_that_was_first_is_unloaded) {
  check_in_child([] {
    install_foreign(SIGUSR1);
    std::atomic<int> calls{0};
    {
      std::optional<counting> own;
      {
        const loaded_plugin plugin;
        plugin->begin(SIGUSR1, &count_for_plugin);
        own.emplace(SIGUSR1, counts{&calls});
        plugin->end();
      }
      raise(SIGUSR1);
      CHILD_REQUIRE(calls == 1 && plugin_calls == 0);
    }
    raise(SIGUSR1);
    CHILD_REQUIRE(calls == 1 && foreign_calls_before == 1);
  });
}

BOOST_AUTO_TEST_CASE(a_handler_is_removed_when_its_object_is_unloaded) {
  check_in_child([] {
    install_foreign(SIGUSR1);
    std::atomic<int> calls{0};
    const counting own{SIGUSR2, counts{&calls}};
    loaded_plugin {
    } -> begin(SIGUSR1, &count_for_plugin);
    raise(SIGUSR1);
    // An object that the system keeps goes on handling.
    CHILD_REQUIRE(loaded_plugin::stays() ? plugin_calls == 1 && foreign_calls_before == 0
                                         : plugin_calls == 0 && foreign_calls_before == 1);
    raise(SIGUSR2);
    CHILD_REQUIRE(calls == 1);
  });
}

namespace {

test::gate plugin_entered;
test::gate plugin_leave;
std::atomic<bool> plugin_left{false};

}  // namespace

BOOST_AUTO_TEST_CASE(a_removal_in_a_loaded_object_waits_for_threads_of_the_program) {
  check_in_child([] {
    std::atomic<int> calls{0};
    const counting own{SIGUSR1, counts{&calls}};  // the signals come in through the program's copy
    const loaded_plugin plugin;
    plugin->begin(SIGUSR1, []() noexcept {
      plugin_entered.open();
      plugin_leave.pass();
      plugin_left = true;
    });
    std::thread raising{[] { raise(SIGUSR1); }};
    plugin_entered.pass();
    std::atomic<pid_t> number{0};
    std::atomic<bool> returned{false};
    std::thread ending{[&] {
      number = gettid();
      number.notify_one();
      plugin->end();
      returned = true;
    }};
    number.wait(0);
    test::await_sleep(number, [&] { return returned.load(); });
    CHILD_REQUIRE(!returned);
    plugin_leave.open();
    ending.join();
    CHILD_REQUIRE(plugin_left);
    raising.join();
    CHILD_REQUIRE(calls == 1);
  });
}

BOOST_AUTO_TEST_SUITE_END()
