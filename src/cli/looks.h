/* looks.h - the ledger of looks at test images (protocol/ledger.h) as verbs that judge many models
 * use it. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_LOOKS_H
#define SG_CLI_LOOKS_H

#include "protocol/ledger.h"

/* The ledger's file; the caller's. NULL, with a warning, when there is no place for one. */
char *sg_cli_ledger(const sg_log *log);
/* Enters one model's look; ledger NULL: nothing. */
SG_MUST_CHECK sg_status sg_cli_enter_look(
        const char *ledger, const sg_predictions *predictions, bool flip_average, sg_error *err);

#endif
