/* test_replay_space.c - the fuzz target over its corpus.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/fuzz_space.c"
#include "support/check.h"
#include "support/replay.h"

static void the_corpus_finds_nothing(void **state) {
    (void)state;
    assert_true(sg_replay(LLVMFuzzerTestOneInput, "tests/fuzz/corpus/space") > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_corpus_finds_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
