/* nets.h - a small network that holds every kind of node, and a harness that runs it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TESTS_SUPPORT_NETS_H
#define SG_TESTS_SUPPORT_NETS_H

#include "nn/plan.h"

/* Fails the running cmocka test with the message of `err`. */
#define assert_ok(call, err)                                                                       \
    do {                                                                                           \
        sg_status status_ = (call);                                                                \
        if (status_) fail_msg("%s: %s", #call, (err)->message);                                    \
    } while (0)

/* 3 channels in, 3 classes out; strided, grouped, dilated and biased convolutions, batch norms with
 * ReLU and ReLU6, SE gate, shortcut, both poolings, concatenation, dropout. */
sg_graph *net_small(double dropout);

typedef struct net {
    const sg_graph *graph;
    sg_params *params;
    sg_backend *backend, *fallback;
    sg_plan *plan;
    bool *statistics; /* all batch norms */
} net;

/* A plan of `graph` on the backend of this name (fallback ref); parameters from seed 7 with every
 * norm made irregular. `request` is completed with batch statistics when `training`. */
void net_open(net *out, const sg_graph *graph, const char *backend, sg_plan_request request,
        bool training);
void net_close(net *n);

/* The same pseudo-random numbers, mean 0, sd 1, in either type. */
void net_fill(void *data, sg_dtype dtype, size_t count, uint32_t stream);

/* ||a - b|| / ||b|| */
double net_rel_l2(const void *a, const void *b, sg_dtype dtype, size_t count);

#endif
