// A region of a tier that was perhaps not asked for.
#pragma once

#include <stdint.h>

#include <sigsafe/shield/library/region.hpp>
#include <sigsafe/shield/library/settings.hpp>
#include <sigsafe/shield/library/thread_state.hpp>
#include <sigsafe/shield/report.h>

namespace shield {

class tiered_region {
 public:
  tiered_region(int tier, sigsafe_shield_region kind) noexcept
      : kind_(kind), is_one_(current_settings().tier >= tier), left_behind_(here.left_behind) {
    if (is_one_) enter_region(kind_);
  }
  tiered_region(const tiered_region&) = delete;
  tiered_region& operator=(const tiered_region&) = delete;
  ~tiered_region() {
    if (is_one_ && left_behind_ == here.left_behind) leave_region(kind_);
  }

 private:
  const sigsafe_shield_region kind_;
  const bool is_one_;
  const uint32_t left_behind_;
};

}  // namespace shield
