# shellcheck shell=sh
# Sourced by tests/run: makes sure that the tools and libraries are there.
#
#   prepare NEED...
#
# A NEED is the name of a Debian package, as in the table below. On Debian and Ubuntu what is
# missing is installed with apt-get, as root or through sudo. Elsewhere nothing is installed: what
# is missing is named, and the exit status is 1.

# is_there NEED: looks for the thing itself, for systems without Debian's packages.
is_there() {
  case $1 in
    cmake | clang | g++ | lld) command -v "$1" ;;
    ninja-build) command -v ninja ;;
    pkgconf) command -v pkg-config ;;
    binutils) command -v size ;;
    patch | spin) command -v "$1" ;;
    libclang-rt-dev) echo 'int main() {}' | clang++ -fsanitize=thread -x c++ -o /dev/null - ;;
    libboost-dev) has_header boost/asio.hpp ;;
    libglib2.0-dev) pkg-config --exists glib-2.0 ;;
    libuv1-dev) pkg-config --exists libuv ;;
    libboost-test-dev) has_header boost/test/unit_test.hpp ;;
    libbenchmark-dev) has_header benchmark/benchmark.h ;;
    libcli11-dev) has_header CLI/CLI.hpp ;;
    nlohmann-json3-dev) has_header nlohmann/json.hpp ;;
    libfmt-dev) has_header fmt/format.h ;;
    libboost-dev) has_header boost/asio.hpp ;;
    libev-dev) has_header ev.h ;;
    libevent-dev) has_header event2/event.h ;;
    libuv1-dev) has_header uv.h ;;
    g++-aarch64-linux-gnu) command -v aarch64-linux-gnu-g++ ;;
    g++-riscv64-linux-gnu) command -v riscv64-linux-gnu-g++ ;;
    g++-*-multilib) echo 'int main() {}' | g++ -m32 -static -x c++ -o /dev/null - ;;
    qemu-system-arm) command -v qemu-system-aarch64 ;;
    qemu-system-misc | qemu-system-riscv) command -v qemu-system-riscv64 ;;
    qemu-system-x86) command -v qemu-system-x86_64 && command -v qemu-system-i386 ;;
    qemu-user) command -v qemu-aarch64 && command -v qemu-riscv64 ;;
    *)
      echo "prepare: there is no way to look for $1" >&2
      exit 1
      ;;
  esac >/dev/null 2>&1
}

has_header() {
  echo "#include <$1>" | g++ -std=c++20 -fsyntax-only -x c++ -
}

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

apt() {
  if ! apt_output=$($as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" 2>&1); then
    printf '%s\napt-get %s failed\n' "$apt_output" "$*" >&2
    exit 1
  fi
}

prepare() {
  if command -v apt-get >/dev/null 2>&1; then
    look_for=is_installed
  else
    look_for=is_there
  fi
  missing=
  for need in "$@"; do
    case "$missing " in *" $need "*) continue ;; esac
    "$look_for" "$need" || missing="$missing $need"
  done
  [ -n "$missing" ] || return 0

  if [ "$look_for" = is_there ]; then
    printf 'These are missing; install them (the names are those of Debian):%s\n' "$missing" >&2
    exit 1
  fi
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
      printf 'These packages are missing, and installing them needs root or sudo:%s\n' \
        "$missing" >&2
      exit 1
    fi
    as_root=sudo
  fi
  printf 'installing:%s\n' "$missing"
  apt update
  # shellcheck disable=SC2086 # the packages are words
  apt install --no-install-recommends $missing
}

# prepare_for QUICK LABELS: what the tests with these labels need; QUICK is true or false.
prepare_for() {
  needs='g++ cmake ninja-build libboost-test-dev libfmt-dev'
  [ "$1" = true ] || needs="$needs clang libclang-rt-dev"
  for label in $2; do
    case $label in
      benchmark)
        needs="$needs libbenchmark-dev libboost-dev libcli11-dev libev-dev libevent-dev libfmt-dev"
        needs="$needs libuv1-dev nlohmann-json3-dev"
        ;;
      freestanding)
        needs="$needs patch g++-aarch64-linux-gnu g++-riscv64-linux-gnu qemu-system-x86"
        needs="$needs qemu-system-arm qemu-system-misc binutils"
        ;;
      injection)
        needs="$needs patch libcli11-dev libfmt-dev binutils g++-aarch64-linux-gnu"
        needs="$needs g++-riscv64-linux-gnu qemu-user"
        ;;
      model) needs="$needs spin" ;;
      mutants) needs="$needs patch" ;;
      lint | samples)
        needs="$needs pkgconf libboost-dev libcli11-dev libglib2.0-dev libuv1-dev"
        needs="$needs nlohmann-json3-dev"
        ;;
      package) needs="$needs binutils clang lld pkgconf libboost-dev libglib2.0-dev libuv1-dev" ;;
      shield)
        needs="$needs patch libcli11-dev libfmt-dev nlohmann-json3-dev g++-aarch64-linux-gnu"
        needs="$needs g++-riscv64-linux-gnu qemu-user"
        ;;
      stress) needs="$needs libcli11-dev libfmt-dev nlohmann-json3-dev" ;;
      sweep) needs="$needs libcli11-dev libfmt-dev" ;;
    esac
  done
  # shellcheck disable=SC2086 # words
  prepare $needs
  case " $2 " in
    *' injection '* | *' freestanding '* | *' i386 '* | *' shield '*)
      # The package for i386 that leaves the cross compilers in place is that of the compiler's own
      # version.
      if [ "$(uname -m)" = x86_64 ]; then
        prepare "g++-$(g++ -dumpversion | cut -d. -f1)-multilib"
      fi
      ;;
  esac
  case " $2 " in *' lint '*) prepare_optional clang-format-19 clang-tidy-19 shellcheck ;; esac
  # Newer releases have the emulator for RISC-V in a package of its own.
  case " $2 " in *' freestanding '*) prepare_optional qemu-system-riscv ;; esac
}

# prepare_optional NEED...: those that this release has; tests say SKIPPED without the others.
prepare_optional() {
  command -v apt-get >/dev/null 2>&1 || return 0
  for optional in "$@"; do
    if ! is_installed "$optional" && apt-cache show "$optional" >/dev/null 2>&1; then
      prepare "$optional"
    fi
  done
}
