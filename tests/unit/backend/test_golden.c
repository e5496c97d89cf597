/* test_golden.c - forward and backward of small problems against PyTorch's answers
 * (tests/golden/ops/ops.txt), on the reference in double and on every backend in float.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "support/op_run.h"
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PATH "tests/golden/ops/ops.txt"

enum { MAX_VALUES = 4096 };

typedef struct golden {
    sg_problem problem;
    op_values given;                /* random where the case says nothing */
    double *expected[SG_ARG_COUNT]; /* owned; NULL where torch says nothing */
    int64_t expected_count[SG_ARG_COUNT];
} golden;

static int find_arg(const char *name) {
    for (int arg = 0; arg < SG_ARG_COUNT; arg++)
        if (strcmp(sg_arg_name((sg_arg)arg), name) == 0) return arg;
    fail_msg("%s: there is no argument \"%s\"", PATH, name);
    return -1;
}

/* "in src0 0.5 -1 ..." */
static void read_array(golden *g, char *line) {
    char *save = NULL, *kind = strtok_r(line, " ", &save), *name = strtok_r(NULL, " ", &save);
    assert_non_null(name);
    int arg = find_arg(name);
    bool in = strcmp(kind, "in") == 0;
    double *values = calloc(MAX_VALUES, sizeof *values);
    assert_non_null(values);
    int64_t count = 0;
    for (char *word; (word = strtok_r(NULL, " ", &save)) != NULL;) {
        assert_true(count < MAX_VALUES);
        values[count++] = strtod(word, NULL);
    }
    if (!in) {
        g->expected[arg] = values;
        g->expected_count[arg] = count;
        return;
    }
    if (g->given.of[arg]) { /* the pass may not need what torch needed */
        assert_int_equal(count, g->given.count[arg]);
        memcpy(g->given.of[arg], values, (size_t)count * sizeof *values);
    }
    free(values);
}

static void check(const golden *g, const char *backend_name, sg_dtype dtype, double tolerance) {
    sg_error err = SG_ERROR_INIT;
    sg_backend *backend;
    op_values v;
    sg_problem p = g->problem;
    char text[SG_PROBLEM_TEXT];
    p.dtype = dtype;
    assert_int_equal(sg_backend_create(&backend, backend_name, NULL, &err), SG_OK);
    assert_int_equal(op_values_copy(&v, &g->given, &err), SG_OK);
    if (op_run(&v, backend, &p, OP_CHOSEN, &err)) fail_msg("%s: %s", backend_name, err.message);
    for (int arg = 0; arg < SG_ARG_COUNT; arg++) {
        if (!g->expected[arg]) continue;
        assert_int_equal(g->expected_count[arg], v.count[arg]);
        for (int64_t i = 0; i < v.count[arg]; i++) {
            double error = fabs(v.of[arg][i] - g->expected[arg][i]);
            if (!(error <= tolerance * (1 + fabs(g->expected[arg][i]))))
                fail_msg("%s on %s: %s[%lld] is %.17g, PyTorch has %.17g",
                        sg_problem_text(text, &p), backend_name, sg_arg_name((sg_arg)arg),
                        (long long)i, v.of[arg][i], g->expected[arg][i]);
        }
    }
    op_values_dispose(&v);
    sg_backend_destroy(backend);
}

static void finish(golden *g) {
    check(g, "ref", SG_F64, 1e-12);
    for (const char *const *name = sg_backend_names(); *name; name++) check(g, *name, SG_F32, 3e-6);
    for (int arg = 0; arg < SG_ARG_COUNT; arg++) free(g->expected[arg]);
    op_values_dispose(&g->given);
    *g = (golden){.problem = {0}};
}

static void operations_answer_as_pytorch(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    char *text, *save = NULL;
    size_t size;
    golden g = {.problem = {0}};
    int cases = 0;
    assert_int_equal(sg_file_read(&text, &size, PATH, 1 << 20, &err), SG_OK);
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (line[0] == '#') continue;
        if (strncmp(line, "in ", 3) == 0 || strncmp(line, "out ", 4) == 0) {
            read_array(&g, line);
            continue;
        }
        if (cases++) finish(&g);
        if (sg_problem_parse(&g.problem, line, &err)) fail_msg("%s", err.message);
        assert_int_equal(op_values_create(&g.given, &g.problem, 1, &err), SG_OK);
    }
    finish(&g);
    free(text);
    assert_int_equal(cases, 23);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(operations_answer_as_pytorch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
