/* reading.h - the reading page: a batch of images that a person reads, and what the program says of
 * them, in one self-contained HTML file. The reader's verdict comes first and is locked with its
 * time; then the program's is shown and a second verdict taken. docs/internals/reading.md says why.
 *
 * A plain struct that the caller fills; all pointers are borrowed. The page needs its script
 * (reading.js); without it it says so. Same struct, same bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_READING_H
#define SG_REPORT_READING_H

#include "base/file.h"
#include <stdint.h>

typedef struct sg_reading_neighbour {
    const char *class_name, *sha256;
    double distance;
    const char *picture; /* base64 of a JPEG, or NULL: not at hand */
} sg_reading_neighbour;

enum { SG_READING_RAMP = 33 };

/* Where an answer comes from, in image coordinates. */
typedef struct sg_reading_map {
    const char *name;    /* "Grad-CAM, malignant" */
    const char *warning; /* why not to trust it, sentences; or NULL */
    int width, height;
    const uint8_t *values; /* [height][width], 255 = hottest */
} sg_reading_map;

typedef struct sg_reading_item {
    const char *name; /* UTF-8 */
    const char *sha256;
    const void *picture, *thumbnail; /* JPEG */
    size_t picture_size, thumbnail_size;
    int width, height;            /* of the picture */
    const double *p, *low, *high; /* [class_count] calibrated; range over the members */
    int top;
    bool seen;           /* the model was trained on it */
    const char *abstain; /* reasons, or "" */
    double agreement;    /* share of the members */
    double quality;      /* 0..1; NaN: not known */
    double distance, limit;
    const sg_reading_neighbour *neighbours;
    size_t neighbour_count;
    const sg_reading_map *maps;
    size_t map_count;
} sg_reading_item;

typedef struct sg_reading_page {
    const char *key;   /* under which the browser keeps verdicts: same batch and bundle, same key */
    const char *model; /* "mobilenetv2" */
    const char *population; /* what it was trained on, in words */
    const char *lacks;      /* what the bundle does not know, a sentence; or NULL */
    int members;
    bool program_first;
    uint8_t ramp[SG_READING_RAMP][3]; /* RGB of maps, even steps from 0 to 255 */
    const char *const *classes;       /* UTF-8 */
    int class_count, positive;        /* positive: the list is ordered by it */
    const sg_reading_item *items;
    size_t count;
} sg_reading_page;

/* Writes into a file that the caller opened, and will commit or abandon. */
SG_MUST_CHECK sg_status sg_reading_page_put(
        sg_file_writer *to, const sg_reading_page *page, sg_error *err);

#endif
