/* options_json.c - model options as one flat JSON object, for checkpoints and bundles.
 * SPDX-License-Identifier: Apache-2.0 */
#include "nn/models/models.h"
#include <string.h>

json_t *sg_model_options_to_json(const sg_model_options *o) {
    return json_pack("{s:I, s:I, s:[i,i,i,i], s:i, s:i, s:b, s:f, s:b, s:b}", "classes",
            (json_int_t)o->classes, "channels", (json_int_t)o->channels, "blocks", o->blocks[0],
            o->blocks[1], o->blocks[2], o->blocks[3], "se_reduction", o->se_reduction, "dilation",
            o->dilation, "mobilenet_expand_first", (int)o->mobilenet_expand_first, "dropout",
            o->dropout, "auxiliary", (int)o->auxiliary, "transform_input", (int)o->transform_input);
}

sg_status sg_model_options_from_json(sg_model_options *out, const json_t *object, sg_error *err) {
    sg_model_options o = SG_MODEL_OPTIONS_INIT;
    json_int_t classes, channels;
    int expand, auxiliary = 0, transform = 0;
    json_error_t why;
    if (json_unpack_ex((json_t *)object, &why, JSON_STRICT,
                "{s:I, s:I, s:[i,i,i,i], s:i, s:i, s:b, s:F, s?b, s?b}", "classes", &classes,
                "channels", &channels, "blocks", &o.blocks[0], &o.blocks[1], &o.blocks[2],
                &o.blocks[3], "se_reduction", &o.se_reduction, "dilation", &o.dilation,
                "mobilenet_expand_first", &expand, "dropout", &o.dropout, "auxiliary", &auxiliary,
                "transform_input", &transform))
        return sg_fail(err, SG_ERR_FORMAT, "the model's options cannot be read: %s", why.text);
    o.classes = classes;
    o.channels = channels;
    o.mobilenet_expand_first = expand != 0;
    o.auxiliary = auxiliary != 0;
    o.transform_input = transform != 0;
    *out = o;
    return SG_OK;
}
