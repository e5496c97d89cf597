/* audit.h - what is wrong with a set of images, found from the pixels before anything is learned:
 * copies, contradictory labels, images that do not belong, marks burnt in, files that cannot be
 * read; and the cohort that remains, one image per lesion, with the reason why each other image
 * left.
 *
 * One plain struct is filled in steps: read (every file decoded once, sg_look kept of it), pairs
 * and groups, findings of single images, decisions of a person, cohort. Each step is a file of its
 * own. docs/internals/audit.md has the figures.
 *
 * Two things are told apart. A lesion is what joined pairs hold together: its images show one
 * picture, so two classes contradict each other, and one image is enough. A group is what no split
 * may divide: lesions, joined further by what the set itself says of patients or examinations. A
 * patient may have two lesions of two classes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_DATA_AUDIT_H
#define SG_DATA_AUDIT_H

#include "base/json.h"
#include "data/audit_look.h"
#include "data/decisions.h"
#include "data/manifest.h"
#include <stdint.h>

/* ---- pairs ---- */

typedef enum sg_pair_kind {
    SG_PAIR_BYTES,  /* the files are equal */
    SG_PAIR_PIXELS, /* the decoded pixels are equal, the files are not */
    SG_PAIR_NEAR,   /* the same frame, changed */
    SG_PAIR_FRAME   /* the same view in another frame: the tissue agrees, the speckle does not */
} sg_pair_kind;

/* Scores from which a pair is joined, and from which it is shown to a person; chosen on phantoms.
 */
#define SG_AUDIT_JOIN_SCORE  0.5
#define SG_AUDIT_DOUBT_SCORE 0.4

typedef struct sg_audit_pair {
    uint32_t a, b; /* rows of the manifest, a < b */
    sg_pair_kind kind;
    double score;     /* 0..1: how far the detail of the overlap agrees; 1 for equal pixels */
    double overlap;   /* share of the smaller picture that lies in both */
    double affine[6]; /* pixel of b -> pixel of a, centres at whole numbers (image/warp.h) */
    sg_verdict verdict;
    bool joined;   /* the two are one lesion because of this pair */
    bool together; /* they are one lesion, if only through other images */
} sg_audit_pair;

/* ---- findings of single images ---- */

typedef enum sg_finding_kind {
    SG_FINDING_DOMAIN,  /* no breast B-mode image: axilla, needle, Doppler, screenshot, mask... */
    SG_FINDING_MARK,    /* burnt in: caliper, text, pictogram */
    SG_FINDING_OUTLIER, /* size or intensity far from the others' */
    SG_FINDING_KINDS
} sg_finding_kind;

enum { SG_FINDING_WHAT = 24, SG_FINDING_DETAIL = 120 };
typedef struct sg_finding {
    sg_finding_kind kind;
    uint32_t row;
    char what[SG_FINDING_WHAT];     /* "caliper", "blank": a word that a program can ask for */
    char detail[SG_FINDING_DETAIL]; /* a sentence for a person, or "" */
    sg_rect box;                    /* pixels of the image; width 0: the whole image */
    double score;                   /* 0..1, how sure; NaN where there is no measure */
    bool excludes;                  /* takes the image out of the cohort */
} sg_finding;

/* ---- cohort ---- */

/* Why an image is not in the cohort: the first that applies, in this order. */
typedef enum sg_fate {
    SG_FATE_KEPT,
    SG_FATE_DOMAIN,     /* a finding that excludes */
    SG_FATE_CONFLICT,   /* its lesion is under more than one class */
    SG_FATE_DOUBT,      /* might be the same lesion as an image of another class; undecided */
    SG_FATE_COPY,       /* another image of its lesion was kept */
    SG_FATE_DOUBT_COPY, /* might be the same lesion as an image that was kept; undecided */
    SG_FATES
} sg_fate;

/* What excluded.csv and the flow call a file that cannot be read; it is in no manifest. */
#define SG_AUDIT_UNREADABLE "unreadable"

typedef struct sg_audit_fate {
    sg_fate fate;
    int32_t because; /* row of the image that was kept or contradicts; -1 where there is none */
} sg_audit_fate;

/* ---- the whole ---- */

typedef struct sg_audit {
    sg_manifest manifest; /* groups filled; unreadable files in its skips */
    int *lesions;         /* [manifest.count]: 0 .. lesion_count - 1, in order of appearance */
    size_t lesion_count;
    sg_look *looks;       /* [manifest.count] */
    sg_audit_pair *pairs; /* ordered by a, then b; the doubtful among them */
    size_t pair_count;
    double join_score, doubt_score; /* joined at or above; listed as doubtful at or above */
    sg_finding *findings;           /* ordered by row, then kind, as added */
    size_t finding_count, finding_capacity;
    sg_audit_fate *fates;                 /* [manifest.count] */
    char decisions_sha256[SG_SHA256_HEX]; /* "" without decisions */
    size_t decisions_used, decisions_unused;
} sg_audit;

typedef struct sg_audit_options {
    const char *manifest;  /* table of images, or NULL */
    const char *group_by;  /* of the set's own groups (manifest.h), or NULL */
    const char *decisions; /* CSV: a,b,verdict (decisions.h); or NULL */
    sg_pool *pool;         /* may be NULL; its stop flag stops the audit */
    const sg_log *log;     /* may be NULL */
} sg_audit_options;

/* The whole audit of a folder (or of the table's images; dir is then their root and may be NULL).
 * Unreadable files are findings, not failures. */
SG_MUST_CHECK sg_status sg_audit_run(
        sg_audit *out, const char *dir, const sg_audit_options *options, sg_error *err);
void sg_audit_dispose(sg_audit *audit); /* NULL-safe */

/* ---- the steps (sg_audit_run takes them in this order) ---- */

SG_MUST_CHECK sg_status sg_audit_find_pairs(
        sg_audit *audit, const sg_audit_options *options, sg_error *err);
/* Findings of single images: outside the domain, marks, outliers (at 20 images or more). */
SG_MUST_CHECK sg_status sg_audit_find_images(sg_audit *audit, sg_error *err);
/* Takes verdicts back. A row of the table whose images are not in the set, or that rejects a pair
 * which was not found, is counted in decisions_unused; a confirmed pair that was not found is
 * added, with score 0. An excluded image gets a finding, a kept one loses what excludes it. */
SG_MUST_CHECK sg_status sg_audit_take_decisions(
        sg_audit *audit, const sg_decisions *decisions, sg_error *err);
/* Fills lesions, what pairs[] say of them, and the manifest's groups. */
SG_MUST_CHECK sg_status sg_audit_make_groups(sg_audit *audit, sg_error *err);
/* Appends a copy. */
SG_MUST_CHECK sg_status sg_audit_add_finding(
        sg_audit *audit, const sg_finding *finding, sg_error *err);
SG_MUST_CHECK sg_status sg_audit_choose_cohort(sg_audit *audit, sg_error *err);

/* ---- what it leaves behind ---- */

/* by_class[manifest.class_count]: images of one fate; files that cannot be read. */
void sg_audit_count_fate(size_t *by_class, const sg_audit *audit, sg_fate fate);
void sg_audit_count_unreadable(size_t *by_class, const sg_audit *audit);

/* audit.json (docs/internals/audit.md has its keys). New reference; NULL when out of memory. */
json_t *sg_audit_to_json(const sg_audit *audit);
/* The manifest of the images that were kept: what a training on the cohort takes. */
SG_MUST_CHECK sg_status sg_audit_write_cohort(
        const sg_audit *audit, const char *csv_path, sg_error *err);
/* The others, in the manifest's order, then the files that cannot be read, without a group:
 * path,class,group,reason,because. */
SG_MUST_CHECK sg_status sg_audit_write_excluded(
        const sg_audit *audit, const char *csv_path, sg_error *err);

/* The manifest's figures with lesions in the place of groups. */
SG_MUST_CHECK sg_status sg_audit_summarize(
        sg_manifest_summary *out, const sg_audit *audit, sg_error *err);

/* "bytes", "pixels", "near", "frame"; "outside_domain",
 * "burnt_in_marks", "outliers"; "kept", "outside_domain", "label_conflict"... Static text. */
const char *sg_pair_kind_name(sg_pair_kind kind);
const char *sg_finding_kind_name(sg_finding_kind kind);
const char *sg_fate_name(sg_fate fate);

#endif
