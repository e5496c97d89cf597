/* audit.c - the steps of an audit in their order, and the names of what it finds.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/audit.h"
#include "base/str.h"
#include "data/union.h"
#include <stdlib.h>

static const char *const pair_kinds[] = {[SG_PAIR_BYTES] = "bytes",
        [SG_PAIR_PIXELS] = "pixels",
        [SG_PAIR_NEAR] = "near",
        [SG_PAIR_FRAME] = "frame"};
static const char *const finding_kinds[SG_FINDING_KINDS] = {[SG_FINDING_DOMAIN] = "outside_domain",
        [SG_FINDING_MARK] = "burnt_in_marks",
        [SG_FINDING_OUTLIER] = "outliers"};
static const char *const fates[SG_FATES] = {[SG_FATE_KEPT] = "kept",
        [SG_FATE_DOMAIN] = "outside_domain",
        [SG_FATE_CONFLICT] = "label_conflict",
        [SG_FATE_DOUBT] = "label_in_doubt",
        [SG_FATE_COPY] = "copy",
        [SG_FATE_DOUBT_COPY] = "copy_in_doubt"};

const char *sg_pair_kind_name(sg_pair_kind kind) {
    return pair_kinds[kind];
}
const char *sg_finding_kind_name(sg_finding_kind kind) {
    return finding_kinds[kind];
}
const char *sg_fate_name(sg_fate fate) {
    return fates[fate];
}

/* ---- steps ---- */

static sg_status read_images(
        sg_audit *audit, const char *dir, const sg_audit_options *options, sg_error *err) {
    sg_manifest_records records = {
            .size = sizeof(sg_look), .make = sg_look_make, .dispose = sg_look_dispose};
    sg_manifest_options how = {.group_by = options->group_by,
            .skip_bad = true,
            .any_classes = true,
            .pool = options->pool,
            .log = options->log,
            .records = &records};
    sg_status status = sg_manifest_open(&audit->manifest, dir, options->manifest, &how, err);
    if (!status) audit->looks = records.items;
    return status;
}

static void join_pairs(sg_audit *audit, sg_union *lesions) {
    for (size_t i = 0; i < audit->pair_count; i++) {
        sg_audit_pair *pair = &audit->pairs[i];
        pair->joined = pair->verdict == SG_VERDICT_CONFIRMED ||
                       (pair->verdict == SG_VERDICT_OPEN && pair->score >= audit->join_score);
        if (pair->joined) sg_union_join(lesions, pair->a, pair->b);
    }
}

static const char *own_group_of(const void *user, size_t row) {
    return sg_manifest_own_group(user, row);
}

sg_status sg_audit_make_groups(sg_audit *audit, sg_error *err) {
    sg_manifest *m = &audit->manifest;
    sg_union u = {0};
    int *lesions = malloc((m->count + 1) * sizeof *lesions);
    int *groups = malloc((m->count + 1) * sizeof *groups);
    sg_status status = lesions && groups ? sg_union_init(&u, m->count, err)
                                         : sg_fail(err, SG_ERR_MEMORY, "out of memory for groups");
    if (status) goto done;
    join_pairs(audit, &u);
    size_t lesion_count = sg_union_number(&u, lesions);
    for (size_t i = 0; i < audit->pair_count; i++)
        audit->pairs[i].together = lesions[audit->pairs[i].a] == lesions[audit->pairs[i].b];
    status = sg_union_join_equal(&u, own_group_of, m, err);
    if (!status) status = sg_manifest_regroup(m, groups, sg_union_number(&u, groups), err);
    if (status) goto done;
    free(audit->lesions);
    audit->lesions = lesions;
    audit->lesion_count = lesion_count;
    lesions = NULL;
done:
    sg_union_dispose(&u);
    free(lesions);
    free(groups);
    return status;
}

sg_status sg_audit_summarize(sg_manifest_summary *out, const sg_audit *audit, sg_error *err) {
    sg_manifest lesions = audit->manifest; /* borrows all but the rows */
    lesions.group_count = audit->lesion_count;
    lesions.rows = malloc((lesions.count + 1) * sizeof *lesions.rows);
    if (!lesions.rows) return sg_fail(err, SG_ERR_MEMORY, "out of memory counting lesions");
    for (size_t i = 0; i < lesions.count; i++) {
        lesions.rows[i] = audit->manifest.rows[i];
        lesions.rows[i].group = audit->lesions[i];
    }
    sg_status status = sg_manifest_summarize(out, &lesions, err);
    free(lesions.rows);
    return status;
}

sg_status sg_audit_add_finding(sg_audit *audit, const sg_finding *finding, sg_error *err) {
    sg_status status = sg_grow(&audit->findings, &audit->finding_capacity, audit->finding_count + 1,
            sizeof *audit->findings, err);
    if (!status) audit->findings[audit->finding_count++] = *finding;
    return status;
}

sg_status sg_audit_run(
        sg_audit *out, const char *dir, const sg_audit_options *options, sg_error *err) {
    sg_audit audit = {0};
    sg_decisions decisions = {0};
    sg_status status = SG_OK;
    /* Read first: a mistake in the table is told before the long work. */
    if (options->decisions)
        status = sg_decisions_read(&decisions, audit.decisions_sha256, options->decisions, err);
    if (!status) status = read_images(&audit, dir, options, err);
    if (!status) status = sg_audit_find_pairs(&audit, options, err);
    if (!status) status = sg_audit_find_images(&audit, err);
    if (!status) status = sg_audit_take_decisions(&audit, &decisions, err);
    if (!status) status = sg_audit_make_groups(&audit, err);
    if (!status) status = sg_audit_choose_cohort(&audit, err);
    sg_decisions_dispose(&decisions);
    if (status)
        sg_audit_dispose(&audit);
    else
        *out = audit;
    return status;
}

void sg_audit_dispose(sg_audit *audit) {
    if (!audit) return;
    for (size_t i = 0; audit->looks && i < audit->manifest.count; i++)
        sg_look_dispose(&audit->looks[i]);
    free(audit->looks);
    free(audit->pairs);
    free(audit->findings);
    free(audit->fates);
    free(audit->lesions);
    sg_manifest_dispose(&audit->manifest);
    *audit = (sg_audit){0};
}
