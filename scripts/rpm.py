#!/usr/bin/env python3
"""Lists what an .rpm puts where, and with --needs what it needs, on systems without rpm."""
import struct
import sys

# Numbers of what is told, in the format's own list.
SIZES, MODES, NEEDS, FOLDERS_OF, NAMES, FOLDERS = 1028, 1030, 1049, 1116, 1117, 1118


def header(data, at):
    """What a header at this place says, by number, and where it ends."""
    magic, count, length = struct.unpack_from(">4s4xII", data, at)
    if magic != b"\x8e\xad\xe8\x01":
        sys.exit("This is no .rpm.")
    store = at + 16 + 16 * count
    said = {}
    for entry in range(count):
        tag, kind, offset, items = struct.unpack_from(">IIII", data, at + 16 + 16 * entry)
        here = store + offset
        if kind in (3, 4):
            said[tag] = struct.unpack_from(f">{items}{'H' if kind == 3 else 'I'}", data, here)
        elif kind in (6, 8, 9):
            said[tag] = [text.decode() for text in data[here : store + length].split(b"\0", items)[:items]]
    return said, store + length


def main():
    data = open(sys.argv[1], "rb").read()
    # A lead that says nothing, then signatures, padded to eight bytes.
    _, end = header(data, 96)
    said, _ = header(data, (end + 7) // 8 * 8)
    if "--needs" in sys.argv:
        print("\n".join(said[NEEDS]))
        return
    for name, folder, size, mode in zip(said[NAMES], said[FOLDERS_OF], said[SIZES], said[MODES]):
        print(f"{mode:06o} {size:10} {said[FOLDERS][folder]}{name}")


if __name__ == "__main__":
    main()
