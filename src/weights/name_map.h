/* name_map.h - one spelling for tensors that many programs name differently: torchvision's, with
 * timm's `se.fc1`, `se.fc2` for gates. That is also what src/nn/models calls its parameters.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_WEIGHTS_NAME_MAP_H
#define SG_WEIGHTS_NAME_MAP_H

#include "weights/weight_set.h"

/* What was rewritten, as bits. */
typedef enum sg_name_rule {
    SG_NAMES_PREFIX = 1,     /* a prefix that every tensor had (module., model., backbone....) */
    SG_NAMES_SEQUENTIAL = 2, /* a ResNet as a row of numbered parts (RadImageNet) */
    SG_NAMES_LEGACY_SE = 4,  /* layer0., .se_module., last_linear.: its stride stands in conv1 */
    SG_NAMES_TIMM_VGG = 8,   /* pre_logits.fc1, pre_logits.fc2, head.fc */
    SG_NAMES_SHAPE = 16 /* a linear layer written as a convolution, or a gate as a linear one */
} sg_name_rule;

/* Renames and reshapes in place; shapes change, bytes never do (VGG's first linear layer is the
 * same numbers as 25088 inputs and as a 7x7 convolution over 512 maps). *rules: what was done; 0
 * for files written by sonograde, which are left alone. SG_ERR_FORMAT when two tensors would get
 * one name. */
SG_MUST_CHECK sg_status sg_name_map_apply(
        unsigned *rules, sg_weight_set *set, const char *path, sg_error *err);
/* "the prefix module." and the like, for messages; for one bit of the above. */
const char *sg_name_rule_text(sg_name_rule rule);

#endif
