/* replay.h - runs a fuzz target over its committed corpus without libFuzzer: every file whole, cut
 * at every length (large ones at 256 lengths), and with single bytes changed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TESTS_SUPPORT_REPLAY_H
#define SG_TESTS_SUPPORT_REPLAY_H

#include <stddef.h>
#include <stdint.h>

typedef int (*sg_fuzz_target)(const uint8_t *data, size_t size);

/* Returns how many inputs were run; the target aborts on a finding. 0 when the folder is missing.
 */
size_t sg_replay(sg_fuzz_target target, const char *folder);

#endif
