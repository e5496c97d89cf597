/* fuzz_csv.c - any bytes are a table or a clear refusal; a table that is written reads back the
 * same. SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_table(sg_str *s, const sg_csv *csv) {
    for (size_t i = 0; i < csv->columns; i++) sg_csv_put(s, csv->header[i]);
    sg_csv_end_row(s);
    for (size_t row = 0; row < csv->rows; row++) {
        for (size_t i = 0; i < csv->columns; i++) sg_csv_put(s, sg_csv_cell(csv, row, (int)i));
        sg_csv_end_row(s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sg_csv csv, back;
    if (sg_csv_parse(&csv, (const char *)data, size, "fuzz", NULL)) return 0;
    sg_str s;
    sg_str_init(&s, 0);
    put_table(&s, &csv);
    if (sg_csv_parse(&back, s.data, s.len, "written", NULL)) abort();
    if (back.rows != csv.rows || back.columns != csv.columns) abort();
    for (size_t i = 0; i < (csv.rows + 1) * csv.columns; i++)
        if (strcmp(csv.header[i], back.header[i]) != 0) abort();
    sg_str_dispose(&s);
    sg_csv_dispose(&back);
    sg_csv_dispose(&csv);
    return 0;
}
