/* test_thread.c - every item once, the first failure told, whatever the number of threads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"
#include "support/check.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

enum { ITEMS = 5000 };

typedef struct work {
    atomic_int seen[ITEMS];
    size_t fails_at;
} work;

static sg_status visit(void *user, size_t i, sg_error *err) {
    work *w = user;
    atomic_fetch_add(&w->seen[i], 1);
    if (i >= w->fails_at) return sg_fail(err, SG_ERR_INPUT, "item %zu", i);
    return SG_OK;
}

static void every_item_is_visited_once(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    static const int sizes[] = {0, 1, 3, 8};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        static work w;
        memset(&w, 0, sizeof w);
        w.fails_at = ITEMS;
        sg_pool *pool;
        CHECK_OK(sg_pool_create(&pool, sizes[k], &err));
        assert_int_equal(sg_pool_size(pool), sizes[k]);
        for (int round = 0; round < 20; round++)
            CHECK_OK(sg_pool_for(pool, ITEMS, visit, &w, &err));
        CHECK_OK(sg_pool_for(pool, 0, visit, &w, &err));
        sg_pool_destroy(pool);
        for (size_t i = 0; i < ITEMS; i++) assert_int_equal(w.seen[i], 20);
    }
}

static void a_failure_stops_the_loop_and_is_told(void **state) {
    (void)state;
    static work w;
    for (int threads = 0; threads < 4; threads++) {
        memset(&w, 0, sizeof w);
        w.fails_at = 100;
        sg_error err = SG_ERROR_INIT;
        sg_pool *pool;
        CHECK_OK(sg_pool_create(&pool, threads, &err));
        CHECK_FAILS(sg_pool_for(pool, ITEMS, visit, &w, &err), SG_ERR_INPUT, "item 1");
        for (size_t i = 0; i < 100; i++) assert_int_equal(w.seen[i], 1);
        assert_int_equal(w.seen[ITEMS - 1], 0);
        w.fails_at = ITEMS;
        CHECK_OK(sg_pool_for(pool, ITEMS, visit, &w, &err));
        sg_pool_destroy(pool);
    }
}

static void a_stop_flag_ends_the_loop_between_two_items(void **state) {
    (void)state;
    static work w;
    for (int threads = 0; threads < 4; threads++) {
        memset(&w, 0, sizeof w);
        w.fails_at = ITEMS;
        sg_error err = SG_ERROR_INIT;
        sg_pool *pool;
        volatile sig_atomic_t stop = 0;
        CHECK_OK(sg_pool_create(&pool, threads, &err));
        sg_pool_set_stop(pool, &stop);
        CHECK_OK(sg_pool_for(pool, ITEMS, visit, &w, &err));
        stop = SIGINT;
        CHECK_FAILS(sg_pool_for(pool, ITEMS, visit, &w, &err), SG_ERR_INTERRUPTED, "stopped");
        for (size_t i = 0; i < ITEMS; i++) assert_int_equal(w.seen[i], 1);
        sg_pool_destroy(pool);
    }
}

static void no_pool_runs_in_order_here(void **state) {
    (void)state;
    static work w;
    w.fails_at = 3;
    sg_error err = SG_ERROR_INIT;
    CHECK_FAILS(sg_pool_for(NULL, ITEMS, visit, &w, &err), SG_ERR_INPUT, "item 3");
    assert_int_equal(w.seen[4], 0);
    sg_pool_destroy(NULL);
    assert_int_equal(sg_pool_size(NULL), 0);
}

static void counts_that_make_no_sense_are_refused(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_pool *pool;
    CHECK_FAILS(sg_pool_create(&pool, -1, &err), SG_ERR_USAGE, "-1");
    assert_true(sg_cpu_count() >= 1);
}

static void *step_back(void *niceness) {
    sg_thread_step_back();
    *(int *)niceness = getpriority(PRIO_PROCESS, 0);
    return NULL;
}

static void one_thread_steps_back_alone(void **state) {
    (void)state;
    pthread_t thread;
    int before = getpriority(PRIO_PROCESS, 0), its = -1;
    assert_int_equal(pthread_create(&thread, NULL, step_back, &its), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(its, before + 5 > 19 ? 19 : before + 5);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_item_is_visited_once),
            cmocka_unit_test(a_failure_stops_the_loop_and_is_told),
            cmocka_unit_test(a_stop_flag_ends_the_loop_between_two_items),
            cmocka_unit_test(no_pool_runs_in_order_here),
            cmocka_unit_test(counts_that_make_no_sense_are_refused),
            cmocka_unit_test(one_thread_steps_back_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
