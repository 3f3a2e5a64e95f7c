// SPDX-License-Identifier: Apache-2.0
// Random numbers as a pure function of (seed, stream, counter): Philox 4x32-10 of Salmon, Moraes, Dror and Shaw,
// "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). No state, so a resumed run needs nothing stored and any
// rank can compute any number.
#ifndef SW_GPU_RNG_H
#define SW_GPU_RNG_H

#include <stddef.h>
#include <stdint.h>

// Streams keep users of one seed apart. Layer n of a net uses SW_RNG_INIT + n, epoch n uses SW_RNG_SHUFFLE + n.
enum { SW_RNG_SPLIT = 1, SW_RNG_INIT = 0x1000, SW_RNG_SHUFFLE = 0x100000 };

void sw_rng_block(uint64_t seed, uint64_t stream, uint64_t counter, uint32_t out[static 4]);
// Uniform in [0, 1) with 24 bits.
float sw_rng_uniform(uint64_t seed, uint64_t stream, uint64_t counter);
// Fisher-Yates shuffle of `items`.
void sw_rng_shuffle(uint64_t seed, uint64_t stream, int64_t *items, size_t count);

#endif
