// An event in Boost.Asio, with a callback.
#include <utility>  // NOLINT(misc-include-cleaner): Boost 1.74 forgets it

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/error_code.hpp>

#include "job.hpp"
#include "run.hpp"

namespace {

namespace asio = boost::asio;

/// Owns the event's descriptor as Asio sees it. Asio would close it, so it is given back.
class watcher {
 public:
  watcher(asio::io_context& context, event_loops::job& job)
      : job_(job), descriptor_(context, job.arrived.fd()) {}
  watcher(const watcher&) = delete;
  watcher& operator=(const watcher&) = delete;
  ~watcher() { descriptor_.release(); }

  void wait() {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [this](const boost::system::error_code& error) {
                             if (error) return;
                             job_.arrived.reset();  // first, then look
                             if (job_.look()) wait();
                           });
  }

 private:
  event_loops::job& job_;
  asio::posix::stream_descriptor descriptor_;
};

void loop(event_loops::job& job) {
  asio::io_context context;
  watcher watching{context, job};
  watching.wait();
  job.begin();
  context.run();
}

}  // namespace

int main(int argc, char** argv) { return event_loops::run({.name = "asio"}, argc, argv, loop); }
