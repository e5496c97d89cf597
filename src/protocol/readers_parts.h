/* readers_parts.h - shared inside the readers' files: words of verdicts, lists of names, and what
 * predictions.csv brings. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_READERS_PARTS_H
#define SG_PROTOCOL_READERS_PARTS_H

#include "base/csv.h"
#include "protocol/readers.h"

/* 1 for a word that says yes, 0 for one that says no, -1 for any other. */
int sg_reader_yes_or_no(const char *word);

/* Names, without regard to case: place or -1. */
int sg_reader_find_name(char *const *names, size_t count, const char *name);
/* Appends a copy of `name` unless it is there; its place. -1 when out of memory. */
int sg_reader_intern(char ***names, size_t *count, size_t *capacity, const char *name);
void sg_reader_names_dispose(char **names, size_t count);

/* SG_ERR_FORMAT when the table lacks the column. */
SG_MUST_CHECK sg_status sg_reader_require(
        int *column, const sg_csv *csv, const char *name, const char *file, sg_error *err);
/* numbers[rows]: equal for equal texts of the column; *distinct counts them. */
SG_MUST_CHECK sg_status sg_reader_number_texts(
        uint32_t *numbers, size_t *distinct, const sg_csv *csv, int column, sg_error *err);

/* Images, truth, groups and the model; categories become the model's classes. */
SG_MUST_CHECK sg_status sg_reader_predictions_read(
        sg_reader_study *s, const sg_reader_options *o, sg_error *err);

#endif
