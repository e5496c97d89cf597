/* name_map.c - see name_map.h. Tables of spellings, each applied where its mark is found.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/name_map.h"
#include <stdlib.h>
#include <string.h>

enum { PREFIXES_DEEP = 4 };

static const char *const prefixes[] = {
        "module.", "_orig_mod.", "model.", "net.", "backbone.", "encoder."};

typedef struct spelling {
    const char *from, *to; /* of the beginning; where `inside`, of any whole part of the name */
    bool inside;
} spelling;

/* nn.Sequential over the children of a torchvision ResNet. */
static const spelling sequential[] = {{"0.", "conv1.", false}, {"1.", "bn1.", false},
        {"4.", "layer1.", false}, {"5.", "layer2.", false}, {"6.", "layer3.", false},
        {"7.", "layer4.", false}, {NULL, NULL, false}};
static const spelling legacy_se[] = {{"layer0.conv1.", "conv1.", false},
        {"layer0.bn1.", "bn1.", false}, {"last_linear.", "fc.", false},
        {".se_module.", ".se.", true}, {NULL, NULL, false}};
static const spelling timm_vgg[] = {{"pre_logits.fc1.", "classifier.0.", false},
        {"pre_logits.fc2.", "classifier.3.", false}, {"head.fc.", "classifier.6.", false},
        {NULL, NULL, false}};

/* A family of spellings, and the tensor by which a file that uses it is known. */
static const struct {
    sg_name_rule rule;
    const char *mark, *text;
    const spelling *rows;
} families[] = {
        {SG_NAMES_SEQUENTIAL, "4.0.conv1.weight", "numbered parts of a ResNet", sequential},
        {SG_NAMES_LEGACY_SE, "layer1.0.se_module.fc1.weight", "legacy names of SE networks",
                legacy_se},
        {SG_NAMES_TIMM_VGG, "pre_logits.fc1.weight", "timm's names of VGG", timm_vgg},
};
enum { FAMILIES = sizeof families / sizeof *families };

const char *sg_name_rule_text(sg_name_rule rule) {
    if (rule == SG_NAMES_PREFIX) return "a prefix of every name";
    if (rule == SG_NAMES_SHAPE) return "linear layers and 1x1 convolutions, one for the other";
    for (int i = 0; i < FAMILIES; i++)
        if (families[i].rule == rule) return families[i].text;
    return "";
}

static bool begins(const char *name, const char *with) {
    return strncmp(name, with, strlen(with)) == 0;
}

static bool all_begin(const sg_weight_set *set, const char *with) {
    for (size_t i = 0; i < set->count; i++)
        if (!begins(set->entries[i].name, with) || !set->entries[i].name[strlen(with)])
            return false;
    return set->count > 0;
}

static bool strip_prefix(sg_weight_set *set) {
    for (size_t p = 0; p < sizeof prefixes / sizeof *prefixes; p++) {
        if (!all_begin(set, prefixes[p])) continue;
        size_t n = strlen(prefixes[p]);
        for (size_t i = 0; i < set->count; i++) {
            char *name = set->entries[i].name;
            memmove(name, name + n, strlen(name + n) + 1);
        }
        return true;
    }
    return false;
}

/* The first row that fits decides. */
static sg_status respell(char **name, const spelling *rows, sg_error *err) {
    for (const spelling *s = rows; s->from; s++) {
        const char *at = s->inside ? strstr(*name, s->from) : *name;
        if (!at || !begins(at, s->from)) continue;
        char *made = sg_strdupf("%.*s%s%s", (int)(at - *name), *name, s->to, at + strlen(s->from));
        if (!made) return sg_fail(err, SG_ERR_MEMORY, "out of memory renaming tensors");
        free(*name);
        *name = made;
        return SG_OK;
    }
    return SG_OK;
}

static bool is_weight_of(const char *name, const char *layer) {
    size_t n = strlen(name), k = strlen(layer);
    return n >= k && strcmp(name + n - k, layer) == 0;
}

/* Gates are 1x1 convolutions here; a VGG's classifier is linear. */
static bool reshape(sg_weight *w) {
    static const char *const gates[] = {".se.fc1.weight", ".se.fc2.weight"};
    static const char *const linear[] = {
            "classifier.0.weight", "classifier.3.weight", "classifier.6.weight"};
    sg_shape *s = &w->tensor.shape;
    for (size_t i = 0; s->rank == 2 && i < sizeof gates / sizeof *gates; i++)
        if (is_weight_of(w->name, gates[i])) {
            *s = sg_shape4(s->dims[0], s->dims[1], 1, 1);
            return true;
        }
    for (size_t i = 0; s->rank == 4 && i < sizeof linear / sizeof *linear; i++)
        if (strcmp(w->name, linear[i]) == 0) {
            *s = sg_shape_of(2, (int64_t[]){s->dims[0], s->dims[1] * s->dims[2] * s->dims[3]});
            return true;
        }
    return false;
}

sg_status sg_name_map_apply(unsigned *rules, sg_weight_set *set, const char *path, sg_error *err) {
    *rules = 0;
    if (sg_weight_set_meta(set, "sonograde")) return SG_OK;
    for (int depth = 0; depth < PREFIXES_DEEP && strip_prefix(set); depth++)
        *rules |= SG_NAMES_PREFIX;
    for (int f = 0; f < FAMILIES; f++) {
        if (!sg_weight_set_find(set, families[f].mark)) continue;
        *rules |= families[f].rule;
        for (size_t i = 0; i < set->count; i++) {
            sg_status st = respell(&set->entries[i].name, families[f].rows, err);
            if (st) return st;
        }
        sg_status st = sg_weight_set_sort(set, path, err);
        if (st) return st;
    }
    for (size_t i = 0; i < set->count; i++)
        if (reshape(&set->entries[i])) *rules |= SG_NAMES_SHAPE;
    return SG_OK;
}
