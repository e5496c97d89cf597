/* dataset.c - see dataset.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/dataset.h"
#include "cli/cli.h"
#include <stdlib.h>

sg_status sg_cli_open_dataset(
        sg_manifest *out, const sg_cli_dataset *source, const struct sg_log *log, sg_error *err) {
    int threads = source->threads > 0 ? (int)source->threads : sg_cpu_count();
    sg_pool *pool;
    sg_status status = sg_pool_create(&pool, threads - 1, err);
    if (status) return status;
    sg_pool_set_stop(pool, &sg_cli_stop);
    sg_manifest_options options = {.group_by = source->group_by,
            .skip_bad = source->skip_bad,
            .any_classes = source->any_classes,
            .pool = pool,
            .log = log};
    status = sg_manifest_open(out, source->data, source->manifest, &options, err);
    sg_pool_destroy(pool);
    return status;
}

static size_t class_images(const sg_manifest *m, size_t class_index) {
    size_t n = 0;
    for (size_t i = 0; i < m->count; i++) n += m->rows[i].class_index == (int)class_index;
    return n;
}

json_t *sg_cli_describe_dataset(const sg_manifest *m, const sg_manifest_summary *s) {
    json_t *classes = json_array(), *skipped = json_array();
    for (size_t c = 0; c < m->class_count; c++)
        json_array_append_new(
                classes, json_pack("{s:o, s:I}", "name", sg_json_text(m->class_names[c]), "images",
                                 (json_int_t)class_images(m, c)));
    for (size_t i = 0; i < m->skip_count; i++)
        json_array_append_new(
                skipped, json_pack("{s:o, s:o}", "path", sg_json_text(m->skips[i].path), "reason",
                                 sg_json_text(m->skips[i].reason)));
    char *grouping = sg_manifest_grouping_text(m);
    json_t *groups = json_pack("{s:o, s:b, s:I, s:I, s:I, s:I}", "source",
            sg_json_text(grouping ? grouping : ""), "lower_bound", sg_manifest_lower_bound(m),
            "count", (json_int_t)s->groups, "shared", (json_int_t)s->shared_groups,
            "images_in_shared", (json_int_t)s->shared_images, "largest",
            (json_int_t)s->largest_group);
    free(grouping);
    json_t *conflicts = json_pack("{s:I, s:I, s:I}", "groups", (json_int_t)s->conflicting_groups,
            "images", (json_int_t)s->conflicting_images, "exact_copies",
            (json_int_t)s->exact_conflicts);
    return json_pack("{s:i, s:I, s:o, s:o, s:I, s:o, s:I, s:I, s:o}", "schema", 1, "images",
            (json_int_t)s->images, "classes", classes, "groups", groups, "exact_duplicates",
            (json_int_t)s->exact_duplicates, "conflicts", conflicts, "images_with_masks",
            (json_int_t)s->images_with_masks, "masks", (json_int_t)s->masks, "skipped", skipped);
}

static const char *plural(size_t n) {
    return n == 1 ? "" : "s";
}

void sg_cli_print_dataset(const sg_manifest *m, const sg_manifest_summary *s) {
    printf("%zu image%s:", s->images, plural(s->images));
    for (size_t c = 0; c < m->class_count; c++) {
        printf("%s %zu ", c ? "," : "", class_images(m, c));
        sg_cli_print_safe(stdout, m->class_names[c]);
    }
    printf("\n%zu group%s%s; %zu of them %s more than one image (%zu images, at most %zu)\n",
            s->groups, plural(s->groups),
            sg_manifest_lower_bound(m)
                    ? ", found from pixels: a lower bound on what belongs together"
                    : "",
            s->shared_groups, s->shared_groups == 1 ? "holds" : "hold", s->shared_images,
            s->largest_group);
    printf("%zu exact %s; %zu group%s more than one class (%zu images)\n", s->exact_duplicates,
            s->exact_duplicates == 1 ? "copy" : "copies", s->conflicting_groups,
            s->conflicting_groups == 1 ? " holds" : "s hold", s->conflicting_images);
    printf("%zu mask%s for %zu image%s\n", s->masks, plural(s->masks), s->images_with_masks,
            plural(s->images_with_masks));
    if (m->skip_count) printf("%zu file%s left out:\n", m->skip_count, plural(m->skip_count));
    for (size_t i = 0; i < m->skip_count; i++) {
        fputs("  ", stdout);
        sg_cli_print_safe(stdout, m->skips[i].path);
        fputs(": ", stdout);
        sg_cli_print_safe(stdout, m->skips[i].reason);
        putchar('\n');
    }
}
