/* looks.c - see looks.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/looks.h"

char *sg_cli_ledger(const sg_log *log) {
    char *path = NULL;
    sg_error why = SG_ERROR_INIT;
    if (sg_ledger_default_path(&path, &why) == SG_OK) return path;
    sg_log_line(log, SG_LOG_WARN, "these looks at test images are not counted: %s", why.message);
    return NULL;
}

sg_status sg_cli_enter_look(
        const char *ledger, const sg_predictions *predictions, bool flip_average, sg_error *err) {
    sg_test_look look;
    if (!ledger) return SG_OK;
    return sg_ledger_enter(
            &look, ledger, predictions, flip_average ? "flip averaged" : "plain", err);
}
