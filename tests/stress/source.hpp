// Where signals come from.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <pthread.h>

#include <tests/stress/stage.hpp>

namespace stress {

/// The worker threads, for sources that choose one.
using workers = std::vector<pthread_t>;

/// One kind of signal. Its channel is in memory that other processes share.
class source {
 public:
  source(int signal, account by) noexcept : signal_(signal), account_(by) {}
  source(const source&) = delete;
  source& operator=(const source&) = delete;
  virtual ~source() = default;

  /// Before handlers are registered and workers begin. std::system_error when it cannot.
  virtual void open(stage&) {}
  /// On a worker, in a section or between two; async-signal-safe.
  virtual void inside(stage&) noexcept {}
  virtual void between(stage&) noexcept {}
  /// On a thread of its own where every signal is blocked, until the stage stops sending.
  virtual void send(stage&, const workers&) {}
  /// What fits into the payload of a signal; after it comes 0.
  static constexpr std::uint64_t largest_number = 0x7fffffff;
  /// In the handler: which of the channel's signals came, when it was sent (0 when nobody knows),
  /// and what else there is to do.
  [[nodiscard]] std::uint64_t number_of(const sigsafe::signal_info& info) const noexcept {
    const auto value = info.value();
    return value ? static_cast<std::uint64_t>(value->sival_int) : 0;
  }
  [[nodiscard]] virtual std::uint64_t due(std::uint64_t number) noexcept {
    return line().take_due(number);
  }
  virtual void handled() noexcept {}
  /// Do the payloads that one worker gets come in the order of their numbers?
  [[nodiscard]] virtual bool ordered() const noexcept { return false; }

  void use(channel& line) noexcept {
    channel_ = &line;
    channel_->prepare(account_);
  }
  [[nodiscard]] channel& line() const noexcept { return *channel_; }
  [[nodiscard]] int signal() const noexcept { return signal_; }

 protected:
  /// Calls a function that sends a number, and returns whether the kernel accepted it.
  template <class Send>
  bool send_one(Send function, std::uint64_t due = now()) noexcept {
    const std::uint64_t number = channel_->sending(due);
    if (function(static_cast<int>(number & largest_number))) return true;
    channel_->refused(number, due);
    return false;
  }

 private:
  const int signal_;
  const account account_;
  channel* channel_ = nullptr;
};

[[nodiscard]] const std::vector<std::string>& source_names();
/// Why the source of that name cannot be used here; empty when it can.
[[nodiscard]] std::string why_unavailable(std::string_view name);
/// The source of that name, or the several of "mixed".
[[nodiscard]] std::vector<std::unique_ptr<source>> make_sources(std::string_view name);

}  // namespace stress
