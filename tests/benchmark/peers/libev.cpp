#include <tests/benchmark/peers/peer.hpp>

// By its own functions, with which C++ that warns of old casts gets along.
#define EV_COMPAT3 0
#include <ev.h>

#include <memory>

namespace benchmarked {
namespace {

class libev_loop : public peer {
 public:
  libev_loop() : loop_(ev_loop_new(EVFLAG_AUTO)) {
    const auto call = [](struct ev_loop*, ev_signal* from, int) {
      static_cast<libev_loop*>(from->data)->called_back();
    };
    ev_signal_init(&watcher_, call, the_signal);
    watcher_.data = this;
    ev_signal_start(loop_, &watcher_);
  }
  ~libev_loop() override {
    ev_signal_stop(loop_, &watcher_);
    ev_loop_destroy(loop_);
  }
  void turn(bool sleeps) override { ev_run(loop_, sleeps ? EVRUN_ONCE : EVRUN_NOWAIT); }

 private:
  struct ev_loop* loop_;
  ev_signal watcher_{};
};

}  // namespace

std::unique_ptr<peer> make_libev() { return std::make_unique<libev_loop>(); }

}  // namespace benchmarked
