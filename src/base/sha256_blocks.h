/* sha256_blocks.h - the inner loop of SHA-256 (FIPS 180-4) on processors that have instructions for
 * it, some four times as fast as without. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BASE_SHA256_BLOCKS_H
#define SG_BASE_SHA256_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool sg_sha256_has_blocks(void); /* this processor can do it */
/* Takes `count` blocks of 64 bytes into the hash. Only where the above is true. */
void sg_sha256_blocks(uint32_t state[8], const unsigned char *data, size_t count);

#endif
