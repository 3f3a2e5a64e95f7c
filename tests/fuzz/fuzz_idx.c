// SPDX-License-Identifier: Apache-2.0
// Fuzzes the IDX reader with any bytes, gzip included. Property: whatever is accepted reads the same rows in one piece
// and one by one.
#include "tests/fuzz/fuzz_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    fuzz_format("idx", data, len);
    return 0;
}
