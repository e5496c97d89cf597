/* block.c - see block.h. Huge pages: a walk over a block that no cache holds is ended by address
 * translation at every small page.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/block.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LINE = 64, HUGE_PAGE = 2 << 20 };

void *sg_block_create(size_t bytes) {
    size_t alignment = bytes >= 2 * (size_t)HUGE_PAGE ? HUGE_PAGE : LINE;
    size_t whole = (bytes / alignment + 1) * alignment;
    if (whole < bytes) return NULL;
    void *block = aligned_alloc(alignment, whole);
    if (!block) return NULL;
    if (alignment == HUGE_PAGE) (void)madvise(block, whole, MADV_HUGEPAGE); /* advice only */
    memset(block, 0, whole);
    return block;
}
