#include <tests/benchmark/peers/peer.hpp>

#include <memory>
#include <utility>  // Boost 1.74 forgets it

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

namespace benchmarked {
namespace {

class asio_loop : public peer {
 public:
  asio_loop() { wait(); }
  void turn(bool sleeps) override {
    if (sleeps)
      loop_.run_one();
    else
      loop_.poll_one();
  }

 private:
  void wait() {
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (error) return;
      called_back();
      wait();
    });
  }

  boost::asio::io_context loop_{1};  // for one thread, the fastest that there is
  boost::asio::signal_set signals_{loop_, the_signal};
};

}  // namespace

std::unique_ptr<peer> make_asio() { return std::make_unique<asio_loop>(); }

}  // namespace benchmarked
