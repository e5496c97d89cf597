/* manifest_complete.c - from rows that name files to a manifest: facts read from the files, groups
 * from the user's text or from the pixels, classes checked.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "data/fingerprint.h"
#include "data/manifest_internal.h"
#include "data/union.h"
#include "image/codec.h"
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory for the list of images");
}

/* ---- facts from files ---- */

enum { BATCH = 64 };

typedef struct reading {
    sg_manifest *manifest;
    float *prints;                      /* [count][SG_FINGERPRINT_LEN], or NULL when not wanted */
    const sg_manifest_records *records; /* or NULL when not wanted */
    unsigned char *items;               /* [count][records->size] */
    char **reasons;                     /* [count]: why a row must be left out, or NULL */
    bool skip_bad;
    size_t first; /* row of the batch's first item */
} reading;

static sg_status read_facts(const reading *r, size_t index, const char *file, sg_error *err) {
    static const sg_image_limits limits = SG_IMAGE_LIMITS_INIT;
    sg_manifest_row *row = &r->manifest->rows[index];
    char *bytes;
    size_t size;
    sg_status status = sg_file_read(&bytes, &size, file, limits.max_file_bytes, err);
    if (status) return status;
    sg_image image = {0};
    sg_image_info info;
    status = sg_image_decode(&image, &info, bytes, size, file, &limits, err);
    if (!status && r->prints)
        status = sg_fingerprint_make(r->prints + index * SG_FINGERPRINT_LEN, &image, err);
    if (!status && r->records)
        status = r->records->make(
                r->items + index * r->records->size, &image, r->records->user, err);
    if (!status) {
        sg_sha256_hex(row->sha256, bytes, size);
        row->width = info.width;
        row->height = info.height;
        row->channels = info.channels;
        row->bit_depth = info.bit_depth;
    }
    sg_image_dispose(&image);
    free(bytes);
    return status;
}

static sg_status read_row(void *user, size_t item, sg_error *err) {
    reading *r = user;
    size_t index = r->first + item;
    char *file = sg_manifest_file(r->manifest, index);
    if (!file) return no_memory(err);
    sg_error local = SG_ERROR_INIT;
    sg_status status = read_facts(r, index, file, &local);
    free(file);
    if (!status) return SG_OK;
    if (status == SG_ERR_MEMORY || !r->skip_bad)
        return sg_fail(err, status == SG_ERR_MEMORY ? status : SG_ERR_INPUT,
                "%s; or leave such files out with --skip-bad", local.message);
    r->reasons[index] = sg_strdup(local.message);
    return r->reasons[index] ? SG_OK : no_memory(err);
}

/* Takes the rows with a reason out of the manifest and into its skips. */
static sg_status drop_bad_rows(
        sg_manifest_builder *b, const reading *r, const sg_log *log, sg_error *err) {
    sg_manifest *m = &b->manifest;
    for (size_t i = 0; i < m->count; i++) {
        if (!r->reasons[i]) continue;
        sg_status status = sg_manifest_add_skip(
                b, m->rows[i].path, m->class_names[m->rows[i].class_index], r->reasons[i], err);
        if (status) return status;
        sg_log_line(log, SG_LOG_WARN, "left out: %s", r->reasons[i]);
    }
    size_t kept = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (r->reasons[i]) {
            sg_manifest_row *row = &m->rows[i];
            free(row->path);
            free(row->own_group);
            for (size_t k = 0; k < row->mask_count; k++) free(row->masks[k]);
            free(row->masks);
            free(b->groups[i]);
            if (r->records) r->records->dispose(r->items + i * r->records->size);
            continue;
        }
        if (r->prints && kept != i)
            memcpy(r->prints + kept * SG_FINGERPRINT_LEN, r->prints + i * SG_FINGERPRINT_LEN,
                    SG_FINGERPRINT_LEN * sizeof *r->prints);
        if (r->records && kept != i)
            memcpy(r->items + kept * r->records->size, r->items + i * r->records->size,
                    r->records->size);
        m->rows[kept] = m->rows[i];
        b->groups[kept++] = b->groups[i];
    }
    m->count = kept;
    return SG_OK;
}

static void dispose_items(const sg_manifest_records *records, unsigned char *items, size_t n) {
    for (size_t i = 0; items && i < n; i++) records->dispose(items + i * records->size);
    free(items);
}

/* *prints is set (the caller's) when wanted. */
static sg_status read_files(sg_manifest_builder *b, float **prints, bool want_prints,
        const sg_manifest_options *options, sg_error *err) {
    size_t n = b->manifest.count;
    reading r = {.manifest = &b->manifest,
            .prints = want_prints ? calloc(n + 1, SG_FINGERPRINT_LEN * sizeof(float)) : NULL,
            .records = options->records,
            .items = options->records ? calloc(n + 1, options->records->size) : NULL,
            .reasons = calloc(n + 1, sizeof(char *)),
            .skip_bad = options->skip_bad};
    sg_status status = SG_OK;
    if (!r.reasons || (want_prints && !r.prints) || (r.records && !r.items))
        status = no_memory(err);
    for (; r.first < n && !status; r.first += BATCH) {
        size_t batch = n - r.first < BATCH ? n - r.first : BATCH;
        status = sg_pool_for(options->pool, batch, read_row, &r, err);
        sg_log_progress(options->log, "reading images", (double)(r.first + batch), (double)n);
    }
    if (!status) status = drop_bad_rows(b, &r, options->log, err);
    for (size_t i = 0; r.reasons && i < n; i++) free(r.reasons[i]);
    free(r.reasons);
    if (status) {
        free(r.prints);
        if (r.records) dispose_items(r.records, r.items, n);
        return status;
    }
    *prints = r.prints;
    if (options->records) options->records->items = r.items;
    return SG_OK;
}

/* ---- groups ---- */

static const char *group_text_of(const void *user, size_t row) {
    return ((const sg_manifest_builder *)user)->groups[row];
}

static const char *sha256_of(const void *user, size_t row) {
    return ((const sg_manifest_builder *)user)->manifest.rows[row].sha256;
}

static sg_status join_similar(
        sg_union *u, const float *prints, size_t n, sg_pool *pool, sg_error *err) {
    sg_fingerprint_pair *pairs;
    size_t count;
    sg_status status = sg_fingerprint_find_pairs(
            &pairs, &count, prints, n, SG_FINGERPRINT_THRESHOLD, pool, err);
    if (status) return status;
    for (size_t i = 0; i < count; i++) sg_union_join(u, pairs[i].a, pairs[i].b);
    free(pairs);
    return SG_OK;
}

/* Writes group numbers into the rows and labels into the manifest; labels come from the user's
 * texts, or are g0001... */
static sg_status name_groups(sg_manifest_builder *b, sg_union *u, bool own_texts, sg_error *err) {
    sg_manifest *m = &b->manifest;
    int *numbers = calloc(m->count + 1, sizeof *numbers);
    if (!numbers) return no_memory(err);
    size_t groups = sg_union_number(u, numbers);
    m->group_labels = calloc(groups + 1, sizeof *m->group_labels);
    sg_status status = m->group_labels ? SG_OK : no_memory(err);
    for (size_t i = 0; i < m->count && !status; i++) {
        m->rows[i].group = numbers[i];
        if ((size_t)numbers[i] != m->group_count) continue;
        char *label =
                own_texts ? sg_strdup(b->groups[i]) : sg_strdupf("g%04zu", m->group_count + 1);
        if (!label)
            status = no_memory(err);
        else
            m->group_labels[m->group_count++] = label;
    }
    free(numbers);
    return status;
}

static void warn_of_split_copies(const sg_manifest *m, sg_union *copies, const sg_log *log) {
    size_t apart = 0;
    for (size_t i = 0; i < m->count; i++) {
        uint32_t first = sg_union_find(copies, (uint32_t)i);
        apart += m->rows[first].group != m->rows[i].group;
    }
    if (apart)
        sg_log_line(log, SG_LOG_WARN,
                "%zu images are byte for byte copies of an image in another group; the groups "
                "given may be incomplete",
                apart);
}

static sg_status make_groups(sg_manifest_builder *b, const float *prints, bool own_texts,
        const sg_manifest_options *options, sg_error *err) {
    sg_manifest *m = &b->manifest;
    sg_union u = {0}, copies = {0};
    sg_status status = sg_union_init(&u, m->count, err);
    if (!status) status = sg_union_init(&copies, m->count, err);
    if (!status) status = sg_union_join_equal(&copies, sha256_of, b, err);
    if (!status) status = sg_union_join_equal(&u, own_texts ? group_text_of : sha256_of, b, err);
    if (!status && !own_texts && prints)
        status = join_similar(&u, prints, m->count, options->pool, err);
    if (!status) status = name_groups(b, &u, own_texts, err);
    if (!status && own_texts && !options->records) /* an audit joins them */
        warn_of_split_copies(m, &copies, options->log);
    sg_union_dispose(&u);
    sg_union_dispose(&copies);
    return status;
}

/* ---- classes ---- */

static sg_status check_classes(
        const sg_manifest *m, const sg_manifest_options *options, sg_error *err) {
    for (size_t c = 0; c < m->class_count; c++) {
        size_t images = 0;
        const char *only = "";
        for (size_t i = 0; i < m->count; i++) {
            if (m->rows[i].class_index != (int)c) continue;
            images++;
            only = m->rows[i].path;
        }
        if (images == 0)
            return sg_fail(err, SG_ERR_INPUT,
                    "%s: no image of class '%s' could be read; mend the files or remove the class",
                    m->root, m->class_names[c]);
        if (images == 1)
            sg_log_line(options->log, SG_LOG_WARN,
                    "class '%s' has a single image (%s); it cannot be in training and test both",
                    m->class_names[c], only);
    }
    if (m->class_count < 2 && !options->any_classes)
        return sg_fail(err, SG_ERR_INPUT,
                "%s: all images are of one class, '%s'; a classifier needs two or more classes",
                m->root, m->class_count ? m->class_names[0] : "");
    return SG_OK;
}

sg_status sg_manifest_complete(sg_manifest *out, sg_manifest_builder *builder,
        sg_manifest_known known, const sg_manifest_options *options, sg_error *err) {
    sg_manifest *m = &builder->manifest;
    float *prints = NULL;
    sg_status status = sg_manifest_sort(builder, err);
    if (!status && !known.groups)
        status = sg_manifest_group_by_pattern(builder, &known.groups, options->group_by, err);
    sg_manifest_records *records = options->records;
    if (records) records->items = NULL;
    if (!status && (records || !(known.facts && known.groups)))
        status = read_files(builder, &prints, !known.groups && !records, options, err);
    if (!status) status = check_classes(m, options, err);
    if (!status) status = make_groups(builder, prints, known.groups, options, err);
    if (!status && !m->grouping_detail) {
        m->grouping_detail = sg_strdup("");
        if (!m->grouping_detail) status = no_memory(err);
    }
    free(prints);
    if (status && records) {
        dispose_items(records, records->items, m->count);
        records->items = NULL;
    }
    if (status) return status;
    for (size_t i = 0; i < m->count; i++) free(builder->groups[i]);
    free(builder->groups);
    *out = *m;
    *builder = (sg_manifest_builder){0};
    return SG_OK;
}
