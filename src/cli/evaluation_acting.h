/* evaluation_acting.h - from acting figures and parts of the images to the page's structs. Inside
 * cli only. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_EVALUATION_ACTING_H
#define SG_CLI_EVALUATION_ACTING_H

#include "cli/evaluation_facts.h"
#include "protocol/acting.h"
#include "protocol/strata.h"

void sg_evaluation_acting_fill(sg_evaluation_page *page, sg_keep *keep, const sg_acting *acting,
        const sg_predictions *predictions);
void sg_evaluation_strata_fill(sg_evaluation_page *page, sg_keep *keep, const sg_strata *strata);

#endif
