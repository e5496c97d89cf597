/* Population-based training: who copies whom, what a step is, the toy whose answer is known, and an
 * optimum that moves. SPDX-License-Identifier: Apache-2.0 */
#include "tune/pbt.h"

#include "support/check.h"
#include "support/population.h"
#include "tune/hybrid.h"

#include <math.h>
#include <stdlib.h>

static const sg_pbt_options defaults = SG_PBT_OPTIONS_INIT;

static void test_the_worst_copy_the_best(void **state) {
    (void)state;
    const double scores[8] = {5, 1, 7, 2, 6, 3, 8, 4};
    size_t parent[8], seen[8] = {0};
    for (int g = 1; g <= 200; g++) {
        assert_true(sg_pbt_select(parent, scores, 8, g, &defaults));
        for (size_t i = 0; i < 8; i++)
            if (i != 2 && i != 6) assert_int_equal(parent[i], i);
        seen[parent[2]]++;
        seen[parent[6]]++;
    }
    assert_int_equal(seen[1] + seen[3], 400);
    assert_in_range(seen[1], 150, 250);
}

static void test_ties_and_failures(void **state) {
    (void)state;
    size_t parent[4];
    const double tied[2] = {1, 1};
    assert_true(sg_pbt_select(parent, tied, 2, 1, &defaults));
    assert_int_equal(parent[0], 0);
    assert_int_equal(parent[1], 0);
    const double failed[4] = {NAN, NAN, 3, NAN};
    assert_true(sg_pbt_select(parent, failed, 4, 1, &defaults));
    for (size_t i = 0; i < 4; i++) assert_int_equal(parent[i], 2);
    const double one[8] = {NAN, NAN, NAN, NAN, NAN, 3, NAN, NAN};
    size_t parents[8];
    for (int g = 1; g <= 20; g++) {
        assert_true(sg_pbt_select(parents, one, 8, g, &defaults));
        for (size_t i = 0; i < 8; i++) assert_int_equal(parents[i], 5);
    }
    const double none[2] = {NAN, NAN};
    assert_false(sg_pbt_select(parent, none, 2, 1, &defaults));
    const double alone[1] = {1};
    assert_true(sg_pbt_select(parent, alone, 1, 1, &defaults));
    assert_int_equal(parent[0], 0);
}

static void fill(sg_space *space) {
    static const char *const lines[][2] = {{"lr", "float 1e-5 1e-1 log"}, {"smooth", "float 0 0.2"},
            {"batch", "ordered 8 16 32 64"}, {"kind", "choice a b c"},
            {"momentum", "float 0.5 0.9 if kind = b"}, {"turns", "int 1 5"}};
    sg_error err = SG_ERROR_INIT;
    memset(space, 0, sizeof *space);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        CHECK_OK(sg_space_add(space, lines[i][0], lines[i][1], &err));
}

/* Without redraws every number moves by exactly its step, and stays inside its range. */
static void test_steps(void **state) {
    (void)state;
    sg_space space;
    fill(&space);
    sg_pbt_options options = defaults;
    options.resample = 0;
    const double from[SG_SPACE_MAX] = {1e-3, 0, 3, 1, 0.7, 1};
    int up = 0;
    for (size_t m = 0; m < 40; m++) {
        double to[SG_SPACE_MAX];
        sg_pbt_explore(to, &space, from, m, 3, &options);
        double ratio = to[0] / from[0];
        up += ratio > 1;
        assert_true(fabs(ratio - 1.2) < 1e-9 || fabs(ratio - 1 / 1.2) < 1e-9);
        assert_true(fabs(to[1] - 0.02) < 1e-12);
        assert_true(to[2] == 2 && to[3] == 1 && to[5] == 2);
        assert_true(fabs(fabs(to[4] - 0.7) - 0.04) < 1e-12);
    }
    assert_in_range(up, 10, 30);
    sg_space_dispose(&space);
}

/* A redraw reaches the whole space, and a condition that comes true gets a value. */
static void test_redraws(void **state) {
    (void)state;
    sg_space space;
    fill(&space);
    sg_pbt_options options = defaults;
    options.resample = 1;
    const double from[SG_SPACE_MAX] = {1e-3, 0, 3, 0, NAN, 1};
    int low = 0, kinds[3] = {0};
    for (size_t m = 0; m < 60; m++) {
        double to[SG_SPACE_MAX], again[SG_SPACE_MAX];
        sg_pbt_explore(to, &space, from, m, 1, &options);
        sg_pbt_explore(again, &space, from, m, 1, &options);
        assert_true(sg_space_equal(&space, to, again));
        low += to[0] < 1e-3;
        kinds[(int)to[3]]++;
        assert_int_equal(isnan(to[4]), to[3] != 1);
    }
    assert_in_range(low, 15, 45);
    for (int k = 0; k < 3; k++) assert_in_range(kinds[k], 8, 35);
    sg_space_dispose(&space);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

enum { SEEDS = 200 };

static void toy(double *median, double *worst, bool exploit, bool explore) {
    double q[SEEDS];
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        q[seed] = toy_population(seed + 1, exploit, explore);
    qsort(q, SEEDS, sizeof *q, by_value);
    *median = 0.5 * (q[SEEDS / 2 - 1] + q[SEEDS / 2]);
    *worst = q[0];
}

static void test_toy(void **state) {
    (void)state;
    double median, worst;
    toy(&median, &worst, true, true);
    if (!(median >= 1.195 && worst >= 1.09)) fail_msg("median %g, worst %g", median, worst);
    toy(&median, &worst, false, true);
    if (!(median >= 1.12 && median <= 1.16)) fail_msg("explore only %g", median);
    toy(&median, &worst, true, false);
    if (!(fabs(median - 0.39) < 5e-4)) fail_msg("exploit only %g", median);
}

/* The short form of bench-search: a fifth of the way, two seeds. */
static void test_follows_an_optimum_that_moves(void **state) {
    (void)state;
    double regret[DRIFT_METHODS] = {0};
    for (int m = 0; m <= DRIFT_PB2; m++)
        for (uint64_t seed = 1; seed <= 2; seed++)
            regret[m] += drift_regret((drift_method)m, seed, 20);
    if (!(regret[DRIFT_PB2] < regret[DRIFT_PBT] && regret[DRIFT_PBT] < regret[DRIFT_RANDOM]))
        fail_msg("random %g, pbt %g, pb2 %g", regret[0], regret[1], regret[2]);
}

/* A member that failed copies; when all did, the search says so. */
static void test_rounds(void **state) {
    (void)state;
    sg_space space;
    sg_error err = SG_ERROR_INIT;
    fill(&space);
    enum { N = 4 };
    sg_stretch history[N] = {0};
    for (size_t m = 0; m < N; m++) {
        const double point[SG_SPACE_MAX] = {1e-4 * (double)(m + 1), 0.1, 1, 0, NAN, 2};
        history[m] = (sg_stretch){.member = m, .parent = m, .score = m == 1 ? NAN : (double)m};
        memcpy(history[m].point, point, sizeof point);
    }
    for (int model = 0; model < 2; model++) {
        sg_pbt_options options = defaults;
        options.model = model;
        options.resample = 0;
        size_t parents[N];
        double points[N * SG_SPACE_MAX];
        CHECK_OK(sg_pbt_next(parents, points, &space, history, N, N, 1, &options, &err));
        const size_t expected[N] = {0, 0, 2, 3};
        assert_memory_equal(parents, expected, sizeof expected);
        for (size_t m = 0; m < N; m++) {
            double *p = points + m * SG_SPACE_MAX;
            assert_int_equal(sg_space_equal(&space, p, history[m].point), m != 1);
            assert_true(p[0] >= 1e-5 && p[0] <= 1e-1);
        }
        assert_false(sg_space_equal(&space, points + SG_SPACE_MAX, history[0].point));
    }
    for (size_t m = 0; m < N; m++) history[m].score = NAN;
    size_t parents[N];
    double points[N * SG_SPACE_MAX];
    CHECK_FAILS(sg_pbt_next(parents, points, &space, history, N, N, 1, &defaults, &err),
            SG_ERR_NUMERIC, "all 4 members failed in generation 0");
    sg_space_dispose(&space);
}

/* The points of generation 2 after two generations of members that went on from themselves. */
static void follow_model(double *points, size_t *parents, const sg_space *space, size_t members,
        const double *x, const double *first, const double *second) {
    sg_stretch *history = calloc(2 * members, sizeof *history);
    sg_error err = SG_ERROR_INIT;
    sg_pbt_options options = defaults;
    options.model = true;
    options.resample = 0;
    assert_non_null(history);
    for (size_t i = 0; i < 2 * members; i++) {
        size_t m = i % members;
        int generation = i >= members;
        history[i] = (sg_stretch){.member = m, .parent = m, .generation = generation};
        history[i].point[0] = generation ? x[m] : 0.5;
        history[i].score = generation ? second[m] : first[m];
    }
    CHECK_OK(sg_pbt_next(parents, points, space, history, 2 * members, members, 2, &options, &err));
    free(history);
}

/* The better a member already was, the less it gained by a high x: what counts is the gain. */
static void test_gain_not_standing(void **state) {
    (void)state;
    enum { N = 8 };
    sg_space space = {0};
    sg_error err = SG_ERROR_INIT;
    double x[N], first[N], second[N], points[N * SG_SPACE_MAX];
    size_t parents[N];
    CHECK_OK(sg_space_add(&space, "x", "float 0 1", &err));
    for (size_t m = 0; m < N; m++) {
        x[m] = (double)m / (N - 1);
        first[m] = -5 * x[m];
        second[m] = first[m] + x[m] - 1;
    }
    follow_model(points, parents, &space, N, x, first, second);
    for (size_t m = 0; m < 2; m++) {
        assert_in_range(parents[m], 6, 7);
        assert_true(points[m * SG_SPACE_MAX] < 0.5);
    }
    sg_space_dispose(&space);
}

/* Two members that copy in one round do not look at the same place: the first one's point stands in
 * the model of the second, without which both come to the same. */
static void test_members_of_a_round_differ(void **state) {
    (void)state;
    enum { N = 8 };
    sg_space space = {0};
    sg_error err = SG_ERROR_INIT;
    double x[N], first[N], second[N], points[N * SG_SPACE_MAX];
    size_t parents[N];
    CHECK_OK(sg_space_add(&space, "x", "float 0 1", &err));
    for (size_t m = 0; m < N; m++) {
        x[m] = 0.5 + 0.01 * ((double)m - 3.5);
        first[m] = 0;
        second[m] = m < 2 ? -1 : -1.001;
    }
    follow_model(points, parents, &space, N, x, first, second);
    for (size_t m = 0; m < 2; m++) assert_in_range(parents[m], 2, 7);
    if (!(fabs(points[0] - points[SG_SPACE_MAX]) > 0.1))
        fail_msg("%g and %g", points[0], points[SG_SPACE_MAX]);
    sg_space_dispose(&space);
}

/* Architecture stays through steps, redraws and the model's proposals; what is free moves. */
static void test_what_is_held_stays(void **state) {
    (void)state;
    enum { N = 6 };
    static const bool held[2] = {false, true};
    sg_space space = {0};
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_space_add(&space, "lr", "float 0 1", &err));
    CHECK_OK(sg_space_add(&space, "dropout", "float 0 1", &err));
    sg_stretch history[N] = {0};
    for (size_t m = 0; m < N; m++) {
        history[m] = (sg_stretch){.member = m, .parent = m, .score = (double)m};
        history[m].point[0] = 0.5 + 0.01 * (double)m;
        history[m].point[1] = 0.3;
    }
    for (int way = 0; way < 4; way++) {
        size_t parents[N];
        double points[N * SG_SPACE_MAX];
        sg_pbt_options options = defaults;
        options.held = held;
        options.model = way & 1;
        options.resample = way & 2 ? 1 : 0;
        CHECK_OK(sg_pbt_next(parents, points, &space, history, N, N, 1, &options, &err));
        size_t copies = 0;
        for (size_t m = 0; m < N; m++) {
            const double *point = points + m * SG_SPACE_MAX;
            assert_true(fabs(point[1] - 0.3) < 1e-12);
            if (parents[m] == m) continue;
            copies++;
            assert_true(point[0] != history[parents[m]].point[0]);
        }
        assert_true(copies > 0);
    }
    sg_space_dispose(&space);
}

/* The best by the model first, then spread over the better half; what is held is the best's. */
static void test_hybrid_seeds(void **state) {
    (void)state;
    enum { N = 8, MEMBERS = 4 };
    sg_space space = {0};
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_space_add(&space, "lr", "float 0 1", &err));
    CHECK_OK(sg_space_add(&space, "model", "choice a b", &err));
    sg_trial trials[N] = {0};
    for (size_t i = 0; i < N; i++) {
        double x = (double)i / (N - 1);
        trials[i].point[0] = x;
        trials[i].point[1] = (double)(i % 2);
        trials[i].value = (x - 0.4) * (x - 0.4);
        trials[i].state = SG_TRIAL_COMPLETE;
    }
    trials[7].state = SG_TRIAL_FAILED;
    trials[7].value = NAN;
    const bool held[2] = {false, true};
    double points[MEMBERS * SG_SPACE_MAX];
    CHECK_OK(sg_hybrid_seed(points, &space, trials, N, MEMBERS, held, 1, &err));
    assert_true(fabs(points[0] - 3.0 / 7) < 1e-12);
    assert_true(fabs(points[SG_SPACE_MAX] - 1.0 / 7) < 1e-12); /* the better half: 1/7 to 4/7 */
    for (size_t m = 0; m < MEMBERS; m++) {
        assert_true(points[m * SG_SPACE_MAX + 1] == points[1]);
        for (size_t k = 0; k < m; k++)
            assert_false(
                    sg_space_equal(&space, points + m * SG_SPACE_MAX, points + k * SG_SPACE_MAX));
    }
    CHECK_OK(sg_hybrid_seed(points, &space, trials, 2, MEMBERS, held, 1, &err));
    CHECK_FAILS(sg_hybrid_seed(points, &space, trials + 7, 1, MEMBERS, held, 1, &err), SG_ERR_INPUT,
            "no short run");
    sg_space_dispose(&space);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_the_worst_copy_the_best),
            cmocka_unit_test(test_ties_and_failures),
            cmocka_unit_test(test_steps),
            cmocka_unit_test(test_redraws),
            cmocka_unit_test(test_toy),
            cmocka_unit_test(test_follows_an_optimum_that_moves),
            cmocka_unit_test(test_rounds),
            cmocka_unit_test(test_gain_not_standing),
            cmocka_unit_test(test_members_of_a_round_differ),
            cmocka_unit_test(test_what_is_held_stays),
            cmocka_unit_test(test_hybrid_seeds),
    };
    return cmocka_run_group_tests_name("tune/pbt", tests, NULL, NULL);
}
