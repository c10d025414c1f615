// What most subjects are: memory that the operation and the handlers change, each while it is protected.
#pragma once

#include <sigsafe/guard.hpp>

#include <tests/injection/subject.hpp>

namespace injection {

class guarded : public subject {
 public:
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

  const char* check() override {
    if (wrong_ != nullptr) return wrong_;
    return shared_.changes() == changes_ + in_handlers_ ? nullptr : "a change of shared memory was lost";
  }

 protected:
  /// The protected region.
  void change() noexcept {
    ++changes_;
    shared_.change();
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
  twins shared_;
  int changes_ = 0;
  int in_handlers_ = 0;
  const char* wrong_ = nullptr;
};

/// Its handlers use guards themselves, which must not open anything.
class guarded_deeply : public guarded {
 public:
  void in_handler(const sigsafe::signal_info& info) noexcept override {
    if (info.number() == fault_signal) return;
    {
      const sigsafe::basic_guard<eager> hard;
      const sigsafe::basic_guard<lazy> soft;
    }
    require(sigsafe::signal_set::blocked().contains(sigsafe::signal_set::maskable()),
            "a guard in a handler opened the mask");
    change_in_handler();
  }
};

}  // namespace injection
