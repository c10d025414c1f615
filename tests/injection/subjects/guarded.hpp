// What most subjects are: memory that the operation and the handlers change, each while it is
// protected.
#pragma once

#include <sigsafe/guard.hpp>

#include <tests/injection/subject.hpp>

namespace injection {

class guarded : public subject {
 public:
  /// Whether the region is protected from everything, foreign handlers too.
  explicit guarded(bool from_everything = false) : from_everything_(from_everything) {}

  void reset() override {
    shared_.reset();
    changes_ = 0;
    in_handlers_ = 0;
    wrong_ = nullptr;
  }

  void in_handler(const sigsafe::signal_info& info) noexcept override {
    if (info.number() == fault_signal) return;  // never held off
    change_in_handler();
  }

  void in_foreign_handler() noexcept override {
    if (from_everything_ && inside_) wrong_ = "a foreign handler ran inside an eager guard";
  }

  const char* check() override {
    if (wrong_ != nullptr) return wrong_;
    return shared_.changes() == changes_ + in_handlers_ ? nullptr
                                                        : "a change of shared memory was lost";
  }

 protected:
  /// The protected region.
  void change() noexcept {
    ++changes_;
    inside_ = true;
    shared_.change();
    inside_ = false;
  }

  void change_in_handler() noexcept {
    if (!shared_.whole()) wrong_ = "a handler found shared memory half changed";
    shared_.change();
    ++in_handlers_;
  }

  void require(bool holds, const char* else_wrong) noexcept {
    if (!holds) wrong_ = else_wrong;
  }

 private:
  bool from_everything_;
  volatile bool inside_ = false;
  twins shared_;
  int changes_ = 0;
  int in_handlers_ = 0;
  const char* wrong_ = nullptr;
};

template <class... Backends>
inline constexpr bool one_is_eager = (std::is_same_v<Backends, eager> || ...);

/// Its handlers use guards themselves, which must not unblock anything.
class guarded_deeply : public guarded {
 public:
  using guarded::guarded;

  void in_handler(const sigsafe::signal_info& info) noexcept override {
    if (info.number() == fault_signal) return;
    {
      const sigsafe::basic_guard<eager> off;
      const sigsafe::basic_guard<lazy> soft;
    }
    require(everything_blocked(), "a guard in a handler opened the mask");
    change_in_handler();
  }
};

}  // namespace injection
