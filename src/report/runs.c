/* runs.c - see runs.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/runs.h"
#include "report/compare_parts.h"
#include <stdlib.h>

/* Options down, runs across. */
static void put_settings(sg_page *page, const sg_runs_page *in) {
    size_t columns = in->count + 1;
    const char **header = calloc(columns, sizeof *header);
    const char **cells = calloc(in->setting_count * columns + 1, sizeof *cells);
    char *align = malloc(columns + 1);
    if (header && cells && align) {
        header[0] = "option";
        for (size_t i = 0; i < columns; i++) align[i] = 'l';
        align[columns] = '\0';
        for (size_t k = 0; k < in->count; k++) header[k + 1] = in->names[k];
        for (size_t r = 0; r < in->setting_count; r++) {
            cells[r * columns] = in->settings[r];
            for (size_t k = 0; k < in->count; k++)
                cells[r * columns + k + 1] = in->values[r * in->count + k];
        }
        sg_page_table table = SG_PAGE_TABLE_INIT;
        table.header = header;
        table.cells = cells;
        table.rows = in->setting_count;
        table.columns = columns;
        table.align = align;
        sg_page_put_table(page, &table);
    } else {
        page->failed = true;
    }
    free(header);
    free(cells);
    free(align);
}

sg_status sg_runs_page_write(const sg_runs_page *in, const char *path, sg_error *err) {
    sg_page page;
    sg_compare_arm *arms = calloc(in->count + 1, sizeof *arms);
    if (!arms) return sg_fail(err, SG_ERR_MEMORY, "out of memory writing %s", path);
    for (size_t i = 0; i < in->count; i++)
        arms[i] = (sg_compare_arm){
                .name = in->names[i], .curves = in->curves[i], .curve_count = in->curve_counts[i]};
    const sg_compare_page curves = {.arms = arms, .arm_count = in->count};
    sg_page_open(&page, "Trainings side by side", NULL);
    sg_page_section(&page, "Settings that differ",
            in->setting_count ? NULL : "None: the runs were made with the same options.");
    if (in->setting_count) put_settings(&page, in);
    sg_compare_put_curves(&page, &curves);
    sg_page_note(&page,
            "Curves say how a training went; whether one model is better than another is a "
            "question for test images both judged (sonograde compare).");
    free(arms);
    return sg_page_write(&page, path, err);
}
