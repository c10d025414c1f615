#include <sigsafe/shield/library/settings.hpp>

#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#include <sigsafe/detail/signal_name.hpp>
#include <sigsafe/shield/library/kernel.hpp>

extern "C" char** environ;

namespace shield {
namespace {

settings wanted;

// The functions for the environment are among those that are shielded.
const char* value_of(const char* name) noexcept {
  const size_t size = strlen(name);
  for (char** each = environ; each != nullptr && *each != nullptr; ++each)
    if (strncmp(*each, name, size) == 0 && (*each)[size] == '=') return *each + size + 1;
  return nullptr;
}

int signal_named(const char* name, size_t size) noexcept {
  for (int signal = 1; signal < NSIG; ++signal) {
    const char* const known = sigsafe::detail::signal_name(signal);
    if (strlen(known) == size + 3 && strncmp(known + 3, name, size) == 0) return signal;
  }
  return 0;
}

void read_tier(const char* text) noexcept {
  if (text == nullptr) return;
  if (text[0] >= '1' && text[0] <= '4' && text[1] == '\0')
    wanted.tier = text[0] - '0';
  else
    say("SIGSAFE_SHIELD_TIER is \"", text, "\", which is no tier: 1, 2, 3 or 4; it is 3 now");
}

void read_exempt(const char* text) noexcept {
  if (text == nullptr) return;
  wanted.exempt = 0;
  while (*text != '\0') {
    const size_t size = strcspn(text, ",");
    const int signal = signal_named(text, size);
    if (signal != 0)
      wanted.exempt |= kernel::bit_of(signal);
    else
      say("SIGSAFE_SHIELD_EXEMPT names no signal in \"", text,
          "\": names are as PROF, RTMIN+3, with commas between them");
    text += size;
    if (*text == ',') ++text;
  }
}

void read() noexcept {
  read_tier(value_of("SIGSAFE_SHIELD_TIER"));
  read_exempt(value_of("SIGSAFE_SHIELD_EXEMPT"));
  wanted.only_calls = syscall(SYS_prctl, PR_GET_SECCOMP, 0, 0, 0, 0) > 0;
}

enum : int { unread, reading, known };
int state = unread;

}  // namespace

const settings& current_settings() noexcept {
  int expected = unread;
  if (__atomic_load_n(&state, __ATOMIC_ACQUIRE) != known &&
      __atomic_compare_exchange_n(&state, &expected, reading, false, __ATOMIC_ACQUIRE,
                                  __ATOMIC_ACQUIRE)) {
    const kernel::errno_saver kept;
    read();
    __atomic_store_n(&state, known, __ATOMIC_RELEASE);
  }
  return wanted;  // whoever interrupts the reader has the defaults
}

void only_call_handlers() noexcept { wanted.only_calls = true; }

void say(const char* first, const char* second, const char* third) noexcept {
  const kernel::errno_saver kept;
  const char* const texts[] = {"sigsafe-shield: ", first, second, third, "\n"};
  iovec pieces[5];
  for (int i = 0; i < 5; ++i) pieces[i] = {const_cast<char*>(texts[i]), strlen(texts[i])};
  syscall(SYS_writev, STDERR_FILENO, pieces, 5);
}

}  // namespace shield
