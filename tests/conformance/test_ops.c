/* test_ops.c - every problem line on every backend, in every mode, against the reference in double;
 * and the reference itself against finite differences.
 *   test_ops                 all of problems.txt
 *   test_ops LINE [LINE...]  only these
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "support/op_lines.h"
#include "support/op_run.h"
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *program;
static op_lines lines;

static void print_failure(const sg_problem *p, const char *where, const char *what) {
    char text[SG_PROBLEM_TEXT];
    sg_problem_text(text, p);
    print_error("FAILED %s\n  on %s: %s\n  repeat: %s \"%s\"\n", text, where, what, program, text);
}

/* ||a - b|| / ||b||, plain ||a|| where b is zero; NaN when anything is. */
static double relative_error(const double *a, const double *b, int64_t count) {
    double difference = 0, size = 0;
    for (int64_t i = 0; i < count; i++) {
        difference += (a[i] - b[i]) * (a[i] - b[i]);
        size += b[i] * b[i];
    }
    return sqrt(size > 0 ? difference / size : difference);
}

/* ---- backends against the reference ---- */

typedef struct subject {
    const char *name, *note;
    sg_backend_options options;
    op_mode first_mode;
    sg_backend *backend;
    int runs, failures, unsupported;
} subject;

static sg_problem in_double(const sg_problem *p) {
    sg_problem copy = *p;
    copy.dtype = SG_F64;
    return copy;
}

static bool compare(const op_values *got, const op_values *expected, const sg_problem *p,
        double tolerance, const char *where) {
    for (int arg = 0; arg < SG_ARG_COUNT; arg++) {
        if (!op_is_output(p, (sg_arg)arg)) continue;
        double error = relative_error(got->of[arg], expected->of[arg], got->count[arg]);
        if (error <= tolerance) continue;
        char what[128];
        snprintf(what, sizeof what, "%s differs by %.3g, allowed %.3g", sg_arg_name((sg_arg)arg),
                error, tolerance);
        print_failure(p, where, what);
        return false;
    }
    return true;
}

static void run_line(
        subject *s, const op_line *line, const op_values *start, const op_values *expected) {
    for (op_mode mode = s->first_mode; mode < OP_MODES; mode++) {
        char where[96];
        snprintf(where, sizeof where, "%s%s, layouts %s", s->name, s->note, op_mode_name(mode));
        sg_error err = SG_ERROR_INIT;
        op_values got;
        assert_int_equal(op_values_copy(&got, start, &err), SG_OK);
        sg_status status = op_run(&got, s->backend, &line->problem, mode, &err);
        double tolerance = s->options.winograd ? line->tolerance : OP_TOLERANCE;
        s->runs++;
        if (status == SG_ERR_UNSUPPORTED && strcmp(s->name, "ref") != 0) {
            char text[SG_PROBLEM_TEXT];
            print_message("falls back: %s on %s\n", sg_problem_text(text, &line->problem), where);
            s->unsupported++;
        } else if (status) {
            print_failure(&line->problem, where, err.message);
            s->failures++;
        } else if (!compare(&got, expected, &line->problem, tolerance, where)) {
            s->failures++;
        }
        op_values_dispose(&got);
    }
}

/* Every backend, and the fast one once more as resumable runs use it. */
static int make_subjects(subject subjects[], int most) {
    sg_error err = SG_ERROR_INIT;
    int count = 0;
    for (const char *const *name = sg_backend_names(); *name; name++) {
        assert_true(count + 1 < most);
        subjects[count++] = (subject){.name = *name, .note = "", .options = {1, false, true}};
    }
    subjects[count++] = (subject){.name = sg_backend_names()[0],
            .note = " (2 threads, repeatable, no Winograd)",
            .options = {2, true, false},
            .first_mode = OP_BLOCKED};
    for (int i = 0; i < count; i++)
        assert_int_equal(sg_backend_create(&subjects[i].backend, subjects[i].name,
                                 &subjects[i].options, &err),
                SG_OK);
    return count;
}

static void backends_agree_with_the_reference(void **state) {
    (void)state;
    subject subjects[8];
    int count = make_subjects(subjects, 8), failures = 0;
    sg_backend *oracle;
    sg_error err = SG_ERROR_INIT;
    assert_int_equal(sg_backend_create(&oracle, "ref", NULL, &err), SG_OK);
    for (size_t i = 0; i < lines.count; i++) {
        sg_problem exact = in_double(&lines.items[i].problem);
        op_values start, expected;
        assert_int_equal(op_values_create(&start, &exact, i + 1, &err), SG_OK);
        assert_int_equal(op_values_copy(&expected, &start, &err), SG_OK);
        assert_int_equal(op_run(&expected, oracle, &exact, OP_PLAIN, &err), SG_OK);
        for (int k = 0; k < count; k++) run_line(&subjects[k], &lines.items[i], &start, &expected);
        op_values_dispose(&expected);
        op_values_dispose(&start);
    }
    sg_backend_destroy(oracle);
    for (int k = 0; k < count; k++) {
        const subject *s = &subjects[k];
        print_message("%s%s: %d runs, %d failed, %d fall back\n", s->name, s->note, s->runs,
                s->failures, s->unsupported);
        failures += s->failures;
        sg_backend_destroy(s->backend);
    }
    assert_int_equal(failures, 0);
}

/* What a prediction or training step of our models is made of must never fall back silently. */
static void onednn_offers_the_usual(void **state) {
    (void)state;
    static const char *const required[] = {
            "conv:*:f32 n1c16h8w8 o16 k3x3 s1x1 p1x1 bias",
            "conv:*:f32 n1c3h16w16 o16 k7x7 s2x2 p3x3",
            "conv:*:f32 n1c16h8w8 o16 k3x3 s1x1 p1x1 g16",
            "conv:*:f32 n1c16h8w8 o16 k3x3 s1x1 p1x1 g2",
            "conv:*:f32 n1c16h8w8 o16 k3x3 s1x1 p2x2 d2x2",
            "conv:infer:f32 n1c16h8w8 o16 k3x3 s1x1 p1x1 clip6 bias sum relu",
            "batch_norm:*:f32 n2c16h8w8 eps1e-05",
            "batch_norm:*:f32 n2c16h8w8 eps1e-05 relu",
            "batch_norm:*:f32 n2c16h8w8 eps1e-05 relu clip0.5",
            "batch_norm:*:f32 n2c16h8w8 eps1e-05 fixed",
            "batch_norm:*:f32 n2c16h8w8 eps1e-05 sum",
            "batch_norm:*:f32 n2c16h8w8 eps1e-05 sum relu",
            "relu:*:f32 n1c16h8w8",
            "relu:*:f32 n1c16h8w8 clip6",
            "max_pool:*:f32 n1c16h8w8 k3x3 s2x2 p1x1",
            "avg_pool:*:f32 n1c16h8w8 k2x2 s2x2 p0x0",
            "global_pool:*:f32 n1c16h8w8",
            "adaptive_pool:*:f32 n1c16h8w8 o7x7",
            "linear:*:f32 n2c16h1w1 o3 bias",
            "add:*:f32 n1c16h8w8 x2",
            "concat:*:f32 n1c16+32h8w8",
            "channel_scale:*:f32 n1c16h8w8",
            "channel_scale:*:f32 n1c16h8w8 sum relu",
            "sigmoid:*:f32 n2c16h1w1",
            "dropout:*:f32 n2c16h1w1",
            "affine:*:f32 n1c16h8w8",
            "reorder:infer:f32 n1c16h8w8",
    };
    static const sg_backend_options one_thread = {1, false, true};
    sg_error err = SG_ERROR_INIT;
    op_lines needed = {NULL, 0, 0};
    sg_backend *backend;
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        assert_int_equal(op_lines_add(&needed, required[i], &err), SG_OK);
    assert_int_equal(sg_backend_create(&backend, "onednn", &one_thread, &err), SG_OK);
    int failures = 0;
    for (size_t i = 0; i < needed.count; i++)
        for (op_mode mode = OP_CHOSEN; mode < OP_MODES; mode++) {
            op_values v;
            assert_int_equal(op_values_create(&v, &needed.items[i].problem, 1, &err), SG_OK);
            if (op_run(&v, backend, &needed.items[i].problem, mode, &err)) {
                print_failure(&needed.items[i].problem, op_mode_name(mode), err.message);
                failures++;
            }
            op_values_dispose(&v);
        }
    sg_backend_destroy(backend);
    op_lines_dispose(&needed);
    assert_int_equal(failures, 0);
}

/* ---- gradients ---- */

static const struct {
    sg_arg value, gradient;
} gradients[] = {
        {SG_ARG_SRC0, SG_ARG_DIFF_SRC0},
        {SG_ARG_SRC0 + 1, SG_ARG_DIFF_SRC0 + 1},
        {SG_ARG_SRC0 + 2, SG_ARG_DIFF_SRC0 + 2},
        {SG_ARG_WEIGHT, SG_ARG_DIFF_WEIGHT},
        {SG_ARG_BIAS, SG_ARG_DIFF_BIAS},
};

/* The gradient of an element of dst, of which a part may be given for the whole map. */
static double incoming(const op_values *v, int64_t i) {
    int64_t parts = v->count[SG_ARG_DIFF_PART];
    if (parts == 0) return v->of[SG_ARG_DIFF_DST][i];
    int64_t share = v->count[SG_ARG_DIFF_DST] / parts;
    return v->of[SG_ARG_DIFF_DST][i] + v->of[SG_ARG_DIFF_PART][i / share] / (double)share;
}

/* sum(dst * gradient) after `value` has moved by `step` along `direction`. */
static double loss_at(sg_backend *backend, const sg_problem *forward, const op_values *start,
        sg_arg value, const double *direction, double step) {
    sg_error err = SG_ERROR_INIT;
    op_values v;
    assert_int_equal(op_values_copy(&v, start, &err), SG_OK);
    for (int64_t i = 0; i < v.count[value]; i++) v.of[value][i] += step * direction[i];
    assert_int_equal(op_run(&v, backend, forward, OP_PLAIN, &err), SG_OK);
    double loss = 0;
    for (int64_t i = 0; i < v.count[SG_ARG_DST]; i++) loss += v.of[SG_ARG_DST][i] * incoming(&v, i);
    op_values_dispose(&v);
    return loss;
}

/* Every gradient of the problem along one random direction, which no wrong element escapes. */
static int check_gradients(sg_backend *backend, const sg_problem *p, uint64_t seed) {
    static const double step = 1e-6, allowed = 1e-6;
    sg_error err = SG_ERROR_INIT;
    sg_problem forward = op_forward(p);
    op_values start, v, direction;
    int failures = 0;
    assert_int_equal(op_values_create(&start, p, seed, &err), SG_OK);
    assert_int_equal(op_values_create(&direction, p, seed + 1, &err), SG_OK);
    assert_int_equal(op_values_copy(&v, &start, &err), SG_OK);
    assert_int_equal(op_run(&v, backend, p, OP_PLAIN, &err), SG_OK);
    for (size_t i = 0; i < sizeof gradients / sizeof *gradients; i++) {
        sg_arg value = gradients[i].value, gradient = gradients[i].gradient;
        if (!op_is_output(p, gradient)) continue;
        const double *u = direction.of[value];
        double slope = 0, size = 0;
        for (int64_t k = 0; k < v.count[gradient]; k++) {
            slope += v.of[gradient][k] * u[k];
            size += v.of[gradient][k] * v.of[gradient][k] * u[k] * u[k];
        }
        double measured = (loss_at(backend, &forward, &start, value, u, step) -
                                  loss_at(backend, &forward, &start, value, u, -step)) /
                          (2 * step);
        double error = fabs(slope - measured) / fmax(sqrt(size), 1e-12);
        if (error <= allowed) continue;
        char what[160];
        snprintf(what, sizeof what, "%s is off by %.3g: %.10g, by finite differences %.10g",
                sg_arg_name(gradient), error, slope, measured);
        print_failure(p, "ref", what);
        failures++;
    }
    op_values_dispose(&v);
    op_values_dispose(&direction);
    op_values_dispose(&start);
    return failures;
}

static void gradients_match_finite_differences(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_backend *backend;
    int failures = 0, checked = 0;
    assert_int_equal(sg_backend_create(&backend, "ref", NULL, &err), SG_OK);
    for (size_t i = 0; i < lines.count; i++) {
        sg_problem p = in_double(&lines.items[i].problem);
        if (p.pass != SG_PASS_BACKWARD_DATA && p.pass != SG_PASS_BACKWARD_WEIGHTS) continue;
        failures += check_gradients(backend, &p, 1000 + i);
        checked++;
    }
    sg_backend_destroy(backend);
    print_message("%d backward problems against finite differences, %d wrong\n", checked, failures);
    assert_int_equal(failures, 0);
}

int main(int argc, char **argv) {
    sg_error err = SG_ERROR_INIT;
    program = argv[0];
    sg_status status = SG_OK;
    for (int i = 1; i < argc && !status; i++) status = op_lines_add(&lines, argv[i], &err);
    if (argc < 2) status = op_lines_read(&lines, "tests/conformance/problems.txt", &err);
    if (status) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(backends_agree_with_the_reference),
            cmocka_unit_test(onednn_offers_the_usual),
            cmocka_unit_test(gradients_match_finite_differences),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    op_lines_dispose(&lines);
    return failed;
}
