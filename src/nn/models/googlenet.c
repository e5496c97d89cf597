/* googlenet.c - GoogLeNet (Szegedy et al. 2014) as torchvision has it: batch norms with eps 1e-3,
 * pools that round up, and 3x3 convolutions in the branch that the paper makes 5x5 (kept so because
 * the published weights are trained that way).
 *
 * The auxiliary classifiers hang on inception4a and inception4d; their losses count 0.3 each.
 * transform_input: torchvision's weights want (x - 1/2) / (1/2); an input standardised by
 * ImageNet's mean and deviation is brought there by one scale and shift per channel.
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/models/families.h"
#include <stdio.h>

enum { NAME = 64, HEAD = 5, NO_POOL = 0 };

static const double norm_eps = 1e-3, auxiliary_share = 0.3, auxiliary_dropout = 0.7;

/* Table 1 of the paper. pool: kernel of the stride-2 pool in front. */
static const struct {
    const char *name;
    int64_t branch1, reduce3, branch3, reduce5, branch5, pool_proj;
    int64_t pool;
    const char *auxiliary; /* classifier behind it */
    int stage;
} inceptions[] = {
        {"inception3a", 64, 96, 128, 16, 32, 32, 3, NULL, 2},
        {"inception3b", 128, 128, 192, 32, 96, 64, NO_POOL, NULL, 2},
        {"inception4a", 192, 96, 208, 16, 48, 64, 3, "aux1", 3},
        {"inception4b", 160, 112, 224, 24, 64, 64, NO_POOL, NULL, 3},
        {"inception4c", 128, 128, 256, 24, 64, 64, NO_POOL, NULL, 3},
        {"inception4d", 112, 144, 288, 32, 64, 64, NO_POOL, "aux2", 3},
        {"inception4e", 256, 160, 320, 32, 128, 128, NO_POOL, NULL, 3},
        {"inception5a", 256, 160, 320, 32, 128, 128, 2, NULL, 4},
        {"inception5b", 384, 192, 384, 48, 128, 128, NO_POOL, NULL, 4},
};
enum { INCEPTIONS = sizeof inceptions / sizeof *inceptions };

/* "<prefix>.conv", "<prefix>.bn", "<prefix>.relu" */
static sg_node_id conv(sg_graph *g, const char *prefix, sg_node_id x, int64_t out, int64_t kernel,
        int64_t stride) {
    char name[NAME];
    sg_conv_spec spec = {.out = out, .kernel = kernel, .stride = stride, .padding = kernel / 2};
    snprintf(name, sizeof name, "%s.conv", prefix);
    x = sg_graph_conv(g, name, x, &spec);
    snprintf(name, sizeof name, "%s.bn", prefix);
    x = sg_graph_batch_norm(g, name, x, norm_eps);
    snprintf(name, sizeof name, "%s.relu", prefix);
    return sg_graph_relu(g, name, x, 0);
}

static sg_node_id branch(sg_graph *g, const char *block, const char *name, sg_node_id x,
        int64_t out, int64_t kernel) {
    char full[NAME];
    snprintf(full, sizeof full, "%s.%s", block, name);
    return conv(g, full, x, out, kernel, 1);
}

static sg_node_id inception(sg_graph *g, int i, sg_node_id x) {
    const char *block = inceptions[i].name;
    char name[NAME];
    sg_node_id out[4];
    out[0] = branch(g, block, "branch1", x, inceptions[i].branch1, 1);
    out[1] = branch(g, block, "branch2.0", x, inceptions[i].reduce3, 1);
    out[1] = branch(g, block, "branch2.1", out[1], inceptions[i].branch3, 3);
    out[2] = branch(g, block, "branch3.0", x, inceptions[i].reduce5, 1);
    out[2] = branch(g, block, "branch3.1", out[2], inceptions[i].branch5, 3);
    snprintf(name, sizeof name, "%s.branch4.0", block);
    out[3] = sg_graph_max_pool(g, name, x, 3, 1, 1, true);
    out[3] = branch(g, block, "branch4.1", out[3], inceptions[i].pool_proj, 1);
    snprintf(name, sizeof name, "%s.concat", block);
    return sg_graph_concat(g, name, out, 4);
}

static void auxiliary(sg_graph *g, const char *head, sg_node_id x, int64_t classes) {
    char name[NAME];
    snprintf(name, sizeof name, "%s.pool", head);
    x = sg_graph_adaptive_pool(g, name, x, 4, 4);
    snprintf(name, sizeof name, "%s.conv", head);
    x = conv(g, name, x, 128, 1, 1);
    snprintf(name, sizeof name, "%s.fc1", head);
    x = sg_graph_linear(g, name, x, 128 * 4 * 4, 1024, true);
    snprintf(name, sizeof name, "%s.relu", head);
    x = sg_graph_relu(g, name, x, 0);
    snprintf(name, sizeof name, "%s.dropout", head);
    x = sg_graph_dropout(g, name, x, auxiliary_dropout);
    snprintf(name, sizeof name, "%s.fc2", head);
    sg_graph_add_auxiliary(g, sg_graph_linear(g, name, x, 0, classes, true), auxiliary_share);
}

static sg_node_id input(sg_graph *g, const sg_model_options *o) {
    static const double mean[3] = {0.485, 0.456, 0.406}, std[3] = {0.229, 0.224, 0.225};
    double scale[3], shift[3];
    sg_node_id x = sg_graph_input(g, o->channels);
    if (!o->transform_input) return x;
    for (int c = 0; c < 3; c++) {
        scale[c] = std[c] / 0.5;
        shift[c] = (mean[c] - 0.5) / 0.5;
    }
    return sg_graph_affine(g, "transform_input", x, scale, shift);
}

sg_model_ends sg_googlenet_build(sg_graph *g, const sg_model_options *o) {
    sg_node_id hooks[INCEPTIONS];
    char name[NAME];
    sg_graph_set_stage(g, 0);
    sg_node_id x = conv(g, "conv1", input(g, o), 64, 7, 2);
    x = sg_graph_max_pool(g, "maxpool1", x, 3, 2, 0, true);
    sg_graph_set_stage(g, 1);
    x = conv(g, "conv2", x, 64, 1, 1);
    x = conv(g, "conv3", x, 192, 3, 1);
    for (int i = 0, pools = 2; i < INCEPTIONS; i++) {
        sg_graph_set_stage(g, inceptions[i].stage);
        if (inceptions[i].pool != NO_POOL) {
            snprintf(name, sizeof name, "maxpool%d", pools++);
            x = sg_graph_max_pool(g, name, x, inceptions[i].pool, 2, 0, true);
        }
        hooks[i] = x = inception(g, i, x);
    }
    sg_graph_set_stage(g, HEAD);
    sg_model_ends ends = {.features = x};
    x = sg_graph_global_pool(g, "avgpool", x);
    if (o->dropout > 0) x = sg_graph_dropout(g, "dropout", x, o->dropout);
    ends.output = sg_graph_linear(g, "fc", x, 0, o->classes, true);
    for (int i = 0; i < INCEPTIONS && o->auxiliary; i++)
        if (inceptions[i].auxiliary) auxiliary(g, inceptions[i].auxiliary, hooks[i], o->classes);
    return ends;
}
