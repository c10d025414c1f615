// Before the program's own code. Where another library's is first, its handlers are shielded too,
// and only their deferrals are not counted.
#include <sigsafe/shield/library/counts.hpp>
#include <sigsafe/shield/library/settings.hpp>
#include <sigsafe/shield/library/sleep.hpp>
#include <sigsafe/shield/library/threads.hpp>
#include <sigsafe/version.h>

#define TEXT_OF_TOKEN(token) #token
#define TEXT_OF(value) TEXT_OF_TOKEN(value)

extern "C" [[gnu::visibility("default")]] constexpr char sigsafe_shield_version[] = TEXT_OF(
    SIGSAFE_VERSION_MAJOR) "." TEXT_OF(SIGSAFE_VERSION_MINOR) "." TEXT_OF(SIGSAFE_VERSION_PATCH);

namespace shield {
namespace {

[[gnu::constructor]] void start() noexcept {
  static_cast<void>(current_settings());
  map_counts();
  install_sleep_handler();
  watch_threads();
}

}  // namespace
}  // namespace shield
