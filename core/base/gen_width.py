#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Prints width_table_private.h from Python's unicodedata (the Unicode Character Database with UAX #11's East Asian
# Width). Run: python3 core/base/gen_width.py > core/base/width_table_private.h
import unicodedata

# Planes and blocks that UAX #11 declares wide even where no character is assigned yet; the circled numbers on squares
# and the hexagrams, which glibc's wcwidth(), and with it ncurses, counts as wide (Unicode 16 does so for the latter).
WIDE_BLOCKS = [(0x3248, 0x324F), (0x4DC0, 0x4DFF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FFFD), (0x30000, 0x3FFFD)]
# Default-ignorable characters that are not format characters (Cf): fillers and joiners that show as nothing.
IGNORABLE = [(0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x3164, 0x3164), (0xFFA0, 0xFFA0),
             (0x2065, 0x2065), (0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF)]
# Format characters with a glyph of their own (property Prepended_Concatenation_Mark).
VISIBLE_FORMAT = {*range(0x0600, 0x0606), 0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2, 0x110BD, 0x110CD}
# Vowels and final consonants of Korean syllables, which join the leading consonant's cell.
JOINING_JAMO = [(0x1161, 0x11FF), (0xD7B0, 0xD7FB)]


def within(cp, ranges):
    return any(first <= cp <= last for first, last in ranges)


def class_of(cp):
    char = chr(cp)
    category = unicodedata.category(char)
    if category in ("Cf", "Zl", "Zp") and cp not in VISIBLE_FORMAT or within(cp, IGNORABLE):
        return "HIDDEN"
    if (cp & 0xFFFE) == 0xFFFE or 0xFDD0 <= cp <= 0xFDEF:
        return "HIDDEN"
    if category in ("Mn", "Me") or within(cp, JOINING_JAMO):
        return "ZERO"
    # Python calls every unassigned character wide ("F"), so those count by their block.
    if within(cp, WIDE_BLOCKS) or category != "Cn" and unicodedata.east_asian_width(char) in "WF":
        return "WIDE"
    return None


def main():
    rows = []
    for cp in range(0xA0, 0x110000):
        kind = class_of(cp) if not 0xD800 <= cp <= 0xDFFF else None
        if rows and rows[-1][2] == kind and rows[-1][1] == cp - 1:
            rows[-1][1] = cp
        elif kind:
            rows.append([cp, cp, kind])
    print("// SPDX-License-Identifier: Apache-2.0")
    print(f"// Made by gen_width.py from Unicode {unicodedata.unidata_version}; not edited by hand. Ranges in order:")
    print("// WIDE takes two columns, ZERO joins the character before it, HIDDEN shows as nothing and may deceive")
    print("// (bidi controls, zero-width and tag characters, noncharacters). All others take one column.")
    print("// clang-format off")
    print("static const struct text_range text_ranges[] = {")
    for at in range(0, len(rows), 3):
        print(" ".join("{0x%04X, 0x%04X, TEXT_%s}," % tuple(row) for row in rows[at:at + 3]))
    print("};")
    print("// clang-format on")


main()
