// A fixture: every case leaves the thread's interrupts as it found them.
#pragma once

#include <boost/test/unit_test.hpp>

#include <sigsafe/backend/posix.hpp>
#include <sigsafe/signal_set.hpp>

namespace test {

class clean_thread {
 public:
  clean_thread() = default;
  clean_thread(const clean_thread&) = delete;
  clean_thread& operator=(const clean_thread&) = delete;
  ~clean_thread() {
    BOOST_TEST((sigsafe::signal_set::blocked() == before_), "the case changed the thread's mask");
    BOOST_TEST(sigsafe::signal_set::pending().empty(), "the case left a signal pending");
    BOOST_TEST(sigsafe::backend::posix::enabled(), "the case left interrupts disabled");
  }

 private:
  sigsafe::signal_set before_ = sigsafe::signal_set::blocked();
};

}  // namespace test
