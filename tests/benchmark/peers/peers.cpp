#include <tests/benchmark/peers/peer.hpp>

#include <algorithm>
#include <string_view>
#include <vector>

namespace benchmarked {
namespace {

#ifndef BENCHMARK_HAS_ASIO
constexpr auto make_asio = nullptr;
#endif
#ifndef BENCHMARK_HAS_LIBUV
constexpr auto make_libuv = nullptr;
#endif
#ifndef BENCHMARK_HAS_LIBEV
constexpr auto make_libev = nullptr;
#endif
#ifndef BENCHMARK_HAS_LIBEVENT
constexpr auto make_libevent = nullptr;
#endif

}  // namespace

const std::vector<kind_of_peer>& all_peers() {
  static const std::vector<kind_of_peer> all{
      {"bare handler", make_bare_handler},
      {"sigwaitinfo", make_sigwaitinfo},
      {"ppoll", make_ppoll},
      {"guard.poll", make_guard_poll},
      {"lazy guard.poll", make_lazy_guard_poll},
      {"signal_fd", make_signal_fd},
      {"event.wait", make_event},
      {"event.fd", make_event_fd},
      {"signalfd", make_signalfd},
      {"eventfd", make_eventfd},
      {"self-pipe", make_self_pipe},
      {"Boost.Asio", make_asio},
      {"libuv", make_libuv},
      {"libev", make_libev},
      {"libevent", make_libevent},
  };
  return all;
}

const kind_of_peer* find_peer(std::string_view name) {
  const auto found = std::find_if(all_peers().begin(), all_peers().end(),
                                  [&](const kind_of_peer& each) { return each.name == name; });
  return found == all_peers().end() ? nullptr : &*found;
}

}  // namespace benchmarked
