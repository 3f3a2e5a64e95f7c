// SPDX-License-Identifier: Apache-2.0
// All tests of CSV once more with a window of 7 bytes and an index of 8 marks, so that fields, quotes and line ends lie
// across windows and the index thins itself out.
#define SW_CSV_WINDOW_BYTES 7
#define SW_CSV_STRIDE       4
#define SW_CSV_MAX_MARKS    8

#include "core/data/csv.c"
#include "core/data/csv_scan.c"
#include "tests/unit/data/test_csv.c"
