"""Extension modules without what no loader reads: debug information and symbols for linkers.

Only program headers matter to `dlopen`, so whatever lies behind the last loaded segment goes, and with it the table
of sections. Source: Tool Interface Standard, "Executable and Linking Format"; the layout for 64 bit is in elf(5).
"""

import struct

__all__ = ["loadable"]

_MAGIC = b"\x7fELF\x02\x01"  # 64 bit, little endian
_PROGRAM_HEADERS_AT, _SECTION_HEADERS_AT, _SIZES_AT, _SECTIONS_AT = 32, 40, 54, 60
_HEADER_BYTES = 64


def loadable(data: bytes) -> bytes:
    """What a loader needs of a shared library; anything else comes back as it is."""
    if data[:6] != _MAGIC or len(data) < _HEADER_BYTES:
        return data
    (start,) = struct.unpack_from("<Q", data, _PROGRAM_HEADERS_AT)
    size, count = struct.unpack_from("<HH", data, _SIZES_AT)
    end = start + size * count
    for index in range(count):
        offset, _, _, length = struct.unpack_from("<QQQQ", data, start + index * size + 8)
        end = max(end, offset + length)
    kept = bytearray(data[:end])
    struct.pack_into("<Q", kept, _SECTION_HEADERS_AT, 0)
    struct.pack_into("<HH", kept, _SECTIONS_AT, 0, 0)  # number of sections, index of their names
    return bytes(kept)
