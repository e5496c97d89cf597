/* convolutions.c - see convolutions.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "convolutions.h"
#include "base/block.h"
#include "nn/profile.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 4 };

/* Arguments are zeroed: products take as long whatever the numbers, as long as none is denormal. */
static sg_status fastest(double *seconds, sg_primitive *primitive, sg_error *err) {
    void *args[SG_ARG_COUNT] = {0};
    sg_status status = SG_OK;
    for (int arg = 0; arg < SG_ARG_COUNT && !status; arg++) {
        const sg_layout *layout = sg_primitive_layout(primitive, (sg_arg)arg);
        if (!layout) continue;
        args[arg] = sg_block_create(layout->bytes ? layout->bytes : 1);
        if (args[arg])
            memset(args[arg], 0, layout->bytes); /* pages of its own, as in a step */
        else
            status = sg_fail(err, SG_ERR_MEMORY, "out of memory for a convolution");
    }
    double least = INFINITY;
    for (int i = 0; i < ROUNDS && !status; i++) {
        double start = sg_profile_now();
        status = sg_primitive_execute(primitive, args, err);
        if (i) least = fmin(least, sg_profile_now() - start);
    }
    for (int arg = 0; arg < SG_ARG_COUNT; arg++) free(args[arg]);
    *seconds = least;
    return status;
}

static sg_status time_pass(double *seconds, const sg_problem *problem, sg_pass pass,
        sg_primitive *forward, sg_backend *backend, sg_error *err) {
    sg_problem p = *problem;
    p.pass = pass;
    sg_primitive *primitive;
    sg_status status = sg_primitive_compile(&primitive, backend, &p, NULL, forward, err);
    if (status) return status;
    double least;
    status = fastest(&least, primitive, err);
    *seconds += least;
    sg_primitive_destroy(primitive);
    return status;
}

static sg_status time_problem(double *seconds, const sg_problem *problem, bool to_data,
        sg_backend *backend, sg_error *err) {
    sg_primitive *forward;
    double least = 0;
    *seconds = 0;
    sg_status status = sg_primitive_compile(&forward, backend, problem, NULL, NULL, err);
    if (status) return status;
    status = fastest(&least, forward, err);
    *seconds = least;
    if (!status)
        status = time_pass(seconds, problem, SG_PASS_BACKWARD_WEIGHTS, forward, backend, err);
    if (!status && to_data)
        status = time_pass(seconds, problem, SG_PASS_BACKWARD_DATA, forward, backend, err);
    sg_primitive_destroy(forward);
    return status;
}

typedef struct timed {
    char text[SG_PROBLEM_TEXT];
    double seconds;
} timed;

sg_status convolutions_time(double *seconds, const sg_graph *graph, int64_t batch, int64_t size,
        sg_backend *backend, sg_error *err) {
    size_t nodes = (size_t)graph->node_count, known = 0;
    sg_shape *shapes = calloc(nodes, sizeof *shapes);
    timed *table = calloc(nodes, sizeof *table);
    double sum = 0;
    sg_status status = shapes && table ? sg_graph_shapes(shapes, graph, batch, size, size, err)
                                       : sg_fail(err, SG_ERR_MEMORY, "out of memory");
    for (int i = 0; i < graph->node_count && !status; i++) {
        const sg_node *node = &graph->nodes[i];
        if (node->is_input || node->op != SG_OP_CONV) continue;
        sg_problem problem;
        status = sg_graph_problem(&problem, graph, i, shapes, SG_F32, err);
        if (status) break;
        problem.pass = SG_PASS_TRAIN;
        char text[SG_PROBLEM_TEXT];
        sg_problem_text(text, &problem);
        size_t k = 0;
        while (k < known && strcmp(table[k].text, text) != 0) k++;
        if (k == known) {
            memcpy(table[known++].text, text, sizeof text);
            bool to_data = !graph->nodes[node->inputs[0]].is_input;
            status = time_problem(&table[k].seconds, &problem, to_data, backend, err);
        }
        sum += table[k].seconds;
    }
    free(table);
    free(shapes);
    if (!status) *seconds = sum;
    return status;
}
