/* models.h - the architectures, as data over layers. One table row per name; options that a row
 * does not take are errors. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_NN_MODELS_MODELS_H
#define SG_NN_MODELS_MODELS_H

#include "base/json.h"
#include "nn/graph.h"

typedef struct sg_model_options {
    int64_t classes;
    int64_t channels; /* of the input, 3 */
    int blocks[4];    /* per stage; 0 = the model's own */
    int se_reduction; /* -1 = the model's own, 0 = no SE */
    int dilation; /* -1 = own; 1 = none; 2 = stage 4 at stride 1, dilation 2; 4 = also stage 3 */
    bool mobilenet_expand_first; /* features.1 with its 32->32 expansion (GluonCV form) */
    double dropout;              /* before the classifier; -1 = the model's own */
    bool auxiliary;              /* googlenet: with its two auxiliary classifiers, for training */
    bool transform_input; /* googlenet: input standardised as ImageNet's, wanted as by 1/2 and 1/2
                           */
} sg_model_options;
#define SG_MODEL_OPTIONS_INIT                                                                      \
    { 3, 3, {0, 0, 0, 0}, -1, -1, false, -1.0, false, false }

typedef struct sg_model_info {
    const char *name;
    const char *summary;   /* one line */
    const char *reference; /* paper or source of the definition */
    const char *weights;   /* whose state-dict names it speaks */
    const char *compare;   /* model it is shown against in `models show`, or NULL */
} sg_model_info;

const sg_model_info *sg_models_list(int *count);
/* *out: the row of the list with this name. SG_ERR_USAGE: there is none; names the nearest. */
SG_MUST_CHECK sg_status sg_model_find(const sg_model_info **out, const char *name, sg_error *err);
/* Expected failures: SG_ERR_USAGE (unknown name: names the nearest; an option it does not take). */
SG_MUST_CHECK sg_status sg_model_build(
        sg_graph **out, const char *name, const sg_model_options *options, sg_error *err);

/* One flat object with every field. New reference; NULL when out of memory. Reading refuses unknown
 * and missing fields (SG_ERR_FORMAT); googlenet's two may be missing. */
json_t *sg_model_options_to_json(const sg_model_options *options);
SG_MUST_CHECK sg_status sg_model_options_from_json(
        sg_model_options *out, const json_t *object, sg_error *err);

#endif
