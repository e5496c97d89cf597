/* evaluation_items.c - the reporting checklists at the end of the report.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/evaluation_parts.h"
#include <string.h>

/* Items [first, last) of one list. */
static void put_list(sg_page *page, const sg_evaluation_item *items, size_t count) {
    static const char *const header[] = {"item", "about", "state", "as far as it is known"};
    enum { COLUMNS = 4 };
    sg_cells cells;
    if (!sg_cells_init(&cells, count * COLUMNS)) page->failed = true;
    for (size_t i = 0; i < count && cells.text && cells.cell; i++) {
        sg_cells_put(&cells, items[i].number);
        sg_cells_put(&cells, items[i].title);
        sg_cells_put(&cells, items[i].state);
        sg_cells_put(&cells, items[i].answer);
    }
    sg_cells_put_table(&cells, page, header, COLUMNS, "llll", items[0].list);
}

void sg_evaluation_put_items(sg_page *page, const sg_evaluation_page *e) {
    if (e->item_count == 0) return;
    sg_page_section(page, "Reporting checklists",
            "Items are named in short words; the lists are CLAIM 2024 (Tejani et al., Radiology: "
            "AI) and TRIPOD+AI (Collins et al., BMJ 2024). What only people know is open.");
    for (size_t start = 0, end; start < e->item_count; start = end) {
        end = start;
        while (end < e->item_count && strcmp(e->items[end].list, e->items[start].list) == 0) end++;
        put_list(page, e->items + start, end - start);
    }
}
