#include <tests/benchmark/peers/peer.hpp>

#include <event2/event.h>

#include <memory>
#include <stdexcept>

namespace benchmarked {
namespace {

class libevent_loop : public peer {
 public:
  libevent_loop() : loop_(event_base_new()) {
    const auto call = [](evutil_socket_t, short, void* from) {
      static_cast<libevent_loop*>(from)->called_back();
    };
    watcher_ = event_new(loop_, the_signal, EV_SIGNAL | EV_PERSIST, call, this);
    if (watcher_ == nullptr || event_add(watcher_, nullptr) != 0)
      throw std::runtime_error("libevent does not watch the signal");
  }
  ~libevent_loop() override {
    event_free(watcher_);
    event_base_free(loop_);
  }
  void turn(bool sleeps) override {
    event_base_loop(loop_, sleeps ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
  }

 private:
  event_base* loop_;
  event* watcher_;
};

}  // namespace

std::unique_ptr<peer> make_libevent() { return std::make_unique<libevent_loop>(); }

}  // namespace benchmarked
