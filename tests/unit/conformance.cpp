// The conformance cases on the hosted backends, each in a child.
#include <boost/test/unit_test.hpp>

#include <signal.h>
#include <sys/time.h>

#include <tuple>

#include <sigsafe/backend/counted.hpp>
#include <sigsafe/handler.hpp>

#include <tests/conformance/cases.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/broken_backends.hpp>
#include <tests/support/c_backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>

namespace {

using conformance::line;
using test::in_child;

constexpr int signal_of(line from) { return from == line::timer ? SIGALRM : SIGUSR1; }

template <class B>
struct environment {
  using backend = B;

  template <class F>
  class handler {
   public:
    handler(line from, F function) : handler_{signal_of(from), call{function}} {}

   private:
    struct call {
      F function;
      void operator()() const noexcept { function(); }
    };
    sigsafe::handler<call> handler_;
  };

  static void raise(line from) { ::raise(signal_of(from)); }
  static void raise_soon() {
    const itimerval once{{0, 0}, {0, 1000}};
    setitimer(ITIMER_REAL, &once, nullptr);
  }
  template <class F>
  static bool panics(F function, const char* text) {
    return in_child(function).panicked_with(text);
  }
  [[noreturn]] static void fail(const char* what, sigsafe::location where) {
    test::fail_child(where.file, static_cast<int>(where.line), what);
  }
};

/// A processor's backend that is counted in a thread: what a kernel builds from its per-CPU
/// storage.
struct this_thread {
  static sigsafe::backend::nesting<test::flat_backend>& nesting() noexcept { return nesting_; }

 private:
  static inline constinit thread_local sigsafe::backend::nesting<test::flat_backend> nesting_;
};
using counted = sigsafe::backend::counted<test::flat_backend, this_thread>;
static_assert(sigsafe::counting_backend<counted> && sigsafe::identifying_backend<counted>);

using all_backends = std::tuple<sigsafe::backend::posix, sigsafe::backend::lazy, test::c_eager,
                                test::c_lazy, counted>;

}  // namespace

#define CASE(suite, name)                                                           \
  BOOST_AUTO_TEST_CASE_TEMPLATE(suite##_##name, B, all_backends) {                  \
    BOOST_TEST(test::holds(in_child(conformance::suite##_##name<environment<B>>))); \
  }

BOOST_FIXTURE_TEST_SUITE(conformance_, test::clean_thread)
SIGSAFE_CONFORMANCE_CASES(CASE)
SIGSAFE_COUNTING_CASES(CASE)
BOOST_AUTO_TEST_SUITE_END()
