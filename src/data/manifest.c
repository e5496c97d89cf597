/* manifest.c - the manifest as a value: building, ordering, looking up, summing up.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/manifest.h"
#include "base/str.h"
#include "data/fingerprint.h"
#include "data/manifest_internal.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void dispose_row(sg_manifest_row *row) {
    free(row->path);
    free(row->own_group);
    for (size_t i = 0; i < row->mask_count; i++) free(row->masks[i]);
    free(row->masks);
}

static void free_texts(char **texts, size_t count) {
    for (size_t i = 0; texts && i < count; i++) free(texts[i]);
    free(texts);
}

void sg_manifest_dispose(sg_manifest *manifest) {
    if (!manifest) return;
    for (size_t i = 0; i < manifest->count; i++) dispose_row(&manifest->rows[i]);
    for (size_t i = 0; i < manifest->skip_count; i++) {
        free(manifest->skips[i].path);
        free(manifest->skips[i].class_name);
        free(manifest->skips[i].reason);
    }
    free(manifest->rows);
    free(manifest->skips);
    free_texts(manifest->class_names, manifest->class_count);
    free_texts(manifest->group_labels, manifest->group_count);
    free(manifest->root);
    free(manifest->grouping_detail);
    free(manifest->own_grouping);
    free(manifest->published);
    *manifest = (sg_manifest){0};
}

/* ---- building ---- */

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory for the list of images");
}

void sg_manifest_builder_dispose(sg_manifest_builder *builder) {
    free_texts(builder->groups, builder->manifest.count);
    sg_manifest_dispose(&builder->manifest);
    *builder = (sg_manifest_builder){0};
}

static sg_status add_class(int *index, sg_manifest_builder *b, const char *name, sg_error *err) {
    sg_manifest *m = &b->manifest;
    *index = sg_manifest_class(m, name);
    if (*index >= 0) return SG_OK;
    sg_status status = sg_grow(
            &m->class_names, &b->class_capacity, m->class_count + 1, sizeof *m->class_names, err);
    if (status) return status;
    char *copy = sg_strdup(name);
    if (!copy) return no_memory(err);
    *index = (int)m->class_count;
    m->class_names[m->class_count++] = copy;
    return SG_OK;
}

sg_status sg_manifest_add_row(sg_manifest_row **row, sg_manifest_builder *b, const char *path,
        const char *class_name, sg_error *err) {
    sg_manifest *m = &b->manifest;
    int class_index;
    sg_status status = add_class(&class_index, b, class_name, err);
    if (status) return status;
    status = sg_grow(&m->rows, &b->row_capacity, m->count + 1, sizeof *m->rows, err);
    if (status) return status;
    status = sg_grow(&b->groups, &b->group_capacity, m->count + 1, sizeof *b->groups, err);
    if (status) return status;
    char *copy = sg_strdup(path);
    if (!copy) return no_memory(err);
    m->rows[m->count] = (sg_manifest_row){.path = copy, .class_index = class_index};
    b->groups[m->count] = NULL;
    *row = &m->rows[m->count++];
    return SG_OK;
}

sg_status sg_manifest_add_mask(sg_manifest_row *row, const char *path, sg_error *err) {
    char **masks = realloc(row->masks, (row->mask_count + 1) * sizeof *masks);
    if (!masks) return no_memory(err);
    row->masks = masks;
    masks[row->mask_count] = sg_strdup(path);
    if (!masks[row->mask_count]) return no_memory(err);
    row->mask_count++;
    return SG_OK;
}

sg_status sg_manifest_add_skip(sg_manifest_builder *b, const char *path, const char *class_name,
        const char *reason, sg_error *err) {
    sg_manifest *m = &b->manifest;
    sg_status status =
            sg_grow(&m->skips, &b->skip_capacity, m->skip_count + 1, sizeof *m->skips, err);
    if (status) return status;
    sg_manifest_skip skip = {sg_strdup(path), sg_strdup(class_name), sg_strdup(reason)};
    if (!skip.path || !skip.class_name || !skip.reason) {
        free(skip.path);
        free(skip.class_name);
        free(skip.reason);
        return no_memory(err);
    }
    m->skips[m->skip_count++] = skip;
    return SG_OK;
}

/* ---- groups ---- */

bool sg_manifest_has_own_groups(const sg_manifest *m) {
    return m->own_grouping || m->grouping == SG_GROUPING_COLUMN || m->grouping == SG_GROUPING_REGEX;
}

const char *sg_manifest_own_group(const sg_manifest *m, size_t row) {
    if (m->own_grouping) return m->rows[row].own_group;
    return sg_manifest_has_own_groups(m) ? m->group_labels[m->rows[row].group] : NULL;
}

/* The set's own groups under the names that they keep. */
static sg_status keep_own_groups(sg_manifest *m, sg_error *err) {
    if (m->own_grouping || !sg_manifest_has_own_groups(m)) return SG_OK;
    for (size_t i = 0; i < m->count; i++) {
        char *name = sg_strdup(sg_manifest_own_group(m, i));
        if (!name) return no_memory(err);
        m->rows[i].own_group = name;
    }
    m->own_grouping = sg_manifest_grouping_text(m);
    return m->own_grouping ? SG_OK : no_memory(err);
}

sg_status sg_manifest_regroup(sg_manifest *m, const int *numbers, size_t groups, sg_error *err) {
    char **labels = calloc(groups + 1, sizeof *labels);
    char *detail = sg_strdup("");
    sg_status status = labels && detail ? keep_own_groups(m, err) : no_memory(err);
    for (size_t g = 0; g < groups && !status; g++) {
        labels[g] = sg_strdupf("g%04zu", g + 1);
        if (!labels[g]) status = no_memory(err);
    }
    if (status) {
        free_texts(labels, groups);
        free(detail);
        return status;
    }
    for (size_t i = 0; i < m->count; i++) m->rows[i].group = numbers[i];
    free_texts(m->group_labels, m->group_count);
    free(m->grouping_detail);
    m->group_labels = labels;
    m->group_count = groups;
    m->grouping = SG_GROUPING_AUDIT;
    m->grouping_detail = detail;
    return SG_OK;
}

/* ---- order ---- */

static int class_rank(const char *name) {
    static const char *const known[] = {"benign", "malignant", "normal"};
    int rank = 0;
    while (rank < 3 && strcasecmp(name, known[rank]) != 0) rank++;
    return rank;
}

typedef struct class_order {
    char *name;
    int old_index;
} class_order;

static int compare_classes(const void *a, const void *b) {
    const class_order *x = a, *y = b;
    int difference = class_rank(x->name) - class_rank(y->name);
    return difference ? difference : strcmp(x->name, y->name);
}

typedef struct row_order {
    sg_manifest_row row;
    char *group;
} row_order;

static int compare_rows(const void *a, const void *b) {
    const sg_manifest_row *x = &((const row_order *)a)->row, *y = &((const row_order *)b)->row;
    if (x->class_index != y->class_index) return x->class_index < y->class_index ? -1 : 1;
    return strcmp(x->path, y->path);
}

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

sg_status sg_manifest_sort(sg_manifest_builder *b, sg_error *err) {
    sg_manifest *m = &b->manifest;
    class_order *classes = calloc(m->class_count + 1, sizeof *classes);
    int *new_index = calloc(m->class_count + 1, sizeof *new_index);
    row_order *rows = calloc(m->count + 1, sizeof *rows);
    sg_status status = SG_OK;
    if (!classes || !new_index || !rows) {
        status = no_memory(err);
        goto done;
    }
    for (size_t i = 0; i < m->class_count; i++)
        classes[i] = (class_order){m->class_names[i], (int)i};
    qsort(classes, m->class_count, sizeof *classes, compare_classes);
    for (size_t i = 0; i < m->class_count; i++) {
        m->class_names[i] = classes[i].name;
        new_index[classes[i].old_index] = (int)i;
    }
    for (size_t i = 0; i < m->count; i++) {
        rows[i] = (row_order){m->rows[i], b->groups[i]};
        rows[i].row.class_index = new_index[rows[i].row.class_index];
        if (rows[i].row.mask_count > 1)
            qsort(rows[i].row.masks, rows[i].row.mask_count, sizeof(char *), compare_texts);
    }
    qsort(rows, m->count, sizeof *rows, compare_rows);
    for (size_t i = 0; i < m->count; i++) {
        m->rows[i] = rows[i].row;
        b->groups[i] = rows[i].group;
    }
done:
    free(classes);
    free(new_index);
    free(rows);
    return status;
}

/* ---- looking up ---- */

char *sg_manifest_file(const sg_manifest *manifest, size_t row) {
    const char *path = manifest->rows[row].path;
    return path[0] == '/' ? sg_strdup(path) : sg_path_join(manifest->root, path);
}

long sg_manifest_find(const sg_manifest *manifest, const char *path) {
    size_t start = 0;
    for (size_t c = 0; c < manifest->class_count; c++) {
        size_t low = start, end = start, high = manifest->count;
        while (end < high) { /* first row of the next class */
            size_t middle = end + (high - end) / 2;
            if (manifest->rows[middle].class_index <= (int)c)
                end = middle + 1;
            else
                high = middle;
        }
        for (high = end; low < high;) {
            size_t middle = low + (high - low) / 2;
            if (strcmp(manifest->rows[middle].path, path) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        if (low < end && strcmp(manifest->rows[low].path, path) == 0) return (long)low;
        start = end;
    }
    return -1;
}

int sg_manifest_class(const sg_manifest *manifest, const char *name) {
    for (size_t i = 0; i < manifest->class_count; i++)
        if (strcmp(manifest->class_names[i], name) == 0) return (int)i;
    return -1;
}

sg_status sg_manifest_digest(char out[SG_SHA256_HEX], const sg_manifest *manifest, sg_error *err) {
    sg_str text;
    sg_str_init(&text, (size_t)1 << 30);
    for (size_t i = 0; i < manifest->count; i++) {
        const sg_manifest_row *row = &manifest->rows[i];
        const char *parts[] = {row->path, manifest->class_names[row->class_index], row->sha256,
                manifest->group_labels[row->group]};
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
            sg_str_append_n(&text, parts[k], strlen(parts[k]) + 1);
    }
    sg_status status = sg_str_check(&text, err);
    if (status == SG_OK) sg_sha256_hex(out, sg_str_text(&text), text.len);
    sg_str_dispose(&text);
    return status;
}

bool sg_manifest_lower_bound(const sg_manifest *manifest) {
    return !sg_manifest_has_own_groups(manifest);
}

char *sg_manifest_grouping_text(const sg_manifest *manifest) {
    switch (manifest->grouping) {
    case SG_GROUPING_COLUMN:
        return sg_strdupf("column:%s", manifest->grouping_detail);
    case SG_GROUPING_REGEX:
        return sg_strdupf("regex:%s", manifest->grouping_detail);
    case SG_GROUPING_AUDIT:
        return manifest->own_grouping ? sg_strdupf("audit and %s", manifest->own_grouping)
                                      : sg_strdup("audit");
    case SG_GROUPING_PIXELS:
        break;
    }
    return sg_strdup("pixels");
}

char *sg_manifest_own_grouping_text(const sg_manifest *manifest) {
    if (manifest->own_grouping) return sg_strdup(manifest->own_grouping);
    return sg_manifest_has_own_groups(manifest) ? sg_manifest_grouping_text(manifest)
                                                : sg_strdup("");
}

/* ---- summing up ---- */

typedef struct hashed_row {
    const char *sha256;
    int class_index;
} hashed_row;

static int compare_hashes(const void *a, const void *b) {
    const hashed_row *x = a, *y = b;
    int difference = strcmp(x->sha256, y->sha256);
    return difference ? difference : x->class_index - y->class_index;
}

static void count_equal_files(sg_manifest_summary *s, hashed_row *rows, size_t n) {
    qsort(rows, n, sizeof *rows, compare_hashes);
    for (size_t first = 0, next; first < n; first = next) {
        for (next = first + 1; next < n && !strcmp(rows[next].sha256, rows[first].sha256);) next++;
        s->exact_duplicates += next - first - 1;
        s->exact_conflicts += rows[next - 1].class_index != rows[first].class_index;
    }
}

sg_status sg_manifest_summarize(
        sg_manifest_summary *out, const sg_manifest *manifest, sg_error *err) {
    sg_manifest_summary s = {.images = manifest->count, .groups = manifest->group_count};
    typedef struct group_tally {
        size_t images;
        int first_class;
        bool conflict;
    } group_tally;
    group_tally *groups = calloc(manifest->group_count + 1, sizeof *groups);
    hashed_row *hashes = calloc(manifest->count + 1, sizeof *hashes);
    if (!groups || !hashes) {
        free(groups);
        free(hashes);
        return no_memory(err);
    }
    for (size_t i = 0; i < manifest->count; i++) {
        const sg_manifest_row *row = &manifest->rows[i];
        group_tally *g = &groups[row->group];
        if (g->images++ == 0) g->first_class = row->class_index;
        g->conflict |= g->first_class != row->class_index;
        hashes[i] = (hashed_row){row->sha256, row->class_index};
        s.masks += row->mask_count;
        s.images_with_masks += row->mask_count > 0;
    }
    for (size_t g = 0; g < manifest->group_count; g++) {
        size_t n = groups[g].images;
        s.largest_group = n > s.largest_group ? n : s.largest_group;
        s.shared_groups += n > 1;
        s.shared_images += n > 1 ? n : 0;
        s.conflicting_groups += groups[g].conflict;
        s.conflicting_images += groups[g].conflict ? n : 0;
    }
    count_equal_files(&s, hashes, manifest->count);
    free(groups);
    free(hashes);
    *out = s;
    return SG_OK;
}
