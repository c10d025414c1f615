// Text on the board's console.
#pragma once

#include <tests/freestanding/board.hpp>

namespace console {

inline void put(const char* text) noexcept {
  for (; *text != '\0'; ++text) board::put(*text);
}

inline void put(unsigned long number) noexcept {
  if (number >= 10) put(number / 10);
  board::put(static_cast<char>('0' + number % 10));
}

inline void put_address(unsigned long address) noexcept {
  put("0x");
  for (int shift = static_cast<int>(8 * sizeof(address)) - 4; shift >= 0; shift -= 4)
    board::put("0123456789abcdef"[(address >> shift) & 0xf]);
}

/// A line of texts and numbers.
template <class... Parts>
void print(const Parts&... parts) noexcept {
  (put(parts), ...);
  board::put('\n');
}

}  // namespace console
