// A process supervisor, in the manner of s6 and runit: see README.md.
//
// There is one loop, and its handlers do nothing but note what has come and end the loop's sleep.
// Between that note and the sleep no signal is missed: a guard's wait returns at once when a
// handler has run since the wait before. SIGCHLD only says "look": the loop looks at all children.
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>

#include <sigsafe/crash.hpp>
#include <sigsafe/exit_status.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/process.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/stop.hpp>

#include "beginning.hpp"
#include "config.hpp"
#include "log.hpp"
#include "options.hpp"
#include "orphans.hpp"
#include "service.hpp"
#include "services.hpp"

namespace supervisor {
namespace {

using namespace std::chrono_literals;

constexpr sigsafe::signal_set forwarded{SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH};

/// The signals that have come, a bit for each: two of a number that come together are one, as they
/// are for the kernel.
constinit std::atomic<std::uint32_t> came{0};
static_assert(decltype(came)::is_always_lock_free);

void note(int signal) noexcept { came |= std::uint32_t{1} << (signal - 1); }

void reload(services& all, const std::string& path, clock::time_point now) try {
  all.configure(read_config(path), now);
  say(path, "is read");
} catch (const config_error& error) {
  say("reload", std::string{error.what()} + "; everything stays as it is");
}

/// Returns when everything has been stopped, and how the supervisor is to end.
sigsafe::exit_status run(const std::string& path) {
  begin_clean();
  const sigsafe::handler on_signal{forwarded | sigsafe::signal_set{SIGCHLD, SIGHUP}, note};
  const sigsafe::stop_signal stop{{SIGINT, SIGTERM}};
  sigsafe::become_subreaper();

  services all;
  all.configure(read_config(path), clock::now());
  sigsafe::exit_status end;
  for (;;) {
    // Taken first: what comes while we look ends the sleep below at once.
    const auto signals = sigsafe::signal_set::from_bits(came.exchange(0));
    const clock::time_point now = clock::now();
    reap();
    if (signals.contains(SIGHUP) && !end) reload(all, path, now);
    const sigsafe::signal_set onward = signals & forwarded;
    for (const int signal : onward) all.send(signal);
    all.turn(now);
    if (!end && stop.requested()) end = sigsafe::exit_status::of_signal(stop.number());
    if (!end) end = all.last_of_all().value_or(sigsafe::exit_status{});
    if (end && all.stop_next(now)) break;
    sigsafe::guard off;
    off.wait_until(all.due());
  }
  end_orphans(1s);
  say("all services", "have stopped");
  return end;
}

}  // namespace
}  // namespace supervisor

int main(int argc, char** argv) {
  const auto given = supervisor::parse_arguments(argc, argv);
  if (!given) {
    std::fputs("Try: supervisor --help\n", stderr);
    return 2;
  }
  try {
    const sigsafe::crash_handler crash;
    if (given->check) return supervisor::read_config(given->config), 0;
    sigsafe::end_as(supervisor::run(given->config));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "supervisor: %s\n", error.what());
    return 2;
  }
}
