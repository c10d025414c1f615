#include <tests/benchmark/peers/peer.hpp>

#include <uv.h>

#include <memory>
#include <stdexcept>

namespace benchmarked {
namespace {

class libuv_loop : public peer {
 public:
  libuv_loop() {
    if (uv_loop_init(&loop_) != 0 || uv_signal_init(&loop_, &watcher_) != 0)
      throw std::runtime_error("libuv has no loop");
    watcher_.data = this;
    const auto call = [](uv_signal_t* from, int) {
      static_cast<libuv_loop*>(from->data)->called_back();
    };
    if (uv_signal_start(&watcher_, call, the_signal) != 0)
      throw std::runtime_error("libuv does not watch the signal");
  }
  ~libuv_loop() override {
    uv_close(reinterpret_cast<uv_handle_t*>(&watcher_), nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }
  void turn(bool sleeps) override { uv_run(&loop_, sleeps ? UV_RUN_ONCE : UV_RUN_NOWAIT); }

 private:
  uv_loop_t loop_{};
  uv_signal_t watcher_{};
};

}  // namespace

std::unique_ptr<peer> make_libuv() { return std::make_unique<libuv_loop>(); }

}  // namespace benchmarked
