/* manifest.h - the list of images that everything works from: where each lies, its class, what the
 * file is, its lesion masks, and the group of images that must not be separated by a split.
 *
 * A manifest comes from a folder (class/file.png, deeper folders allowed) or from a CSV with at
 * least the columns path and class. BUSI is read as published: DIR may be the folder that holds
 * benign/ malignant/ normal/ or its parent; `X_mask.png`, `X_mask_1.png`... are the masks of X.
 * A mask is never an image. BUS-BRA, BUS-UCLM and BrEaST are read as published too (published.h).
 *
 * Rows are ordered by class, then by the bytes of the path. Classes are ordered benign, malignant,
 * normal where these exist (any case), the others after them by bytes. Paths are bytes, relative to
 * `root`, with '/' between folders; nothing assumes UTF-8.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_DATA_MANIFEST_H
#define SG_DATA_MANIFEST_H

#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "image/image.h"
#include "sonograde/error.h"
#include <stdbool.h>
#include <stddef.h>

/* Where the groups come from. Groups found from pixels are a lower bound on what belongs together:
 * two pictures of one patient need not look alike. */
typedef enum sg_grouping {
    SG_GROUPING_PIXELS, /* equal sha256 or near-equal thumbnails (fingerprint.h) */
    SG_GROUPING_AUDIT,  /* pairs that an audit joined (audit.h), a person's verdicts included; with
                           the set's own groups where it has any */
    SG_GROUPING_COLUMN, /* a column of the user's table */
    SG_GROUPING_REGEX   /* the capture of a pattern on the path */
} sg_grouping;

typedef struct sg_manifest_row {
    char *path;      /* relative to root */
    int class_index; /* into class_names */
    char sha256[SG_SHA256_HEX];
    int width, height, channels, bit_depth; /* as the file says (image/codec.h) */
    char **masks;                           /* [mask_count], relative to root, sorted */
    size_t mask_count;
    int group;         /* into group_labels */
    char *own_group;   /* the set's own name of it, where an audit's groups go further; or NULL */
    int official_fold; /* as the data set's authors number it, from 1; 0 = none */
    double pixel_mm;   /* side of a pixel in mm; 0 = not known */
} sg_manifest_row;

typedef struct sg_manifest_skip {
    char *path;       /* relative to root */
    char *class_name; /* that it would have had */
    char *reason;     /* one sentence */
} sg_manifest_skip;

typedef struct sg_manifest {
    char *root;
    sg_manifest_row *rows;
    size_t count;
    char **class_names;
    size_t class_count;
    char **group_labels; /* "g0001" for groups from pixels, else the user's text */
    size_t group_count;
    sg_grouping grouping;
    char *grouping_detail; /* column name or pattern; "" for pixels */
    char *own_grouping;    /* "column:patient": where own_group comes from; NULL: no row has one */
    sg_manifest_skip *skips; /* files left out under skip_bad */
    size_t skip_count;
    size_t stray_masks; /* masks whose image is not there */
    char *published;    /* "BUS-BRA"...: read as published (published.h); NULL: not */
} sg_manifest;

/* What a caller wants kept of each image while it is decoded anyway: one record of `size` bytes per
 * row, zeroed, then filled by make (on any thread of the pool). A failing make counts as a damaged
 * file. `items` is set on success, [count][size], in the order of the rows: the caller's, each to
 * be disposed, then freed. */
typedef struct sg_manifest_records {
    size_t size;
    sg_status (*make)(void *record, const sg_image *image, void *user, sg_error *err);
    void (*dispose)(void *record); /* also of a zeroed or half-made record */
    void *user;
    void *items;
} sg_manifest_records;

typedef struct sg_manifest_options {
    const char *group_by; /* NULL, a column name, or a POSIX extended regex with one capture */
    bool skip_bad;        /* leave unreadable files out and list them in `skips` */
    bool any_classes;     /* one class only is fine (evaluation sets) */
    sg_pool *pool;        /* may be NULL */
    const sg_log *log;    /* may be NULL */
    /* May be NULL. When given, every file is read, and groups from pixels join equal bytes only:
     * the caller goes on from there with sg_manifest_regroup. */
    sg_manifest_records *records;
    bool may_be_gone; /* reading a table: files need not be there unless they must be read */
} sg_manifest_options;
#define SG_MANIFEST_OPTIONS_INIT                                                                   \
    { NULL, false, false, NULL, NULL, NULL, false }

/* Reads a folder: every image is decoded once. options NULL = all defaults.
 * Expected failures: SG_ERR_IO, SG_ERR_MISSING; SG_ERR_INPUT (no class folder, one class only, an
 * empty class folder, a path that group_by does not match); SG_ERR_FORMAT (a damaged image, named);
 * SG_ERR_USAGE (group_by is neither a column nor a pattern). A class with one image is a warning.
 */
SG_MUST_CHECK sg_status sg_manifest_scan(
        sg_manifest *out, const char *dir, const sg_manifest_options *options, sg_error *err);

/* Reads a CSV with the columns path and class; sha256, width, height, channels, bit_depth, masks
 * and group are taken where present and made from the files where not; pixel_mm, a number above 0
 * or nothing, only a table can tell. `root` NULL = the table's
 * own column `root`, else the folder of the table. Every file must exist, unless may_be_gone. */
SG_MUST_CHECK sg_status sg_manifest_read(sg_manifest *out, const char *csv_path, const char *root,
        const sg_manifest_options *options, sg_error *err);

/* What every verb means by --data DIR and --manifest F: the folder is scanned, or the table is read
 * with the folder (when given) as its root. SG_ERR_USAGE when both are NULL. */
SG_MUST_CHECK sg_status sg_manifest_open(sg_manifest *out, const char *dir, const char *csv_path,
        const sg_manifest_options *options, sg_error *err);

/* Columns path,class,sha256,width,height,channels,bit_depth,masks,group,grouping,root, and for a
 * published set published and, where it has official folds, fold from 0, so that the table is also
 * a split (split.h); pixel_mm where a row has one. Masks are
 * joined by '|' ('\' before a '|' or '\' of a name); root is relative to the table's folder when it
 * lies inside it, else absolute. Where an audit joined the set's own groups, own_group and
 * own_grouping keep them. */
SG_MUST_CHECK sg_status sg_manifest_write(
        const sg_manifest *manifest, const char *csv_path, sg_error *err);

/* Whether the set names groups of its own, by column or pattern (patients, examinations). */
bool sg_manifest_has_own_groups(const sg_manifest *manifest);
/* What the set itself calls the group of a row; NULL where it names none. Borrowed. */
const char *sg_manifest_own_group(const sg_manifest *manifest, size_t row);

/* Replaces the groups by an audit's: numbers[count] are 0.. in the order in which groups first
 * appear, `groups` of them; labels become g0001 and so on, the grouping SG_GROUPING_AUDIT. Groups
 * of the set's own stay known as own_group. */
SG_MUST_CHECK sg_status sg_manifest_regroup(
        sg_manifest *manifest, const int *numbers, size_t groups, sg_error *err);

void sg_manifest_dispose(sg_manifest *manifest); /* NULL-safe; leaves it empty */

/* root/path, the caller's (free); NULL when out of memory. */
char *sg_manifest_file(const sg_manifest *manifest, size_t row);
/* Row of a relative path, or -1. */
long sg_manifest_find(const sg_manifest *manifest, const char *path);
/* Index of a class name, or -1. */
int sg_manifest_class(const sg_manifest *manifest, const char *name);
/* sha256 over path, class, sha256 and group of all rows: the same digest, the same data. */
SG_MUST_CHECK sg_status sg_manifest_digest(
        char out[SG_SHA256_HEX], const sg_manifest *manifest, sg_error *err);
/* Whether the groups come from pixels alone: a lower bound on what belongs together. */
bool sg_manifest_lower_bound(const sg_manifest *manifest);
/* "pixels", "audit", "column:patient", "regex:^p([0-9]+)", "audit and column:patient": how groups
 * were made. The caller's; NULL when out of memory. */
char *sg_manifest_grouping_text(const sg_manifest *manifest);
/* Where own groups come from, names that other tables may share: "column:patient"; "" without any.
 * The caller's; NULL when out of memory. */
char *sg_manifest_own_grouping_text(const sg_manifest *manifest);

/* What the groups say. */
typedef struct sg_manifest_summary {
    size_t images, groups;
    size_t shared_groups;      /* groups of two or more images */
    size_t shared_images;      /* images in them */
    size_t largest_group;      /* images */
    size_t exact_duplicates;   /* images whose bytes equal an earlier row's */
    size_t conflicting_groups; /* groups that hold more than one class */
    size_t conflicting_images; /* images in them */
    size_t exact_conflicts;    /* sets of equal bytes under more than one class */
    size_t images_with_masks, masks;
} sg_manifest_summary;
SG_MUST_CHECK sg_status sg_manifest_summarize(
        sg_manifest_summary *out, const sg_manifest *manifest, sg_error *err);

/* Length of the stem ("benign (1)") when the file name is a mask's ("benign (1)_mask_2.png"),
 * else -1. */
int sg_mask_stem(const char *name);
/* A folder whose files are masks by its name: mask, masks. */
bool sg_mask_folder(const char *name);

#endif
