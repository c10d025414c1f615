#include <sigsafe/shield/library/counts.hpp>

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sigsafe/shield/library/kernel.hpp>
#include <sigsafe/shield/library/settings.hpp>
#include <sigsafe/shield/library/stubs.hpp>
#include <sigsafe/shield/library/thread_state.hpp>
#include <sigsafe/shield/report.h>

namespace shield {
namespace {

/// Where the handler of a stub is, for whoever has the file.
struct place {
  uint64_t offset;
  char module[sigsafe_shield_longest_path];
};

sigsafe_shield_report* counts = nullptr;
place* places = nullptr;  // of the handlers of all stubs

// The launcher knows what the program is called that this one was started as.
void find_module(const char* path, char (&module)[sigsafe_shield_longest_path]) noexcept {
  char program[PATH_MAX];
  const bool is_program = strchr(path, '/') == nullptr;
  const ssize_t size = is_program ? readlink("/proc/self/exe", program, sizeof(program) - 1) : -1;
  if (size > 0) {
    program[size] = '\0';
    path = program;
  }
  const size_t length = strlen(path), room = sizeof(module) - 1;
  strcpy(module, length > room ? path + (length - room) : path);
}

void find_place(const void* function, place& found) noexcept {
  Dl_info about;
  const auto address = reinterpret_cast<uintptr_t>(function);
  if (dladdr(function, &about) == 0 || about.dli_fname == nullptr) {
    strcpy(found.module, "?");
    found.offset = address;
    return;
  }
  found.offset = address - reinterpret_cast<uintptr_t>(about.dli_fbase);
  find_module(about.dli_fname, found.module);
}

// True when the entry is of this handler of the signal now.
bool takes(sigsafe_shield_counts& entry, int signal, const place& handler) noexcept {
  enum : uint32_t { empty, claimed, complete };
  uint32_t state = __atomic_load_n(&entry.state, __ATOMIC_ACQUIRE);
  if (state == empty && __atomic_compare_exchange_n(&entry.state, &state, claimed, false,
                                                    __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)) {
    entry.signal = signal;
    entry.offset = handler.offset;
    memcpy(entry.module, handler.module, sizeof(handler.module));
    __atomic_store_n(&entry.state, complete, __ATOMIC_RELEASE);
    return true;
  }
  return state == complete && entry.signal == signal && entry.offset == handler.offset &&
         strcmp(entry.module, handler.module) == 0;
}

// Null: there is no room, or nothing is counted. Threads that enter the same handler at the same
// time may enter it twice: the launcher prints two rows then.
sigsafe_shield_counts* entry_of(size_t stub, int signal) noexcept {
  if (counts == nullptr) return nullptr;
  for (sigsafe_shield_counts& entry : counts->handlers)
    if (takes(entry, signal, places[stub])) return &entry;
  return nullptr;
}

void add_one(uint64_t& counter) noexcept { __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED); }

}  // namespace

void map_counts() noexcept {
  const char* const path = getenv("SIGSAFE_SHIELD_REPORT");
  if (path == nullptr || path[0] == '\0') return;
  const kernel::errno_saver kept;
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;  // a program with fewer rights: the launcher's documentation says so
  struct stat about;
  void* mapped = MAP_FAILED;
  if (fstat(fd, &about) == 0 && about.st_size == sizeof(*counts))
    mapped = mmap(nullptr, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped == MAP_FAILED) return;
  auto* const found = static_cast<sigsafe_shield_report*>(mapped);
  if (found->magic != SIGSAFE_SHIELD_REPORT_MAGIC) {
    say(path, " counts for another version of sigsafe-shield; nothing is counted");
    munmap(mapped, sizeof(*counts));
    return;
  }
  void* const memory = mmap(nullptr, sizeof(place) * most_stubs, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  places = static_cast<place*>(memory);
  counts = found;
}

void name_handler(size_t stub) noexcept {
  if (counts == nullptr || places[stub].module[0] != '\0') return;
  const kernel::errno_saver kept;
  find_place(reinterpret_cast<const void*>(handler_of(stub)), places[stub]);
}

void count_unshielded_handler() noexcept {
  if (counts != nullptr) add_one(counts->unshielded);
}

void count_deferral(size_t stub, int signal, uint32_t inside) noexcept {
  if (sigsafe_shield_counts* const entry = entry_of(stub, signal); entry != nullptr)
    add_one(entry->deferred[static_cast<unsigned>(__builtin_ctz(inside)) / bits_per_region]);
  else if (counts != nullptr)
    add_one(counts->uncounted);
}

void count_call(size_t stub, int signal) noexcept {
  if (sigsafe_shield_counts* const entry = entry_of(stub, signal); entry != nullptr)
    add_one(entry->called);
}

void count_let_in(size_t stub, int signal) noexcept {
  if (sigsafe_shield_counts* const entry = entry_of(stub, signal); entry != nullptr)
    add_one(entry->let_in);
}

}  // namespace shield
