// Tier 4: output by stdio. Its locks are recursive, but what they protect is not whole in between.
// Asleep in a system call it is, as far as anybody could tell: a handler starts there at once.

// Not <stdio.h>, which defines some of these for optimising compilers.
#include <bits/types/FILE.h>
#include <stdarg.h>
#include <stddef.h>

#include <sigsafe/shield/library/next_function.hpp>
#include <sigsafe/shield/library/tiered_region.hpp>

// NOLINTBEGIN(misc-include-cleaner): see above

extern "C" {
int _IO_putc(int character, FILE* file);
int __vprintf_chk(int flag, const char* format, va_list arguments);
int __vfprintf_chk(FILE* file, int flag, const char* format, va_list arguments);
int __vdprintf_chk(int descriptor, int flag, const char* format, va_list arguments);
int __printf_chk(int flag, const char* format, ...);
int __fprintf_chk(FILE* file, int flag, const char* format, ...);
int __dprintf_chk(int descriptor, int flag, const char* format, ...);
}

namespace shield {
namespace {

const next_function<int(const char*)> next_puts{"puts"};
const next_function<int(const char*, FILE*)> next_fputs{"fputs"};
const next_function<int(int)> next_putchar{"putchar"};
const next_function<int(int, FILE*)> next_putc{"putc"};
const next_function<int(int, FILE*)> next_fputc{"fputc"};
const next_function<int(int, FILE*)> next_IO_putc{"_IO_putc"};
const next_function<size_t(const void*, size_t, size_t, FILE*)> next_fwrite{"fwrite"};
const next_function<int(FILE*)> next_fflush{"fflush"};
const next_function<int(FILE*)> next_fclose{"fclose"};
const next_function<int(const char*, va_list)> next_vprintf{"vprintf"};
const next_function<int(FILE*, const char*, va_list)> next_vfprintf{"vfprintf"};
const next_function<int(int, const char*, va_list)> next_vdprintf{"vdprintf"};
const next_function<int(int, const char*, va_list)> next_vprintf_chk{"__vprintf_chk"};
const next_function<int(FILE*, int, const char*, va_list)> next_vfprintf_chk{"__vfprintf_chk"};
const next_function<int(int, int, const char*, va_list)> next_vdprintf_chk{"__vdprintf_chk"};
const next_function<void(const char*)> next_perror{"perror"};

struct in_stdio : tiered_region {
  in_stdio() noexcept : tiered_region(4, sigsafe_shield_stdio) {}
};

}  // namespace
}  // namespace shield

using namespace shield;

#pragma GCC visibility push(default)
extern "C" {

int puts(const char* text) {
  const in_stdio inside;
  return next_puts(text);
}

int fputs(const char* text, FILE* file) {
  const in_stdio inside;
  return next_fputs(text, file);
}

int putchar(int character) {
  const in_stdio inside;
  return next_putchar(character);
}

int putc(int character, FILE* file) {
  const in_stdio inside;
  return next_putc(character, file);
}

int fputc(int character, FILE* file) {
  const in_stdio inside;
  return next_fputc(character, file);
}

int _IO_putc(int character, FILE* file) {
  const in_stdio inside;
  return next_IO_putc(character, file);
}

size_t fwrite(const void* data, size_t size, size_t count, FILE* file) {
  const in_stdio inside;
  return next_fwrite(data, size, count, file);
}

int fflush(FILE* file) {
  const in_stdio inside;
  return next_fflush(file);
}

int fclose(FILE* file) {
  const in_stdio inside;
  return next_fclose(file);
}

int vprintf(const char* format, va_list arguments) {
  const in_stdio inside;
  return next_vprintf(format, arguments);
}

int vfprintf(FILE* file, const char* format, va_list arguments) {
  const in_stdio inside;
  return next_vfprintf(file, format, arguments);
}

int vdprintf(int descriptor, const char* format, va_list arguments) {
  const in_stdio inside;
  return next_vdprintf(descriptor, format, arguments);
}

int __vprintf_chk(int flag, const char* format, va_list arguments) {
  const in_stdio inside;
  return next_vprintf_chk(flag, format, arguments);
}

int __vfprintf_chk(FILE* file, int flag, const char* format, va_list arguments) {
  const in_stdio inside;
  return next_vfprintf_chk(file, flag, format, arguments);
}

int __vdprintf_chk(int descriptor, int flag, const char* format, va_list arguments) {
  const in_stdio inside;
  return next_vdprintf_chk(descriptor, flag, format, arguments);
}

void perror(const char* text) {
  const in_stdio inside;
  next_perror(text);
}

int printf(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = vprintf(format, arguments);
  va_end(arguments);
  return result;
}

int fprintf(FILE* file, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = vfprintf(file, format, arguments);
  va_end(arguments);
  return result;
}

int dprintf(int descriptor, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = vdprintf(descriptor, format, arguments);
  va_end(arguments);
  return result;
}

int __printf_chk(int flag, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = __vprintf_chk(flag, format, arguments);
  va_end(arguments);
  return result;
}

int __fprintf_chk(FILE* file, int flag, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = __vfprintf_chk(file, flag, format, arguments);
  va_end(arguments);
  return result;
}

int __dprintf_chk(int descriptor, int flag, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = __vdprintf_chk(descriptor, flag, format, arguments);
  va_end(arguments);
  return result;
}

}  // extern "C"
#pragma GCC visibility pop

// NOLINTEND(misc-include-cleaner)
