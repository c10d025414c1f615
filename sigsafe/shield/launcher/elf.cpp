#include <sigsafe/shield/launcher/elf.hpp>

#include <cxxabi.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace shield {
namespace {

/// A file in memory. What lies outside of it is not there.
class image {
 public:
  explicit image(const std::string& path) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat about{};
    if (fd >= 0 && fstat(fd, &about) == 0 && about.st_size > 0) {
      size_ = static_cast<std::size_t>(about.st_size);
      void* const mapped = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
      if (mapped != MAP_FAILED) bytes_ = static_cast<const std::byte*>(mapped);
    }
    const int error = errno;
    if (fd >= 0) close(fd);
    if (bytes_ == nullptr && (fd < 0 || about.st_size > 0))
      throw std::system_error(error, std::generic_category(), path + " cannot be read");
    if (bytes_ == nullptr) size_ = 0;
  }
  image(const image&) = delete;
  image& operator=(const image&) = delete;
  ~image() {
    if (bytes_ != nullptr) munmap(const_cast<std::byte*>(bytes_), size_);
  }

  template <class T>
  [[nodiscard]] std::optional<T> at(std::uint64_t offset) const {
    if (offset > size_ || size_ - offset < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes_ + offset, sizeof(T));
    return value;
  }
  /// Up to the zero behind it; empty when that is outside.
  [[nodiscard]] std::string_view text(std::uint64_t offset) const {
    if (offset >= size_) return {};
    const auto* const begin = reinterpret_cast<const char*>(bytes_ + offset);
    const std::size_t length = strnlen(begin, size_ - offset);
    return length == size_ - offset ? std::string_view{} : std::string_view{begin, length};
  }

 private:
  const std::byte* bytes_ = nullptr;
  std::size_t size_ = 0;
};

struct format_32 {
  using header = Elf32_Ehdr;
  using section = Elf32_Shdr;
  using segment = Elf32_Phdr;
  using dynamic = Elf32_Dyn;
  using symbol = Elf32_Sym;
  using note = Elf32_Nhdr;
};
struct format_64 {
  using header = Elf64_Ehdr;
  using section = Elf64_Shdr;
  using segment = Elf64_Phdr;
  using dynamic = Elf64_Dyn;
  using symbol = Elf64_Sym;
  using note = Elf64_Nhdr;
};

template <class Format>
class reader {
 public:
  reader(const image& file, elf_file& result) : file_(file), result_(result) {}

  void read() {
    const auto header = file_.at<typename Format::header>(0);
    if (!header) return;
    result_.machine = header->e_machine;
    for (unsigned i = 0; i < header->e_phnum; ++i)
      if (const auto found =
              file_.at<segment>(header->e_phoff + std::uint64_t{i} * sizeof(segment)))
        segments_.push_back(*found);
    for (const segment& each : segments_) {
      if (each.p_type == PT_INTERP) result_.interpreter = file_.text(each.p_offset);
      if (each.p_type == PT_NOTE) read_notes(each.p_offset, each.p_offset + each.p_filesz);
      if (each.p_type == PT_DYNAMIC) read_dynamic(each.p_offset, each.p_offset + each.p_filesz);
    }
  }

 private:
  using segment = typename Format::segment;

  void read_notes(std::uint64_t offset, std::uint64_t end) {
    using note = typename Format::note;
    const auto padded = [](std::uint64_t size) { return (size + 3) / 4 * 4; };
    while (offset < end) {
      const auto found = file_.at<note>(offset);
      if (!found) return;
      if (file_.text(offset + sizeof(note)) == "Go") result_.is_go = true;
      offset += sizeof(note) + padded(found->n_namesz) + padded(found->n_descsz);
    }
  }

  void read_dynamic(std::uint64_t offset, std::uint64_t end) {
    using dynamic = typename Format::dynamic;
    std::vector<std::uint64_t> needed;
    std::uint64_t strings = 0, symbols = 0;
    for (; offset < end; offset += sizeof(dynamic)) {
      const auto entry = file_.at<dynamic>(offset);
      if (!entry || entry->d_tag == DT_NULL) break;
      const std::uint64_t value = entry->d_un.d_val;
      if (entry->d_tag == DT_NEEDED) needed.push_back(value);
      if (entry->d_tag == DT_STRTAB) strings = place_of(value);
      if (entry->d_tag == DT_SYMTAB) symbols = place_of(value);
    }
    if (strings == 0) return;
    for (const std::uint64_t name : needed)
      result_.libraries.emplace_back(file_.text(strings + name));
    if (symbols != 0) read_symbols(symbols, strings);
  }

  // The table has no length of its own; linkers put its strings behind it.
  void read_symbols(std::uint64_t offset, std::uint64_t strings) {
    using symbol = typename Format::symbol;
    for (; offset + sizeof(symbol) <= strings; offset += sizeof(symbol)) {
      const auto entry = file_.at<symbol>(offset);
      if (!entry) return;
      if (entry->st_shndx != SHN_UNDEF && (entry->st_info & 0xf) == STT_FUNC)
        result_.functions.emplace_back(file_.text(strings + entry->st_name));
    }
  }

  /// In the file; 0 when the address is not of it.
  [[nodiscard]] std::uint64_t place_of(std::uint64_t address) const {
    for (const segment& each : segments_)
      if (each.p_type == PT_LOAD && address >= each.p_vaddr &&
          address - each.p_vaddr < each.p_filesz)
        return address - each.p_vaddr + each.p_offset;
    return 0;
  }

  const image& file_;
  elf_file& result_;
  std::vector<segment> segments_;
};

/// Names of functions, also of those that libraries do not find.
template <class Format>
class symbols {
 public:
  explicit symbols(const image& file) : file_(file) {}

  [[nodiscard]] std::string_view name_at(std::uint64_t offset) const {
    const auto header = file_.at<typename Format::header>(0);
    if (!header) return {};
    const std::uint64_t address = offset + first_address(*header);
    for (unsigned i = 0; i < header->e_shnum; ++i) {
      const auto table = section_at(*header, i);
      if (!table || (table->sh_type != SHT_SYMTAB && table->sh_type != SHT_DYNSYM)) continue;
      const auto strings = section_at(*header, table->sh_link);
      if (!strings) continue;
      if (const auto name = name_in(*table, strings->sh_offset, address); !name.empty())
        return name;
    }
    return {};
  }

 private:
  using section = typename Format::section;

  template <class Header>
  [[nodiscard]] std::optional<section> section_at(const Header& header, std::uint64_t i) const {
    return file_.at<section>(header.e_shoff + i * sizeof(section));
  }

  [[nodiscard]] std::string_view name_in(const section& table, std::uint64_t strings,
                                         std::uint64_t address) const {
    using symbol = typename Format::symbol;
    for (std::uint64_t at = 0; at < table.sh_size; at += sizeof(symbol)) {
      const auto entry = file_.at<symbol>(table.sh_offset + at);
      if (!entry) return {};
      if (entry->st_value == address && (entry->st_info & 0xf) == STT_FUNC)
        return file_.text(strings + entry->st_name);
    }
    return {};
  }

  // 0 but for programs that cannot be moved.
  template <class Header>
  [[nodiscard]] std::uint64_t first_address(const Header& header) const {
    using segment = typename Format::segment;
    for (unsigned i = 0; i < header.e_phnum; ++i) {
      const auto found = file_.at<segment>(header.e_phoff + std::uint64_t{i} * sizeof(segment));
      if (found && found->p_type == PT_LOAD) return found->p_vaddr / 4096 * 4096;
    }
    return 0;
  }

  const image& file_;
};

std::string demangled(std::string_view name) {
  if (!name.starts_with("_Z")) return std::string{name};  // "f" would be the type float
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text{
      abi::__cxa_demangle(std::string{name}.c_str(), nullptr, nullptr, &status), std::free};
  return text != nullptr ? text.get() : std::string{name};
}

}  // namespace

std::string function_at(const std::string& path, std::uint64_t offset) {
  try {
    const image file{path};
    const auto word_size = file.at<std::uint8_t>(EI_CLASS);
    if (word_size == ELFCLASS32) return demangled(symbols<format_32>{file}.name_at(offset));
    if (word_size == ELFCLASS64) return demangled(symbols<format_64>{file}.name_at(offset));
    return {};
  } catch (const std::system_error&) {
    return {};  // it has gone, or is of a root folder of its own
  }
}

elf_file read_elf(const std::string& path) {
  const image file{path};
  elf_file result;
  const auto magic = file.at<std::uint32_t>(0);
  std::uint32_t expected;
  std::memcpy(&expected, ELFMAG, sizeof(expected));
  if (magic != expected) return result;
  result.is_elf = true;
  result.word_size = file.at<std::uint8_t>(EI_CLASS).value_or(ELFCLASSNONE);
  if (result.word_size == ELFCLASS32) reader<format_32>{file, result}.read();
  if (result.word_size == ELFCLASS64) reader<format_64>{file, result}.read();
  return result;
}

}  // namespace shield
