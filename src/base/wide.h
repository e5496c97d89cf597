/* wide.h - loops over many floats that use the widest vectors of whatever processor they meet.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BASE_WIDE_H
#define SG_BASE_WIDE_H

/* Before a function with a hot loop: the compiler makes one for each vector width, and the loader
 * picks. Not under sanitizers, whose own start-up comes after the picking; nor with SG_ONE_WIDTH,
 * by which tests reach the others (config=sse, config=avx2). */
#if !defined(SG_ONE_WIDTH) && defined(__x86_64__) && defined(__gnu_linux__) &&                     \
        !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__) &&  \
        defined(__OPTIMIZE__)
#define SG_WIDE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SG_WIDE
#endif

#endif
