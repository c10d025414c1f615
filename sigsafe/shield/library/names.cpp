// Tier 4: names of users, groups and hosts, which read files and ask servers below locks.
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stddef.h>
#include <sys/socket.h>

#include <sigsafe/shield/library/next_function.hpp>
#include <sigsafe/shield/library/tiered_region.hpp>

namespace shield {
namespace {

const next_function<struct passwd*(const char*)> next_getpwnam{"getpwnam"};
const next_function<struct passwd*(uid_t)> next_getpwuid{"getpwuid"};
const next_function<int(const char*, struct passwd*, char*, size_t, struct passwd**)>
    next_getpwnam_r{"getpwnam_r"};
const next_function<int(uid_t, struct passwd*, char*, size_t, struct passwd**)> next_getpwuid_r{
    "getpwuid_r"};
const next_function<struct passwd*()> next_getpwent{"getpwent"};
const next_function<void()> next_setpwent{"setpwent"};
const next_function<void()> next_endpwent{"endpwent"};
const next_function<struct group*(const char*)> next_getgrnam{"getgrnam"};
const next_function<struct group*(gid_t)> next_getgrgid{"getgrgid"};
const next_function<int(const char*, struct group*, char*, size_t, struct group**)> next_getgrnam_r{
    "getgrnam_r"};
const next_function<int(gid_t, struct group*, char*, size_t, struct group**)> next_getgrgid_r{
    "getgrgid_r"};
const next_function<int(const char*, gid_t, gid_t*, int*)> next_getgrouplist{"getgrouplist"};
const next_function<int(const char*, gid_t)> next_initgroups{"initgroups"};
const next_function<int(const char*, const char*, const struct addrinfo*, struct addrinfo**)>
    next_getaddrinfo{"getaddrinfo"};
const next_function<void(struct addrinfo*)> next_freeaddrinfo{"freeaddrinfo"};
const next_function<int(const struct sockaddr*, socklen_t, char*, socklen_t, char*, socklen_t, int)>
    next_getnameinfo{"getnameinfo"};
const next_function<struct hostent*(const char*)> next_gethostbyname{"gethostbyname"};
const next_function<struct hostent*(const void*, socklen_t, int)> next_gethostbyaddr{
    "gethostbyaddr"};

struct in_names : tiered_region {
  in_names() noexcept : tiered_region(4, sigsafe_shield_stdio) {}
};

}  // namespace
}  // namespace shield

using namespace shield;

#pragma GCC visibility push(default)
extern "C" {

struct passwd* getpwnam(const char* user) {
  const in_names inside;
  return next_getpwnam(user);
}

struct passwd* getpwuid(uid_t user) {
  const in_names inside;
  return next_getpwuid(user);
}

int getpwnam_r(const char* name, struct passwd* entry, char* buffer, size_t size,
               struct passwd** result) {
  const in_names inside;
  return next_getpwnam_r(name, entry, buffer, size, result);
}

int getpwuid_r(uid_t user, struct passwd* entry, char* buffer, size_t size,
               struct passwd** result) {
  const in_names inside;
  return next_getpwuid_r(user, entry, buffer, size, result);
}

struct passwd* getpwent() {
  const in_names inside;
  return next_getpwent();
}

void setpwent() {
  const in_names inside;
  next_setpwent();
}

void endpwent() {
  const in_names inside;
  next_endpwent();
}

struct group* getgrnam(const char* group) {
  const in_names inside;
  return next_getgrnam(group);
}

struct group* getgrgid(gid_t group) {
  const in_names inside;
  return next_getgrgid(group);
}

int getgrnam_r(const char* name, struct group* entry, char* buffer, size_t size,
               struct group** result) {
  const in_names inside;
  return next_getgrnam_r(name, entry, buffer, size, result);
}

int getgrgid_r(gid_t group, struct group* entry, char* buffer, size_t size, struct group** result) {
  const in_names inside;
  return next_getgrgid_r(group, entry, buffer, size, result);
}

int getgrouplist(const char* user, gid_t group, gid_t* groups, int* count) {
  const in_names inside;
  return next_getgrouplist(user, group, groups, count);
}

int initgroups(const char* user, gid_t group) {
  const in_names inside;
  return next_initgroups(user, group);
}

int getaddrinfo(const char* node, const char* service, const struct addrinfo* hints,
                struct addrinfo** result) {
  const in_names inside;
  return next_getaddrinfo(node, service, hints, result);
}

void freeaddrinfo(struct addrinfo* list) {
  const in_names inside;
  next_freeaddrinfo(list);
}

int getnameinfo(const struct sockaddr* address, socklen_t size, char* host, socklen_t host_size,
                char* service, socklen_t service_size, int flags) {
  const in_names inside;
  return next_getnameinfo(address, size, host, host_size, service, service_size, flags);
}

struct hostent* gethostbyname(const char* name) {
  const in_names inside;
  return next_gethostbyname(name);
}

struct hostent* gethostbyaddr(const void* address, socklen_t size, int family) {
  const in_names inside;
  return next_gethostbyaddr(address, size, family);
}

}  // extern "C"
#pragma GCC visibility pop
