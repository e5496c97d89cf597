/* audit.h - audit.html: what an audit found, for a person to look at and to decide on. Counts, the
 * exclusion flow by reason and class, every pair registered, chequered and differenced with a
 * verdict to give, and the findings of single images with their boxes.
 *
 * A plain struct that the caller fills; all pointers are borrowed. The verdicts are gathered by a
 * small script inside the page, which writes the table that `audit --decisions` takes; without
 * scripts everything but that is there. Same struct, same bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_AUDIT_H
#define SG_REPORT_AUDIT_H

#include "sonograde/error.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct sg_audit_picture {
    const void *png; /* NULL: not available */
    size_t size;
    int width, height; /* of the PNG */
} sg_audit_picture;

typedef struct sg_audit_page_pair {
    const char *path_a, *path_b, *class_a, *class_b;
    const char *kind;      /* "equal files", "near copy" */
    double score, overlap; /* 0..1 */
    bool joined, across;   /* joined into one group; of two classes */
    bool together;         /* in one group, if only through other images */
    int verdict;           /* 0 open, 1 confirmed, 2 rejected */
    /* Of one size: the one picture, and the other seen from where the first is. */
    sg_audit_picture first, second;
} sg_audit_page_pair;

typedef struct sg_audit_page_box {
    double x, y, width, height; /* shares of the picture's sides, 0..1 */
    const char *what;
} sg_audit_page_box;

typedef struct sg_audit_page_image {
    const char *path, *class_name;
    const char *what;   /* "doppler"; for marks "caliper 4, text 1" */
    const char *detail; /* a sentence, or NULL */
    sg_audit_picture picture;
    sg_audit_picture text; /* the widest line of text, cut out; png NULL: none */
    const sg_audit_page_box *boxes;
    size_t box_count;
    bool leaves, decided; /* the cohort, as things are; by a person's verdict */
} sg_audit_page_image;

/* Images shown under one heading. */
typedef struct sg_audit_page_list {
    const sg_audit_page_image *images;
    size_t count;
    size_t left_out; /* found too, and not shown: they are in audit.json */
} sg_audit_page_list;

typedef struct sg_audit_page_reason {
    const char *words;    /* "copy of a kept image" */
    const size_t *images; /* [class_count] */
} sg_audit_page_reason;

typedef struct sg_audit_page {
    const char *name; /* the set */
    const char *const *classes;
    size_t class_count;
    const size_t *images; /* [class_count]: all of the set */
    const size_t *kept;   /* [class_count]: the cohort */
    const sg_audit_page_reason *reasons;
    size_t reason_count;
    size_t groups, shared_groups, shared_images, conflicting_groups;
    size_t split_groups;      /* that no split may divide: these, joined with the set's own */
    const char *own_grouping; /* "column:patient"; NULL: the set names none */
    double join_score, doubt_score;
    const sg_audit_page_pair *pairs; /* those in doubt first, then across classes, then the rest */
    size_t pair_count, pairs_left_out;
    sg_audit_page_list outside, marks, outliers;
    size_t marked_images;
    const char *const *unreadable; /* [2 * unreadable_count]: path, reason */
    size_t unreadable_count;
} sg_audit_page;

SG_MUST_CHECK sg_status sg_audit_page_write(
        const sg_audit_page *page, const char *path, sg_error *err);

#endif
