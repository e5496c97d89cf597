/* test_pool.c - pooling in ceil mode against torch 1.13: what windows see that hang over the image,
 * with padding counted and not, and where the last window is dropped because it would start in the
 * padding. SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"
#include "support/op_run.h"
#include <math.h>

enum { MOST = 16 };

typedef struct golden {
    const char *line;
    double expected[MOST]; /* torch.nn.functional.max_pool2d, avg_pool2d, ceil_mode=True */
} golden;

/* The image holds 7 i mod (height * width): at 6 x 6 every number from 0 to 35 once. */
static const golden goldens[] = {
        {"max_pool:infer:f32 n1c1h6w6 k3x3 s2x2 p1x1:2x2",
                {13, 27, 35, 35, 25, 33, 34, 17, 31, 32, 29, 29, 30, 15, 29, 29}},
        {"avg_pool:infer:f32 n1c1h6w6 k3x3 s2x2 p1x1:2x2 include_pad",
                {26.0 / 9, 34.0 / 3, 50.0 / 3, 20.0 / 3, 31.0 / 3, 22, 16, 5.5, 43.0 / 3, 14, 16,
                        11.5, 31.0 / 6, 4, 11, 7.25}},
        {"avg_pool:infer:f32 n1c1h6w6 k3x3 s2x2 p1x1:2x2",
                {6.5, 17, 25, 20, 15.5, 22, 16, 11, 21.5, 14, 16, 23, 15.5, 8, 22, 29}},
};

static void check_on(sg_backend *backend, const golden *g) {
    sg_error err = SG_ERROR_INIT;
    sg_problem p;
    op_values v;
    CHECK_OK(sg_problem_parse(&p, g->line, &err));
    CHECK_OK(op_values_create(&v, &p, 1, &err));
    int64_t n = v.count[SG_ARG_SRC0];
    for (int64_t i = 0; i < n; i++) v.of[SG_ARG_SRC0][i] = (double)(7 * i % n);
    sg_status status = op_run(&v, backend, &p, OP_PLAIN, &err);
    if (status == SG_ERR_UNSUPPORTED && p.count_include_pad) {
        op_values_dispose(&v); /* plans fall back to ref here */
        return;
    }
    if (status) fail_msg("%s: %s", g->line, err.message);
    assert_int_equal(v.count[SG_ARG_DST], MOST);
    for (int i = 0; i < MOST; i++)
        if (fabs(v.of[SG_ARG_DST][i] - g->expected[i]) > 1e-5)
            fail_msg("%s: output %d is %.9g, torch gives %.9g", g->line, i, v.of[SG_ARG_DST][i],
                    g->expected[i]);
    op_values_dispose(&v);
}

static void overhanging_windows_are_torchs(void **state) {
    (void)state;
    static const char *const names[] = {"ref", "onednn"};
    sg_error err = SG_ERROR_INIT;
    for (size_t b = 0; b < sizeof names / sizeof *names; b++) {
        sg_backend *backend;
        CHECK_OK(sg_backend_create(&backend, names[b], NULL, &err));
        for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++)
            check_on(backend, &goldens[i]);
        sg_backend_destroy(backend);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(overhanging_windows_are_torchs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
