// SPDX-License-Identifier: Apache-2.0
// Philox 4x32-10. The constants are those of the paper; the tests hold its published vectors.
#include "gpu/rng.h"

void sw_rng_block(uint64_t seed, uint64_t stream, uint64_t counter, uint32_t out[static 4])
{
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t c[4] = {(uint32_t)counter, (uint32_t)(counter >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)};
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)c[0] * 0xD2511F53u, b = (uint64_t)c[2] * 0xCD9E8D57u;
        uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ key[0], (uint32_t)b, (uint32_t)(a >> 32) ^ c[3] ^ key[1],
                            (uint32_t)a};
        for (int i = 0; i < 4; i++)
            c[i] = next[i];
        key[0] += 0x9E3779B9u;
        key[1] += 0xBB67AE85u;
    }
    for (int i = 0; i < 4; i++)
        out[i] = c[i];
}

float sw_rng_uniform(uint64_t seed, uint64_t stream, uint64_t counter)
{
    uint32_t block[4];
    sw_rng_block(seed, stream, counter / 4, block);
    return (float)(block[counter % 4] >> 8) * 0x1p-24f;
}

void sw_rng_shuffle(uint64_t seed, uint64_t stream, int64_t *items, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        uint32_t block[4];
        sw_rng_block(seed, stream, i, block);
        uint64_t random = (uint64_t)block[1] << 32 | block[0];
        // Multiply and shift instead of a modulo: bias below i / 2^64.
        size_t j = (size_t)(((unsigned __int128)random * i) >> 64);
        int64_t item = items[i - 1];
        items[i - 1] = items[j];
        items[j] = item;
    }
}
