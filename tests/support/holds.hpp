// Checks that run in a child, so that the same check can be given something broken and must fail.
#pragma once

#include <boost/test/unit_test.hpp>

#include <tests/support/child.hpp>

namespace test {

/// For BOOST_TEST: the child's check held; says how it ended when not.
inline boost::test_tools::predicate_result holds(const child_end& end) {
  boost::test_tools::predicate_result result{end.succeeded()};
  result.message() << end;
  return result;
}

/// For BOOST_TEST: the check noticed that something is broken, by failing or by hanging; a checked
/// build may have seen it first.
inline boost::test_tools::predicate_result is_caught(const child_end& end) {
  const bool failed = end.hung || end.errors.find("CHILD_REQUIRE") != std::string::npos ||
                      end.panicked_with("interrupts were enabled while this hold lived");
  boost::test_tools::predicate_result result{failed};
  result.message() << end;
  return result;
}

/// For BOOST_TEST: the child panicked, and said this.
inline boost::test_tools::predicate_result panics(const child_end& end, const std::string& text) {
  boost::test_tools::predicate_result result{end.panicked_with(text)};
  result.message() << end << ", without \"" << text << "\"";
  return result;
}

/// For BOOST_TEST: the child was killed by the signal, and wrote this before.
inline boost::test_tools::predicate_result killed(const child_end& end, int signal,
                                                  const std::string& errors) {
  boost::test_tools::predicate_result result{end.killed_by(signal) && end.errors == errors};
  result.message() << end;
  return result;
}

/// Runs function in a child, whose checks must hold.
template <class F>
void check_in_child(F function) {
  const child_end end = in_child(function);
  BOOST_CHECK_MESSAGE(end.succeeded(), end);
}

/// Runs function in a child, which the signal must kill, without a word.
template <class F>
void check_kills(int signal, F function) {
  const child_end end = in_child(function);
  BOOST_CHECK_MESSAGE(end.killed_by(signal) && end.errors.empty(), end);
}

}  // namespace test
