/* registry.c - the table of models: what each is, what it starts from, which options it takes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "nn/models/families.h"
#include <string.h>

enum { MOST_BLOCKS = 64, MOST_CLASSES = 100000 };

typedef enum model_id {
    RESNET18,
    RESNET50,
    SERESNET50,
    MRESNET,
    RESNET50V2,
    MRESNETV2,
    MOBILENETV2,
    ALEXNET,
    GOOGLENET,
    VGG16,
    VGG16_BN,
    MODELS
} model_id;

#define HE_2015         "He et al. 2015, arXiv 1512.03385; stride in the 3x3 (v1.5, torchvision)"
#define HE_2016         "He et al. 2016, arXiv 1603.05027; as GluonCV trained it (ONNX Model Zoo)"
#define HU_2018         "Hu et al. 2018, arXiv 1709.01507; as timm's seresnet50"
#define SANDLER_2018    "Sandler et al. 2018, arXiv 1801.04381"
#define KRIZHEVSKY_2014 "Krizhevsky 2014, arXiv 1404.5997; as torchvision"
#define SZEGEDY_2014    "Szegedy et al. 2014, arXiv 1409.4842; as torchvision, with batch norms"
#define SIMONYAN_2014   "Simonyan and Zisserman 2014, arXiv 1409.1556, configuration D"
#define MAINI_2025                                                                                 \
    "Maini et al. 2025, doi 10.1109/IEEECONF64992.2025.10963186; blocks and rates ours"

static const sg_model_info infos[MODELS] = {
        [RESNET18] = {"resnet18", "residual network of 18 layers", HE_2015, "torchvision",
                "resnet50"},
        [RESNET50] = {"resnet50", "residual network of 50 layers", HE_2015, "torchvision", NULL},
        [SERESNET50] = {"seresnet50", "ResNet-50 with squeeze-and-excitation", HU_2018, "timm",
                "resnet50"},
        [MRESNET] = {"mresnet", "ResNet-50 with SE, dilated last stage, fewer blocks", MAINI_2025,
                "torchvision, timm for SE", "resnet50"},
        [RESNET50V2] = {"resnet50v2", "pre-activated ResNet-50", HE_2016, "ONNX Model Zoo",
                "resnet50"},
        [MRESNETV2] = {"mresnetv2", "mresnet on pre-activated blocks", MAINI_2025,
                "ONNX Model Zoo, timm for SE", "resnet50v2"},
        [MOBILENETV2] = {"mobilenetv2", "inverted residuals, made for small machines", SANDLER_2018,
                "torchvision, or ONNX Model Zoo with the first expansion", NULL},
        [ALEXNET] = {"alexnet", "five convolutions and three linear layers", KRIZHEVSKY_2014,
                "torchvision", NULL},
        [GOOGLENET] = {"googlenet", "nine inception blocks", SZEGEDY_2014, "torchvision", NULL},
        [VGG16] = {"vgg16", "thirteen 3x3 convolutions and three linear layers", SIMONYAN_2014,
                "torchvision", NULL},
        [VGG16_BN] = {"vgg16_bn", "VGG-16 with batch norms", SIMONYAN_2014, "torchvision", "vgg16"},
};

/* What a model is unless its options say otherwise. */
typedef struct own {
    bool residual; /* of sg_resnet_build: blocks, se_reduction and dilation are options */
    sg_resnet_style style;
    sg_resnet_gate gate;
    int blocks[4], se_reduction, dilation;
    double dropout;
    sg_model_ends (*build)(sg_graph *g, const sg_model_options *o); /* of the others */
} own;

static const own owns[MODELS] = {
        [RESNET18] = {true, SG_RESNET_BASIC, SG_GATE_DOUBLED, {2, 2, 2, 2}, 0, 1, 0.0},
        [RESNET50] = {true, SG_RESNET_BOTTLENECK, SG_GATE_DOUBLED, {3, 4, 6, 3}, 0, 1, 0.0},
        [SERESNET50] = {true, SG_RESNET_BOTTLENECK, SG_GATE_BIASED, {3, 4, 6, 3}, 16, 1, 0.0},
        [MRESNET] = {true, SG_RESNET_BOTTLENECK, SG_GATE_DOUBLED, {3, 4, 3, 2}, 16, 2, 0.0},
        [RESNET50V2] = {true, SG_RESNET_PREACTIVATION, SG_GATE_DOUBLED, {3, 4, 6, 3}, 0, 1, 0.0},
        [MRESNETV2] = {true, SG_RESNET_PREACTIVATION, SG_GATE_DOUBLED, {3, 4, 3, 2}, 16, 2, 0.0},
        [MOBILENETV2] = {.dropout = 0.2, .build = sg_mobilenet_build},
        [ALEXNET] = {.dropout = 0.5, .build = sg_alexnet_build},
        [GOOGLENET] = {.dropout = 0.2, .build = sg_googlenet_build},
        [VGG16] = {.dropout = 0.5, .build = sg_vgg16_build},
        [VGG16_BN] = {.dropout = 0.5, .build = sg_vgg16_bn_build},
};

const sg_model_info *sg_models_list(int *count) {
    *count = MODELS;
    return infos;
}

sg_status sg_model_find(const sg_model_info **out, const char *name, sg_error *err) {
    int nearest = 0;
    for (int i = 0; i < MODELS; i++) {
        if (strcmp(infos[i].name, name) == 0) {
            *out = &infos[i];
            return SG_OK;
        }
        if (sg_edit_distance(infos[i].name, name) < sg_edit_distance(infos[nearest].name, name))
            nearest = i;
    }
    return sg_fail(err, SG_ERR_USAGE,
            "there is no model '%s'; the nearest name is '%s', and `models` lists all", name,
            infos[nearest].name);
}

static sg_status refuse(sg_error *err, const char *name, const char *option) {
    return sg_fail(err, SG_ERR_USAGE, "model '%s' does not take the option %s", name, option);
}

/* Which options a model takes, and their ranges. */
static sg_status check(
        const sg_model_options *o, const own *base, const char *name, sg_error *err) {
    if (o->classes < 2 || o->classes > MOST_CLASSES)
        return sg_fail(err, SG_ERR_USAGE, "a model of %lld classes; 2 to %d are possible",
                (long long)o->classes, MOST_CLASSES);
    if (o->channels < 1 || o->channels > 16)
        return sg_fail(err, SG_ERR_USAGE, "images of %lld channels; 1 to 16 are possible",
                (long long)o->channels);
    bool own_dilation =
            o->dilation == -1 || o->dilation == 1 || o->dilation == 2 || o->dilation == 4;
    if (!own_dilation)
        return sg_fail(err, SG_ERR_USAGE, "a dilation of %d; 1, 2 and 4 are possible", o->dilation);
    if (o->dropout >= 1 || !(o->dropout >= 0 || o->dropout == -1))
        return sg_fail(err, SG_ERR_USAGE, "a dropout of %g is not in [0, 1)", o->dropout);
    if (o->se_reduction < -1 || o->se_reduction > 256)
        return sg_fail(err, SG_ERR_USAGE, "a squeeze by %d; 0 (none) to 256 are possible",
                o->se_reduction);
    bool blocks = false;
    for (int i = 0; i < 4; i++) {
        blocks = blocks || o->blocks[i] != 0;
        if (o->blocks[i] < 0 || o->blocks[i] > MOST_BLOCKS)
            return sg_fail(err, SG_ERR_USAGE, "a stage of %d blocks; 1 to %d are possible",
                    o->blocks[i], MOST_BLOCKS);
    }
    if (!base->residual && blocks) return refuse(err, name, "blocks");
    if (!base->residual && o->se_reduction != -1) return refuse(err, name, "se_reduction");
    if (!base->residual && o->dilation != -1) return refuse(err, name, "dilation");
    if (base->build != sg_mobilenet_build && o->mobilenet_expand_first)
        return refuse(err, name, "mobilenet_expand_first");
    if (base->build != sg_googlenet_build && o->auxiliary) return refuse(err, name, "auxiliary");
    if (base->build != sg_googlenet_build && o->transform_input)
        return refuse(err, name, "transform_input");
    if (o->transform_input && o->channels != 3)
        return sg_fail(err, SG_ERR_USAGE,
                "transform_input is about three channels, and the images have %lld",
                (long long)o->channels);
    return SG_OK;
}

static sg_model_options resolve(const sg_model_options *options, const own *base) {
    sg_model_options o = *options;
    for (int i = 0; i < 4; i++)
        if (o.blocks[i] == 0) o.blocks[i] = base->blocks[i];
    if (o.se_reduction == -1) o.se_reduction = base->se_reduction;
    if (o.dilation == -1) o.dilation = base->dilation;
    if (o.dropout < 0) o.dropout = base->dropout;
    return o;
}

sg_status sg_model_build(
        sg_graph **out, const char *name, const sg_model_options *options, sg_error *err) {
    const sg_model_info *info;
    sg_graph *g;
    sg_status status = sg_model_find(&info, name, err);
    if (status) return status;
    const own *base = &owns[info - infos];
    status = check(options, base, name, err);
    if (!status) status = sg_graph_create(&g, name, err);
    if (status) return status;
    sg_model_options o = resolve(options, base);
    sg_model_ends ends =
            base->residual ? sg_resnet_build(g, base->style, base->gate, &o) : base->build(g, &o);
    status = sg_graph_finish(g, ends.output, ends.features, err);
    if (status)
        sg_graph_destroy(g);
    else
        *out = g;
    return status;
}
