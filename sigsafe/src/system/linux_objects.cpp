#include <sigsafe/src/system/objects.hpp>

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

// Or every static program would contain them.
#pragma weak dladdr
#pragma weak dlerror
#pragma weak dlsym

// Linkers define it: the first byte of the object that this code is part of.
extern "C" [[gnu::visibility("hidden"), gnu::weak]] const ElfW(Ehdr) __ehdr_start;

namespace sigsafe::detail::system {
namespace {

const ElfW(Phdr) * headers_of_the_program() noexcept {
  return reinterpret_cast<const ElfW(Phdr)*>(getauxval(AT_PHDR));
}

struct search {
  const char* owner;
  void (*function)(const note&, void*);
  void* argument;
  bool found_program = false;
};

// What the note says is at this distance from the word that says so.
const void* described_by(const unsigned char* word) noexcept {
  std::int32_t distance;
  std::memcpy(&distance, word, sizeof(distance));
  return reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(word) +
                                       static_cast<std::uintptr_t>(distance));
}

// Name and contents are each padded. The segment's alignment says to how much, but some linkers say
// 1 or 0 for 4.
void visit_notes(const search& looking, const char* object, const ElfW(Phdr) & segment,
                 const unsigned char* at) noexcept {
  const std::size_t unit = segment.p_align == 8 ? 8 : 4;
  const auto padded = [unit](std::size_t size) { return (size + unit - 1) / unit * unit; };
  const unsigned char* const end = at + segment.p_memsz;
  const std::size_t length = std::strlen(looking.owner) + 1;
  ElfW(Nhdr) header;
  while (static_cast<std::size_t>(end - at) > sizeof(header)) {
    std::memcpy(&header, at, sizeof(header));
    const unsigned char* const name = at + sizeof(header);
    const std::size_t before = padded(sizeof(header) + header.n_namesz);
    const std::size_t size = padded(before + header.n_descsz);
    if (size > static_cast<std::size_t>(end - at)) return;
    if (header.n_namesz == length && std::memcmp(name, looking.owner, length) == 0)
      looking.function({object, header.n_type, described_by(at + before)}, looking.argument);
    at += size;
  }
}

int visit_object(dl_phdr_info* info, std::size_t, void* argument) noexcept {
  auto& looking = *static_cast<search*>(argument);
  // Newer releases of glibc give the program's path.
  const bool is_program = info->dlpi_phdr == headers_of_the_program();
  if (is_program) looking.found_program = true;
  for (int i = 0; i < info->dlpi_phnum; ++i)
    if (const auto& segment = info->dlpi_phdr[i]; segment.p_type == PT_NOTE)
      visit_notes(looking, is_program ? "" : info->dlpi_name, segment,
                  reinterpret_cast<const unsigned char*>(info->dlpi_addr + segment.p_vaddr));
  return 0;
}

}  // namespace

bool has_dynamic_linker() noexcept {
  // The program's headers ask for one.
  const ElfW(Phdr)* const headers = headers_of_the_program();
  for (std::size_t i = 0; headers != nullptr && i < getauxval(AT_PHNUM); ++i)
    if (headers[i].p_type == PT_INTERP) return dlsym != nullptr;
  return false;
}

bool is_in_the_program() noexcept {
  const ElfW(Ehdr)* const object = &__ehdr_start;
  const ElfW(Phdr)* const headers = headers_of_the_program();
  if (object == nullptr || headers == nullptr) return true;  // not known
  return reinterpret_cast<std::uintptr_t>(object) + object->e_phoff ==
         reinterpret_cast<std::uintptr_t>(headers);
}

bool for_each_note(const char* owner, void (*function)(const note&, void*),
                   void* argument) noexcept {
  search looking{owner, function, argument};
  dl_iterate_phdr(visit_object, &looking);
  return looking.found_program || SIGSAFE_GLIBC == 0;  // others have no dlmopen
}

const void* find(const char* symbol) noexcept {
  const void* const address = dlsym(RTLD_DEFAULT, symbol);
  // Or whoever called the dlopen that loads us would take the failure for his own.
  if (address == nullptr) dlerror();
  return address;
}

bool is_exported(const void* address, const char* symbol) noexcept {
  Dl_info found{};
  return dladdr != nullptr && dladdr(address, &found) != 0 && found.dli_sname != nullptr &&
         std::strcmp(found.dli_sname, symbol) == 0;
}

}  // namespace sigsafe::detail::system
