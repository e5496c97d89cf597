/* inflate.h - a whole zlib stream (RFC 1950, 1951) into a buffer of known size, faster than zlib,
 * which has to be able to stop anywhere. It says yes or no: what it does not take, another reader
 * judges and finds words for.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_IMAGE_INFLATE_H
#define SG_IMAGE_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes behind `in` and `out` that must be there: read (any value), written over. */
enum { SG_INFLATE_IN_SLACK = 16, SG_INFLATE_OUT_SLACK = 16 };

/* True when in[in_size] is one sound stream, and no more than that, of exactly out_size bytes; they
 * are then in `out`. False for everything else, the few odd codes included that only zlib takes;
 * `out` then holds anything. */
bool sg_inflate(uint8_t *out, size_t out_size, const uint8_t *in, size_t in_size);

#endif
