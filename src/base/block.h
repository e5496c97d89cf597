/* block.h - memory for a great many numbers that are walked from end to end, such as all weights of
 * a model. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BASE_BLOCK_H
#define SG_BASE_BLOCK_H

#include <stddef.h>

/* `bytes` zeros, 64-byte aligned, to be given to free(); NULL when there is no memory. A block of
 * several megabytes asks for huge pages. */
void *sg_block_create(size_t bytes);

#endif
