/* ops.c - times problem lines on one backend, each the fastest of some rounds, with the layouts
 * that flow through a plan.
 *
 *   ops [-b backend] [-t threads] [-r rounds] [LINE...]     no LINE: those of bench/ops.txt
 *
 * Prints per problem: milliseconds, billions of multiply-adds per second (convolutions and linear
 * layers), the line, and what ran it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "support/op_lines.h"
#include "support/op_run.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static double multiply_adds(const sg_problem *p) {
    if (p->op != SG_OP_CONV && p->op != SG_OP_LINEAR) return 0;
    double per_output = (double)sg_shape_count(&p->src[0]) / (double)p->src[0].dims[0];
    if (p->op == SG_OP_CONV)
        per_output = (double)(p->src[0].dims[1] / p->groups * p->kernel[0] * p->kernel[1]);
    return per_output * (double)sg_shape_count(&p->dst);
}

static sg_status time_line(sg_backend *backend, const sg_problem *p, int rounds, sg_error *err) {
    char line[SG_PROBLEM_TEXT], what[SG_PROBLEM_TEXT], rate[32] = "-";
    double seconds;
    sg_problem_text(line, p);
    sg_status status = op_time(&seconds, what, backend, p, rounds, err);
    if (status == SG_ERR_UNSUPPORTED) {
        printf("%10s %8s  %s  (not offered)\n", "-", "-", line);
        return SG_OK;
    }
    if (status) return sg_fail_context(err, status, "%s", line);
    double work = multiply_adds(p);
    if (work > 0) snprintf(rate, sizeof rate, "%.1f", work / seconds * 1e-9);
    printf("%10.3f %8s  %s  (%s)\n", seconds * 1e3, rate, line, what);
    fflush(stdout);
    return SG_OK;
}

static bool parse_count(int *out, const char *text, int least, int most) {
    long long value;
    if (!sg_parse_int64(&value, text) || value < least || value > most) return false;
    *out = (int)value;
    return true;
}

int main(int argc, char **argv) {
    const char *name = sg_backend_names()[0];
    sg_backend_options options = SG_BACKEND_OPTIONS_INIT;
    int rounds = 10;
    bool valid = true;
    for (int option; (option = getopt(argc, argv, "b:t:r:")) != -1;) {
        if (option == 'b')
            name = optarg;
        else if (option == 't')
            valid = valid && parse_count(&options.threads, optarg, 0, 1024);
        else if (option == 'r')
            valid = valid && parse_count(&rounds, optarg, 1, 1000000);
        else
            valid = false;
    }
    if (!valid) {
        fprintf(stderr, "usage: %s [-b backend] [-t threads] [-r rounds] [LINE...]\n", argv[0]);
        return 2;
    }
    sg_error err = SG_ERROR_INIT;
    op_lines lines = {NULL, 0, 0};
    sg_backend *backend = NULL;
    sg_status status = sg_backend_create(&backend, name, &options, &err);
    for (int i = optind; i < argc && !status; i++) status = op_lines_add(&lines, argv[i], &err);
    if (!status && optind == argc) status = op_lines_read(&lines, "bench/ops.txt", &err);
    if (!status) printf("# %s\n# %8s %8s\n", backend->ops->describe(backend), "ms", "GMAC/s");
    for (size_t i = 0; i < lines.count && !status; i++)
        status = time_line(backend, &lines.items[i].problem, rounds, &err);
    op_lines_dispose(&lines);
    sg_backend_destroy(backend);
    if (status) fprintf(stderr, "%s: %s\n", argv[0], err.message);
    return status ? 1 : 0;
}
