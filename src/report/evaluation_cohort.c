/* evaluation_cohort.c - the section of the report that shows which images left and what the figures
 * are with and without them. SPDX-License-Identifier: Apache-2.0 */
#include "report/evaluation_parts.h"
#include <stdlib.h>

static void put_flow(sg_page *page, const sg_evaluation_page *e) {
    size_t columns = e->class_count + 2;
    sg_cells cells;
    const char **header = calloc(columns, sizeof *header);
    if (!sg_cells_init(&cells, (e->flow_count + 1) * columns) || !header) {
        page->failed = true;
        sg_cells_dispose(&cells);
        free(header);
        return;
    }
    header[0] = "images";
    header[1] = "all";
    for (size_t k = 0; k < e->class_count; k++) header[2 + k] = e->classes[k].name;
    sg_cells_put(&cells, "audited");
    sg_cells_put_count(&cells, e->audited_images);
    for (size_t k = 0; k < e->class_count; k++) {
        size_t sum = 0;
        for (size_t i = 0; i < e->flow_count; i++) sum += e->flow[i].by_class[k];
        sg_cells_put_count(&cells, sum);
    }
    for (size_t i = 0; i < e->flow_count; i++) {
        const sg_evaluation_exclusion *row = &e->flow[i];
        if (row->reason && row->images == 0) continue;
        sg_cells_put(
                &cells, row->reason ? row->reason : "cohort: one image per lesion, none in doubt");
        sg_cells_put_count(&cells, row->images);
        for (size_t k = 0; k < e->class_count; k++) sg_cells_put_count(&cells, row->by_class[k]);
    }
    sg_page_table table = SG_PAGE_TABLE_INIT;
    table.caption = "Exclusion flow: every audited image leaves for the first reason that applies, "
                    "or stays";
    table.header = header;
    table.cells = cells.cell;
    table.rows = cells.count / columns;
    table.columns = columns;
    table.strong_row = (int)table.rows - 1;
    sg_page_put_table(page, &table);
    sg_cells_dispose(&cells);
    free(header);
}

/* What the flow's last row promises and the judged images do not hold. */
static void put_unjudged(sg_page *page, const sg_evaluation_page *e) {
    if (!e->unjudged) return;
    sg_page_textf(page, "%zu images of the cohort were not judged here, so no figure holds them.",
            e->unjudged);
    if (e->judged_on_copy)
        sg_page_textf(page,
                "The lesions of %zu of them were judged on another image, which left here as a "
                "copy: the run was made from another choice of one image per lesion. Those answers "
                "count among all images only. Train on the audit's cohort.csv, or judge by the "
                "audit that the run was made from.",
                e->judged_on_copy);
}

static void put_beside(sg_page *page, const sg_evaluation_page *e) {
    static const char *const header[] = {"figure", "cohort", "all images"};
    enum { COLUMNS = 3 };
    sg_cells cells;
    if (!sg_cells_init(&cells, e->beside_count * COLUMNS)) page->failed = true;
    for (size_t i = 0; i < e->beside_count && cells.text && cells.cell; i++) {
        const sg_evaluation_beside *row = &e->beside[i];
        sg_cells_put(&cells, row->name);
        sg_cells_put_value(&cells, &row->cohort, row->percent);
        sg_cells_put_value(&cells, &row->all, row->percent);
    }
    sg_cells_put_table(&cells, page, header, COLUMNS, NULL,
            "Figures in percent, F1 and AUROC from 0 to 1; with 95 % intervals over the "
            "audit's groups");
}

void sg_evaluation_put_cohort(sg_page *page, const sg_evaluation_page *e) {
    if (e->flow_count == 0) return;
    sg_page_section(page, "Cohort and excluded images",
            "All other figures of this page are those of the cohort. A picture that is there "
            "twice, "
            "or under two labels, makes figures that nobody can check; so each one says here why "
            "it "
            "left.");
    put_flow(page, e);
    put_unjudged(page, e);
    if (e->relatives_in_training)
        sg_page_textf(page,
                "%zu of the %zu %s have an image of their audit group in another part of the "
                "split: "
                "the model that judged them was trained on a relative.",
                e->relatives_in_training, e->all_images, sg_evaluation_counted(e));
    if (e->beside_count) {
        sg_page_textf(page,
                "Judged: %zu images in %zu groups, %zu of them in the cohort. The right column "
                "keeps "
                "copies together in groups but counts them all, conflicting labels included.",
                e->all_images / sg_evaluation_runs(e), e->all_groups,
                e->images / sg_evaluation_runs(e));
        put_beside(page, e);
    } else {
        sg_page_text(page, "Only images of the cohort were judged, so there are no figures of the "
                           "others to stand beside.");
    }
    sg_page_textf(page, "Made from the audit %s.", e->audit_digest);
}
