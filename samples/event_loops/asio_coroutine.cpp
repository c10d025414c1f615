// An event in Boost.Asio, with a coroutine.
#include <exception>
#include <utility>  // NOLINT(misc-include-cleaner): Boost 1.74 forgets it

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "job.hpp"
#include "run.hpp"

namespace {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;

asio::awaitable<void> watch(event_loops::job& job, stream_descriptor& descriptor) {
  do {
    co_await descriptor.async_wait(stream_descriptor::wait_read, asio::use_awaitable);
    job.arrived.reset();  // first, then look
  } while (job.look());
}

void loop(event_loops::job& job) {
  asio::io_context context;
  stream_descriptor descriptor{context, job.arrived.fd()};
  std::exception_ptr error;
  asio::co_spawn(context, watch(job, descriptor),
                 [&](const std::exception_ptr& thrown) { error = thrown; });
  job.begin();
  context.run();
  descriptor.release();  // the event closes it itself
  if (error) std::rethrow_exception(error);
}

}  // namespace

int main(int argc, char** argv) {
  return event_loops::run({.name = "asio_coroutine"}, argc, argv, loop);
}
