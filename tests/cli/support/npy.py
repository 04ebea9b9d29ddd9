"""NumPy's format, for tests of the command line."""

import struct


def npy(rows, fortran=False, kind="d", descr="<f8", shape=None):
    """The bytes of a .npy of these rows."""
    shape = shape or (len(rows), len(rows[0]))
    text = str({"descr": descr, "fortran_order": fortran, "shape": shape})
    text += " " * (-(10 + len(text) + 1) % 64) + "\n"
    cells = [cell for line in (zip(*rows) if fortran else rows) for cell in line]
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + struct.pack(f"<{len(cells)}{kind}", *cells)
