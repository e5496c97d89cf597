/* reading_maps.h - the maps of the reading page: where the model looked, small enough for a page.
 * Inside cli only. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_READING_MAPS_H
#define SG_CLI_READING_MAPS_H

#include "cli/evaluation_facts.h"
#include "infer/explain.h"
#include "report/reading.h"

typedef struct sg_map_maker {
    sg_explainer *explainer; /* NULL: makes none */
    sg_explain_method method;
    const char *said;  /* what a scored set found of the method, sentences; NULL: none was named */
    const char *lacks; /* why there are none although they were asked for, a sentence; or NULL */
} sg_map_maker;

/* A model whose last map has no extent makes none, and `lacks` says so. Bundle borrowed. Expected
 * failure: SG_ERR_INPUT when this model cannot give such a map (no SE gates). */
SG_MUST_CHECK sg_status sg_map_maker_open(sg_map_maker *out, const sg_bundle *bundle,
        sg_explain_method method, const sg_explain_options *options, sg_error *err);
void sg_map_maker_close(sg_map_maker *maker);

/* The map of the evidence for a class. What out points at is kept. Needs an explainer. */
SG_MUST_CHECK sg_status sg_map_maker_make(sg_reading_map *out, sg_keep *keep, sg_map_maker *maker,
        const sg_image *image, int class_index, const char *class_name, sg_error *err);

/* The colours of all maps, which are those of `explain`. */
void sg_map_ramp(uint8_t ramp[SG_READING_RAMP][3]);

#endif
