#include <sigsafe/src/system/mappings.hpp>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <sigsafe/src/errno_saver.hpp>
#include <sigsafe/src/system/system.hpp>

namespace sigsafe::detail::system {
namespace {

// Reads a file by a small buffer, because alternate stacks are small.
class reader {
 public:
  explicit reader(const char* path) noexcept : file_(open(path, O_RDONLY | O_CLOEXEC)) {}
  reader(const reader&) = delete;
  reader& operator=(const reader&) = delete;
  ~reader() {
    if (file_ >= 0) close(file_);
  }

  static constexpr int end = -1;

  int next() noexcept {
    if (at_ == size_) fill();
    return at_ == size_ ? end : static_cast<unsigned char>(buffer_[at_++]);
  }

 private:
  void fill() noexcept {
    ssize_t size;
    do size = read(file_, buffer_, sizeof(buffer_));
    while (size < 0 && errno == EINTR);
    at_ = 0;
    size_ = size > 0 ? static_cast<std::size_t>(size) : 0;
  }

  int file_;
  std::size_t at_ = 0;
  std::size_t size_ = 0;
  char buffer_[512];
};

struct mapping {
  std::uintptr_t first;
  std::uintptr_t end;
  std::uintptr_t offset;  // in the file
  bool is_code;
  char object[sizeof(place::object)];
};

// A number, and the character behind it.
std::uintptr_t read_number(reader& from) noexcept {
  std::uintptr_t number = 0;
  for (;;) {
    const int c = from.next();
    if (c >= '0' && c <= '9')
      number = number * 16 + static_cast<unsigned>(c - '0');
    else if (c >= 'a' && c <= 'f')
      number = number * 16 + static_cast<unsigned>(c - 'a' + 10);
    else
      return number;
  }
}

void skip_word(reader& from) noexcept {
  for (int c = from.next(); c != ' ' && c != '\n' && c != reader::end;) c = from.next();
}

// Up to the end of the line. " (deleted)" is cut off.
void read_object(reader& from, mapping& to) noexcept {
  std::size_t size = 0;
  bool cut = false;
  for (int c = from.next(); c != '\n' && c != reader::end; c = from.next()) {
    if (c == '/') {
      size = 0;
      cut = false;
    } else if (c == ' ') {
      cut = size != 0;
    } else if (!cut && size < sizeof(to.object) - 1) {
      to.object[size++] = static_cast<char>(c);
    }
  }
  to.object[size] = '\0';
}

// first-end rwxp offset device inode   path
bool read_mapping(reader& from, mapping& to) noexcept {
  to.first = read_number(from);
  to.end = read_number(from);
  if (to.end == 0) return false;
  from.next();
  from.next();
  to.is_code = from.next() == 'x';
  skip_word(from);
  to.offset = read_number(from);
  skip_word(from);
  // The inode ends at the first of the blanks before the path, or at the end of the line.
  int c = from.next();
  while (c >= '0' && c <= '9') c = from.next();
  to.object[0] = '\0';
  if (c == ' ') read_object(from, to);
  return true;
}

// Addresses in a program that cannot be moved are those that its file says.
bool cannot_be_moved(std::uintptr_t base) noexcept {
  struct {
    unsigned char identification[EI_NIDENT];
    std::uint16_t type;
  } header;
  return copy_from(reinterpret_cast<const void*>(base), &header, sizeof(header)) &&
         std::memcmp(header.identification, ELFMAG, SELFMAG) == 0 && header.type == ET_EXEC;
}

}  // namespace

void find_objects(place* places, std::size_t size) noexcept {
  const errno_saver saver;
  reader maps{"/proc/self/maps"};
  char object[sizeof(place::object)] = {};
  std::uintptr_t base = 0;  // where the first mapping of this object begins
  for (mapping now; read_mapping(maps, now);) {
    if (now.offset == 0 || std::strcmp(object, now.object) != 0) base = now.first - now.offset;
    std::memcpy(object, now.object, sizeof(object));
    for (std::size_t i = 0; i < size; ++i) {
      place& found = places[i];
      if (found.address < now.first || found.address >= now.end) continue;
      found.is_code = now.is_code;
      std::memcpy(found.object, object, sizeof(object));
      found.offset = cannot_be_moved(base) ? found.address : found.address - base;
    }
  }
}

}  // namespace sigsafe::detail::system
