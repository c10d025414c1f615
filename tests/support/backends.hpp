// The hosted backends, for BOOST_AUTO_TEST_CASE_TEMPLATE: every suite runs on all of them.
#pragma once

#include <tuple>

#include <sigsafe/backend/lazy.hpp>
#include <sigsafe/backend/posix.hpp>

namespace test {

using hosted_backends = std::tuple<sigsafe::backend::posix, sigsafe::backend::lazy>;

}  // namespace test
