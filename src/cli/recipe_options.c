/* recipe_options.c - see recipe_options.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/recipe_options.h"

sg_status sg_recipe_from_args(sg_recipe *out, const sg_recipe_args *args, sg_error *err) {
    sg_recipe r = SG_RECIPE_INIT;
    r.size = (int)args->size;
    r.fit = (sg_fit)args->fit;
    r.crop = args->crop;
    r.contrast = (sg_contrast)args->contrast;
    r.clahe_clip = args->clahe_clip;
    r.clahe_tiles = (int)args->clahe_tiles;
    r.despeckle = (sg_despeckle)args->despeckle;
    r.median_size = (int)args->median_size;
    r.srad.iterations = (int)args->srad_iterations;
    r.srad.dt = args->srad_dt;
    r.srad.q0 = args->srad_q0;
    r.filter = (sg_resize_filter)args->filter;
    sg_status st = sg_recipe_check(&r, err);
    if (!st) *out = r;
    return st;
}
