/* fuzz_inflate.c - whatever the bytes: our reader of zlib streams takes no more than zlib does and
 * gives the same bytes. The first two say how many are expected; the sum at the end is mended, or
 * no changed stream would ever get past it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "image/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* True when the raw stream in[size] makes exactly out_size bytes. */
static bool zlib_inflate(uint8_t *out, size_t out_size, const uint8_t *in, size_t size) {
    z_stream z = {0};
    if (inflateInit2(&z, -15)) return false;
    z.next_in = (uint8_t *)(uintptr_t)in;
    z.avail_in = (unsigned)size;
    z.next_out = out;
    z.avail_out = (unsigned)out_size;
    bool whole = inflate(&z, Z_FINISH) == Z_STREAM_END && !z.avail_in && !z.avail_out;
    inflateEnd(&z);
    return whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { EXPECTED = 2, HEADER = 2, TRAILER = 4 };
    if (size < EXPECTED + HEADER + TRAILER) return 0;
    size_t out_size = data[0] | (size_t)data[1] << 8, in_size = size - EXPECTED;
    uint8_t *in = malloc(in_size + SG_INFLATE_IN_SLACK), *theirs = calloc(out_size + 1, 1);
    uint8_t *ours = malloc(out_size + SG_INFLATE_OUT_SLACK);
    assert(in && ours && theirs);
    memcpy(in, data + EXPECTED, in_size);
    memset(in + in_size, 0, SG_INFLATE_IN_SLACK);
    bool whole = zlib_inflate(theirs, out_size, in + HEADER, in_size - HEADER - TRAILER);
    uLong sum = adler32(1, theirs, (unsigned)out_size);
    for (int i = 0; i < TRAILER; i++)
        in[in_size - TRAILER + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
    if (sg_inflate(ours, out_size, in, in_size)) assert(whole && !memcmp(ours, theirs, out_size));
    free(in);
    free(ours);
    free(theirs);
    return 0;
}
