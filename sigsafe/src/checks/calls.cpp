// What daemons call in handlers and POSIX does not list as async-signal-safe: stdio, syslog, local
// times, the environment, exit. Not here: what a lock of sigsafe protects when a mutex is around
// it, as pthread_mutex_lock; what allocates, which is seen there; and getenv, which is safe where
// nobody calls setenv.
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <ctime>

#include <sigsafe/src/checks/interpose.hpp>

using std::FILE;
using std::size_t;
using std::tm;

// The linker is told to look for this name: an archive alone gives nothing to a program that refers
// to nothing in it.
extern "C" SIGSAFE_API const char sigsafe_checks[];
extern "C" constinit const char sigsafe_checks[] = "sigsafe::checks";

SIGSAFE_CHECKS_FORMAT(printf, vprintf, (const char* format, ...), format)
SIGSAFE_CHECKS_FORMAT(fprintf, vfprintf, (FILE * file, const char* format, ...), file, format)
SIGSAFE_CHECKS_FORMAT(dprintf, vdprintf, (int fd, const char* format, ...), fd, format)
SIGSAFE_CHECKS_FORMAT(sprintf, vsprintf, (char* text, const char* format, ...), text, format)
SIGSAFE_CHECKS_FORMAT(snprintf, vsnprintf, (char* text, size_t size, const char* format, ...), text,
                      size, format)
SIGSAFE_CHECKS(int, vprintf, (const char* format, va_list more), format, more)
SIGSAFE_CHECKS(int, vfprintf, (FILE * file, const char* format, va_list more), file, format, more)
SIGSAFE_CHECKS(int, vdprintf, (int fd, const char* format, va_list more), fd, format, more)
SIGSAFE_CHECKS(int, vsprintf, (char* text, const char* format, va_list more), text, format, more)
SIGSAFE_CHECKS(int, vsnprintf, (char* text, size_t size, const char* format, va_list more), text,
               size, format, more)

SIGSAFE_CHECKS(int, puts, (const char* text), text)
SIGSAFE_CHECKS(int, putchar, (int character), character)
SIGSAFE_CHECKS(int, putc, (int character, FILE* file), character, file)
SIGSAFE_CHECKS(int, fputc, (int character, FILE* file), character, file)
SIGSAFE_CHECKS(int, fputs, (const char* text, FILE* file), text, file)
SIGSAFE_CHECKS(size_t, fwrite, (const void* data, size_t size, size_t count, FILE* file), data,
               size, count, file)
SIGSAFE_CHECKS(size_t, fread, (void* data, size_t size, size_t count, FILE* file), data, size,
               count, file)
SIGSAFE_CHECKS(char*, fgets, (char* text, int size, FILE* file), text, size, file)
SIGSAFE_CHECKS(FILE*, fopen, (const char* path, const char* mode), path, mode)
SIGSAFE_CHECKS(FILE*, fopen64, (const char* path, const char* mode), path, mode)
SIGSAFE_CHECKS(FILE*, fdopen, (int fd, const char* mode), fd, mode)
SIGSAFE_CHECKS(FILE*, popen, (const char* command, const char* mode), command, mode)
SIGSAFE_CHECKS(int, fflush, (FILE * file), file)
SIGSAFE_CHECKS(int, fclose, (FILE * file), file)
SIGSAFE_CHECKS(int, pclose, (FILE * file), file)
SIGSAFE_CHECKS(void, perror, (const char* text), text)

// syslog returns nothing, and nobody looks at what is returned here.
SIGSAFE_CHECKS_FORMAT(syslog, vsyslog, (int priority, const char* format, ...), priority, format)
SIGSAFE_CHECKS(void, vsyslog, (int priority, const char* format, va_list more), priority, format,
               more)
SIGSAFE_CHECKS(void, openlog, (const char* name, int option, int facility), name, option, facility)

SIGSAFE_CHECKS(tm*, localtime, (const void* time), time)
SIGSAFE_CHECKS(tm*, localtime_r, (const void* time, tm* result), time, result)
SIGSAFE_CHECKS(tm*, gmtime, (const void* time), time)
SIGSAFE_CHECKS(tm*, gmtime_r, (const void* time, tm* result), time, result)
SIGSAFE_CHECKS(long, mktime, (tm * time), time)
SIGSAFE_CHECKS(char*, ctime, (const void* time), time)
SIGSAFE_CHECKS(char*, ctime_r, (const void* time, char* text), time, text)
SIGSAFE_CHECKS(char*, asctime, (const tm* time), time)
// What they are called with _TIME_BITS=64 where a long has 32 bits; elsewhere nobody calls them.
SIGSAFE_CHECKS(tm*, __localtime64, (const void* time), time)
SIGSAFE_CHECKS(tm*, __localtime64_r, (const void* time, tm* result), time, result)
SIGSAFE_CHECKS(tm*, __gmtime64, (const void* time), time)
SIGSAFE_CHECKS(tm*, __gmtime64_r, (const void* time, tm* result), time, result)
SIGSAFE_CHECKS(long long, __mktime64, (tm * time), time)
SIGSAFE_CHECKS(char*, __ctime64, (const void* time), time)
SIGSAFE_CHECKS(char*, __ctime64_r, (const void* time, char* text), time, text)
SIGSAFE_CHECKS(size_t, strftime, (char* text, size_t size, const char* format, const tm* time),
               text, size, format, time)

SIGSAFE_CHECKS(char*, strerror, (int error), error)
SIGSAFE_CHECKS(char*, strsignal, (int signal), signal)
SIGSAFE_CHECKS(int, setenv, (const char* name, const char* value, int replace), name, value,
               replace)
SIGSAFE_CHECKS(int, unsetenv, (const char* name), name)
SIGSAFE_CHECKS(int, putenv, (char* text), text)
SIGSAFE_CHECKS(int, system, (const char* command), command)
SIGSAFE_CHECKS(void, exit, (int status), status)

// What they are called with -D_FORTIFY_SOURCE.
SIGSAFE_CHECKS_FORMAT(__printf_chk, __vprintf_chk, (int flag, const char* format, ...), flag,
                      format)
SIGSAFE_CHECKS_FORMAT(__fprintf_chk, __vfprintf_chk,
                      (FILE * file, int flag, const char* format, ...), file, flag, format)
SIGSAFE_CHECKS_FORMAT(__dprintf_chk, __vdprintf_chk, (int fd, int flag, const char* format, ...),
                      fd, flag, format)
SIGSAFE_CHECKS_FORMAT(__sprintf_chk, __vsprintf_chk,
                      (char* text, int flag, size_t size, const char* format, ...), text, flag,
                      size, format)
SIGSAFE_CHECKS_FORMAT(__snprintf_chk, __vsnprintf_chk,
                      (char* text, size_t most, int flag, size_t size, const char* format, ...),
                      text, most, flag, size, format)
SIGSAFE_CHECKS(int, __vprintf_chk, (int flag, const char* format, va_list more), flag, format, more)
SIGSAFE_CHECKS(int, __vfprintf_chk, (FILE * file, int flag, const char* format, va_list more), file,
               flag, format, more)
SIGSAFE_CHECKS(int, __vdprintf_chk, (int fd, int flag, const char* format, va_list more), fd, flag,
               format, more)
SIGSAFE_CHECKS(int, __vsprintf_chk,
               (char* text, int flag, size_t size, const char* format, va_list more), text, flag,
               size, format, more)
SIGSAFE_CHECKS(int, __vsnprintf_chk,
               (char* text, size_t most, int flag, size_t size, const char* format, va_list more),
               text, most, flag, size, format, more)
SIGSAFE_CHECKS(char*, __fgets_chk, (char* text, size_t room, int size, FILE* file), text, room,
               size, file)
SIGSAFE_CHECKS(size_t, __fread_chk,
               (void* data, size_t room, size_t size, size_t count, FILE* file), data, room, size,
               count, file)
SIGSAFE_CHECKS_FORMAT(__syslog_chk, __vsyslog_chk,
                      (int priority, int flag, const char* format, ...), priority, flag, format)
SIGSAFE_CHECKS(void, __vsyslog_chk, (int priority, int flag, const char* format, va_list more),
               priority, flag, format, more)
