/* evaluation_facts.h - the words of the evaluation page that come from models, data and ledger, and
 * the arena that holds texts until the page is written. Inside cli only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_EVALUATION_FACTS_H
#define SG_CLI_EVALUATION_FACTS_H

#include "cli/evaluation_page.h"
#include "report/evaluation.h"

/* Everything that must live until the page is written. */
typedef struct sg_keep {
    void **blocks;
    size_t count, capacity;
    bool failed; /* something could not be held: the page must not be written */
} sg_keep;
void *sg_keep_hold(sg_keep *keep, void *block); /* takes it over; NULL when out of memory */
void sg_keep_dispose(sg_keep *keep);
#define SG_KEEP_TEXT(k, ...) ((const char *)sg_keep_hold((k), sg_strdupf(__VA_ARGS__)))

/* A section of the first model that was asked. */
const json_t *sg_first_model(const sg_predictions *predictions, const char *section);

enum { SG_MARKS_MORE = 2, SG_FACTS_MORE = 2 };

void sg_evaluation_fill_facts(sg_evaluation_facts *out, sg_page_fact more[SG_FACTS_MORE],
        sg_keep *keep, const sg_predictions *predictions, const sg_metrics *metrics,
        const sg_evaluation_source *source);
void sg_evaluation_fill_marks(sg_evaluation_marks *out, const char *more[SG_MARKS_MORE],
        sg_keep *keep, const sg_metrics *metrics, const sg_predictions *predictions,
        const sg_evaluation_source *source);

#endif
