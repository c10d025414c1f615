// All services, in the order of the configuration.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "service.hpp"

namespace supervisor {

class services {
 public:
  /// Starts what is new, stops what is gone, and starts anew what has changed.
  void configure(const std::vector<settings>& wanted, clock::time_point now) {
    std::vector<service> next;
    next.reserve(wanted.size() + all_.size());
    for (const settings& each : wanted) {
      const auto old = std::ranges::find(all_, each.name, &service::name);
      if (old == all_.end()) {
        next.emplace_back(each, now);
      } else {
        old->change(each, now);
        next.push_back(std::move(*old));
        all_.erase(old);
      }
    }
    for (service& gone : all_) {
      gone.retire();
      gone.stop(now);
      next.push_back(std::move(gone));
    }
    all_ = std::move(next);
  }

  void turn(clock::time_point now) {
    for (service& each : all_) each.turn(now);
    std::erase_if(all_, [](const service& each) { return each.is_down() && !each.is_wanted(); });
  }

  void send(int signal) {
    for (service& each : all_) each.send(signal);
  }

  /// When turn has something to do, if nothing happens before.
  [[nodiscard]] clock::time_point due() const {
    clock::time_point first = clock::time_point::max();
    for (const service& each : all_) first = std::min(first, each.due());
    return first;
  }

  /// How the service ended with which all end, if it did.
  [[nodiscard]] std::optional<sigsafe::exit_status> last_of_all() const {
    for (const service& each : all_)
      if (each.last_of_all()) return each.last_of_all();
    return std::nullopt;
  }

  /// Stops the last one that still runs; the one before it has its turn when that has ended.
  /// Returns whether all have.
  bool stop_next(clock::time_point now) {
    for (service& each : all_) each.retire();
    while (!all_.empty() && all_.back().is_down()) all_.pop_back();
    if (all_.empty()) return true;
    all_.back().stop(now);
    return false;
  }

 private:
  std::vector<service> all_;
};

}  // namespace supervisor
