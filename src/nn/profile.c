/* profile.c - see profile.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/profile.h"
#include "base/csv.h"
#include "base/file.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SPANS = 20000 };

typedef struct sg_span {
    size_t row;
    double start, seconds;
} sg_span;

static const char *const phase_names[] = {"forward", "backward", "around"};

double sg_profile_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

sg_status sg_profile_create(sg_profile **out, sg_error *err) {
    sg_profile *p = calloc(1, sizeof *p);
    if (p) p->spans = calloc(SPANS, sizeof *p->spans);
    if (!p || !p->spans) {
        free(p);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for a profile");
    }
    p->origin = sg_profile_now();
    *out = p;
    return SG_OK;
}

void sg_profile_destroy(sg_profile *p) {
    if (!p) return;
    free(p->rows);
    free(p->spans);
    free(p);
}

sg_status sg_profile_add(size_t *row, sg_profile *p, const char *name, const char *what,
        sg_profile_phase phase, double bytes, double flops, sg_error *err) {
    sg_status status = sg_grow(&p->rows, &p->row_capacity, p->row_count + 1, sizeof *p->rows, err);
    if (status) return status;
    sg_profile_row *r = &p->rows[p->row_count];
    *r = (sg_profile_row){.phase = phase, .bytes = bytes, .flops = flops, .least = INFINITY};
    (void)snprintf(r->name, sizeof r->name, "%s", name);
    (void)snprintf(r->what, sizeof r->what, "%s", what);
    *row = p->row_count++;
    return SG_OK;
}

void sg_profile_note(sg_profile *p, size_t row, double start) {
    double seconds = sg_profile_now() - start;
    sg_profile_row *r = &p->rows[row];
    r->calls++;
    r->seconds += seconds;
    r->least = fmin(r->least, seconds);
    if (p->span_count < SPANS) p->spans[p->span_count++] = (sg_span){row, start, seconds};
}

/* ---- the roof ---- */

/* Seconds of the fastest of some executions; arguments are zeroed buffers in the backend's layouts.
 */
static sg_status fastest(
        double *out, sg_backend *backend, const sg_problem *problem, sg_error *err) {
    enum { ROUNDS = 6, ALIGNMENT = 64 };
    void *args[SG_ARG_COUNT] = {0};
    sg_primitive *primitive = NULL;
    sg_status status = sg_primitive_compile(&primitive, backend, problem, NULL, NULL, err);
    for (int arg = 0; arg < SG_ARG_COUNT && !status; arg++) {
        const sg_layout *layout = sg_primitive_layout(primitive, (sg_arg)arg);
        if (!layout) continue;
        size_t bytes = (layout->bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
        args[arg] = aligned_alloc(ALIGNMENT, bytes);
        if (!args[arg])
            status = sg_fail(err, SG_ERR_MEMORY, "out of memory measuring the machine");
        else
            memset(args[arg], 0, bytes);
    }
    double least = INFINITY;
    for (int i = 0; i < ROUNDS && !status; i++) {
        double start = sg_profile_now();
        status = sg_primitive_execute(primitive, args, err);
        if (i > 0) least = fmin(least, sg_profile_now() - start);
    }
    for (int arg = 0; arg < SG_ARG_COUNT; arg++) free(args[arg]);
    sg_primitive_destroy(primitive);
    if (!status) *out = least;
    return status;
}

sg_status sg_profile_roof(sg_profile *p, sg_backend *backend, sg_error *err) {
    enum { SIDE = 1024, PIXELS = 16 << 20 };
    double seconds;
    sg_problem product = {.op = SG_OP_LINEAR, .pass = SG_PASS_INFER, .dtype = SG_F32};
    product.src_count = 1;
    product.src[0] = sg_shape4(SIDE, SIDE, 1, 1);
    product.dst = sg_shape_of(2, (int64_t[]){SIDE, SIDE});
    sg_status status = sg_problem_infer(&product, err);
    if (!status) status = fastest(&seconds, backend, &product, err);
    if (status) return status;
    p->peak_flops = 2.0 * SIDE * SIDE * SIDE / seconds;
    sg_problem sum = {.op = SG_OP_ADD, .pass = SG_PASS_INFER, .dtype = SG_F32, .src_count = 2};
    sum.src[0] = sum.src[1] = sg_shape4(1, 1, 1, PIXELS);
    status = sg_problem_infer(&sum, err);
    if (!status) status = fastest(&seconds, backend, &sum, err);
    if (!status) p->peak_bytes = 3.0 * sizeof(float) * PIXELS / seconds;
    return status;
}

double sg_profile_roof_share(const sg_profile *p, const sg_profile_row *r) {
    if (r->calls == 0 || p->peak_bytes <= 0 || (r->bytes <= 0 && r->flops <= 0)) return NAN;
    return fmax(r->flops / p->peak_flops, r->bytes / p->peak_bytes) / r->least;
}

/* ---- files ---- */

static sg_status write_text(sg_str *s, const char *path, sg_error *err) {
    sg_status status = sg_str_check(s, err);
    if (!status) status = sg_file_write(path, s->data, s->len, err);
    sg_str_dispose(s);
    return status;
}

sg_status sg_profile_write_table(const sg_profile *p, const char *path, sg_error *err) {
    sg_str s;
    sg_str_init(&s, 0);
    sg_str_append(&s, "phase,name,what,calls,seconds,least,bytes,flops,roof_share\n");
    for (size_t i = 0; i < p->row_count; i++) {
        const sg_profile_row *r = &p->rows[i];
        if (r->calls == 0) continue;
        sg_csv_put(&s, phase_names[r->phase]);
        sg_csv_put(&s, r->name);
        sg_csv_put(&s, r->what);
        sg_csv_put_int(&s, r->calls);
        const double numbers[] = {
                r->seconds, r->least, r->bytes, r->flops, sg_profile_roof_share(p, r)};
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
            sg_csv_put_double(&s, numbers[k]);
        sg_csv_end_row(&s);
    }
    return write_text(&s, path, err);
}

sg_status sg_profile_write_trace(const sg_profile *p, const char *path, sg_error *err) {
    sg_str s;
    sg_str_init(&s, 0);
    sg_str_append(&s, "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[");
    for (size_t i = 0; i < p->span_count; i++) {
        const sg_span *span = &p->spans[i];
        const sg_profile_row *r = &p->rows[span->row];
        /* names are those of nodes and primitives: no character that JSON would want escaped */
        sg_str_appendf(&s,
                "%s\n{\"name\":\"%s\",\"cat\":\"%s\",\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":%.3f,"
                "\"dur\":%.3f,\"args\":{\"what\":\"%s\",\"MB\":%.3f,\"GFLOP\":%.3f}}",
                i ? "," : "", r->name, phase_names[r->phase], 1e6 * (span->start - p->origin),
                1e6 * span->seconds, r->what, 1e-6 * r->bytes, 1e-9 * r->flops);
    }
    sg_str_append(&s, "\n]}\n");
    return write_text(&s, path, err);
}

/* ---- telling ---- */

/* Rows of one phase that run the same, together. */
static int by_time(const void *a, const void *b) {
    const sg_profile_row *x = a, *y = b;
    return (x->seconds < y->seconds) - (x->seconds > y->seconds);
}

static bool same_kind(const sg_profile_row *a, const sg_profile_row *b) {
    return a->phase == b->phase && strcmp(a->what, b->what) == 0;
}

static void tell_row(const sg_profile *p, const sg_log *log, const sg_profile_row *r,
        double per_step, double all) {
    double share = sg_profile_roof_share(p, r);
    char roof[16] = "-";
    if (!isnan(share)) (void)snprintf(roof, sizeof roof, "%.0f %%", 100 * share);
    sg_log_line(log, SG_LOG_INFO,
            "%9.2f ms %5.1f %% %7.1f MB %6.1f GB/s %7.1f GFLOP/s %6s  %-8s %s  %s",
            1e3 * r->seconds / per_step, 100 * r->seconds / all, 1e-6 * r->bytes,
            1e-9 * r->bytes / r->least, 1e-9 * r->flops / r->least, roof, phase_names[r->phase],
            r->what, r->name);
}

/* Joins the rows of a kind into its first; returns how many are left. */
static size_t join_kinds(sg_profile_row *rows, size_t count) {
    size_t kinds = 0;
    for (size_t i = 0; i < count; i++) {
        sg_profile_row r = rows[i];
        size_t k = 0;
        while (k < kinds && !same_kind(&rows[k], &r)) k++;
        if (k == kinds) {
            rows[kinds++] = r;
            (void)snprintf(rows[k].name, sizeof rows[k].name, "(1)");
            rows[k].calls = 1; /* from here on: how many rows */
            continue;
        }
        rows[k].seconds += r.seconds;
        rows[k].least += r.least;
        rows[k].bytes += r.bytes;
        rows[k].flops += r.flops;
        (void)snprintf(rows[k].name, sizeof rows[k].name, "(%lld)", ++rows[k].calls);
    }
    return kinds;
}

void sg_profile_tell(const sg_profile *p, const sg_log *log, size_t most) {
    sg_profile_row *rows = calloc(p->row_count + 1, sizeof *rows);
    if (!rows) return;
    size_t count = 0;
    double all = 0;
    long long steps = 1;
    for (size_t i = 0; i < p->row_count; i++) {
        if (p->rows[i].calls == 0) continue;
        rows[count++] = p->rows[i];
        all += p->rows[i].seconds;
        if (p->rows[i].calls > steps) steps = p->rows[i].calls;
    }
    sg_log_line(log, SG_LOG_INFO,
            "profile of %lld steps, %.1f ms each; this machine: %.0f GFLOP/s, %.1f GB/s", steps,
            1e3 * all / (double)steps, 1e-9 * p->peak_flops, 1e-9 * p->peak_bytes);
    sg_log_line(log, SG_LOG_INFO,
            "  per step  share   moved   rates and share of the roof, fastest call");
    qsort(rows, count, sizeof *rows, by_time);
    for (size_t i = 0; i < count && i < most; i++) tell_row(p, log, &rows[i], (double)steps, all);
    count = join_kinds(rows, count);
    qsort(rows, count, sizeof *rows, by_time);
    sg_log_line(log, SG_LOG_INFO, "by kind (number of steps of that kind):");
    for (size_t i = 0; i < count; i++) tell_row(p, log, &rows[i], (double)steps, all);
    free(rows);
}
