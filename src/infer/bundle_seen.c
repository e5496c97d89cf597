/* bundle_seen.c - what a bundle knows of its training: images by hash, groups by pseudonym, and the
 * population in words. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "infer/bundle_internal.h"
#include <stdlib.h>
#include <string.h>

static int by_sha(const void *a, const void *b) {
    return strcmp(((const sg_seen *)a)->sha256, ((const sg_seen *)b)->sha256);
}

/* Entries whose group names come from one place, under one key. */
static int by_source(const sg_seen *x, const sg_seen *y) {
    int order = strcmp(x->grouping, y->grouping);
    return order ? order : strcmp(x->key, y->key);
}

static int by_group(const void *a, const void *b) {
    const sg_seen *x = a, *y = b;
    int order = by_source(x, y);
    return order ? order : strcmp(x->group, y->group);
}

static const char *text_or(const json_t *value, const char *otherwise) {
    const char *text = json_string_value(value);
    return text ? text : otherwise;
}

static void list_member_seen(sg_bundle *b, const json_t *training) {
    const char *grouping = text_or(json_object_get(training, "grouping"), "");
    const char *key = text_or(json_object_get(training, "group_key"), "");
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(training, "seen"), i, entry) {
        const char *sha = json_string_value(json_array_get(entry, 0));
        const char *group = json_string_value(json_array_get(entry, 1));
        if (!sha || !group) continue;
        /* the third and fourth are there for images behind given weights */
        b->seen[b->seen_count++] =
                (sg_seen){sha, group, text_or(json_array_get(entry, 2), grouping),
                        text_or(json_array_get(entry, 3), key)};
    }
    if (json_is_true(json_object_get(training, "phantom"))) b->phantom = true;
}

sg_status sg_bundle_collect_seen(sg_bundle *b, sg_error *err) {
    size_t most = 0;
    for (int m = 0; m < b->member_count; m++)
        most += json_array_size(json_object_get(b->members[m].training, "seen"));
    b->seen = calloc(most + 1, sizeof *b->seen);
    b->seen_groups = calloc(most + 1, sizeof *b->seen_groups);
    b->seen_sources = calloc(most + 1, sizeof *b->seen_sources);
    if (!b->seen || !b->seen_groups || !b->seen_sources)
        return sg_fail(err, SG_ERR_MEMORY, "out of memory listing the images behind a model");
    for (int m = 0; m < b->member_count; m++) list_member_seen(b, b->members[m].training);
    memcpy(b->seen_groups, b->seen, b->seen_count * sizeof *b->seen);
    qsort(b->seen, b->seen_count, sizeof *b->seen, by_sha);
    qsort(b->seen_groups, b->seen_count, sizeof *b->seen_groups, by_group);
    for (size_t i = 0; i < b->seen_count; i++)
        if (i == 0 || by_source(&b->seen_groups[i], &b->seen_groups[i - 1]) != 0)
            b->seen_sources[b->source_count++] = &b->seen_groups[i];
    return SG_OK;
}

bool sg_bundle_seen(const sg_bundle *b, const char *sha256) {
    sg_seen key = {sha256, NULL, NULL, NULL};
    return bsearch(&key, b->seen, b->seen_count, sizeof key, by_sha) != NULL;
}

bool sg_bundle_seen_group(const sg_bundle *b, const char *grouping, const char *group) {
    /* Groups found from pixels are numbered anew in every set. */
    if (strcmp(grouping, "pixels") == 0 || strcmp(grouping, "audit") == 0 || !*grouping)
        return false;
    for (size_t i = 0; i < b->source_count; i++) {
        const sg_seen *source = b->seen_sources[i];
        if (strcmp(source->grouping, grouping) != 0) continue;
        char pseudonym[SG_PSEUDONYM];
        sg_pseudonym(pseudonym, source->key, group);
        sg_seen key = {NULL, pseudonym, grouping, source->key};
        if (bsearch(&key, b->seen_groups, b->seen_count, sizeof key, by_group)) return true;
    }
    return false;
}

void sg_bundle_put_population(sg_str *out, const json_t *training) {
    const json_t *counts = json_object_get(training, "class_counts");
    json_int_t all = 0;
    const char *name, *between = ": ";
    json_t *count;
    json_object_foreach((json_t *)counts, name, count) all += json_integer_value(count);
    json_int_t simulated = json_integer_value(json_object_get(training, "simulated"));
    sg_str_appendf(out, "%lld %simages", (long long)all, simulated == all ? "simulated " : "");
    if (simulated && simulated < all)
        sg_str_appendf(out, ", %lld of them simulated", (long long)simulated);
    json_object_foreach((json_t *)counts, name, count) {
        long long n = (long long)json_integer_value(count);
        sg_str_appendf(out, "%s%s %lld (%.1f %%)", between, name, n,
                all > 0 ? 100.0 * (double)n / (double)all : 0.0);
        between = ", ";
    }
}
